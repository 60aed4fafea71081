/** What must be true of all orders of a test together, whatever faults it injected. */
import type { Test } from "tap";
import type { OrderStatus, OrderView } from "../../../src/services/orders/contract.ts";
import { history, ledger, type LedgerEntry, read, stock } from "../clients/order-client.ts";
import type { LoadedOrder } from "../load/order-load.ts";
import { waitUntil } from "../wait-until.ts";

/** The statuses of a confirmed order, in sequence. */
const JOURNEY: readonly OrderStatus[] = ["confirmed", "ready", "shipped", "delivered", "completed"];
const READERS = 8;

/**
 * Reads every order on one of the nodes, and fails the test for each that is missing or whose status is earlier than
 * its caller's answer.
 * @returns the orders by id
 */
export async function checkNothingLost(
  t: Test,
  urls: readonly string[],
  orders: readonly LoadedOrder[],
): Promise<ReadonlyMap<string, OrderView>> {
  const views = new Map<string, OrderView>();
  await inParallel(orders, async ({ id, outcome, key }, index) => {
    const view = await readSoon(urls[index % urls.length] ?? "", id);
    views.set(id, view);
    const journey = JOURNEY.indexOf(view.status);
    const isThere = outcome === "confirmed" ? journey >= 0 : outcome === codeOf(view);
    if (!isThere) t.fail(`${id} (key ${key}) was answered ${outcome} and is ${view.status}`);
  });
  t.equal(
    views.size,
    orders.length,
    `${orders.length} answered orders are there, none at an earlier status than its answer`,
  );
  return views;
}

/** Waits until every order has ended. */
export async function checkAllEnd(
  t: Test,
  urls: readonly string[],
  orders: readonly LoadedOrder[],
  timeoutMs = 60_000,
): Promise<void> {
  const waiting = new Map(orders.map((order) => [order.id, order]));
  const deadline = performance.now() + timeoutMs;
  await inParallel([...waiting.values()], async ({ id, outcome }, index) => {
    const wanted = outcome === "confirmed" ? "completed" : outcome;
    await waitUntil(
      `order ${id}, answered ${outcome}, ends`,
      async () => {
        const view = await readSoon(urls[index % urls.length] ?? "", id);
        if (codeOf(view) !== wanted) throw new Error(`it is ${JSON.stringify(view)}`);
        return true;
      },
      { timeoutMs: Math.max(0, deadline - performance.now()), intervalMs: 100 },
    );
    waiting.delete(id);
  });
  t.equal(waiting.size, 0, `${orders.length} orders have ended`);
}

/** Fails unless the order has one record per commit, none missing, with these events and no others. */
export async function checkHistory(
  t: Test,
  url: string,
  id: string,
  events: readonly string[],
): Promise<void> {
  const items = await history(url, id);
  t.strictSame(
    items.map(({ version }) => version),
    items.map((_, index) => index + 1),
    "versions are 1, 2, 3 ...",
  );
  const sequences = items.map(({ sequence }) => sequence);
  t.strictSame(
    sequences,
    sequences.toSorted((a, b) => a - b),
  );
  t.ok(
    items.every(
      ({ node, epoch, at }) => /^node-\d$/u.test(node) && epoch > 0 && !Number.isNaN(Date.parse(at)),
    ),
  );
  t.strictSame(
    items.flatMap((item) => item.events),
    events,
  );
}

/**
 * Fails unless every order has one linear history: versions 1, 2, 3, each later than the last and under no older lock.
 */
export async function checkHistories(
  t: Test,
  urls: readonly string[],
  orders: readonly LoadedOrder[],
): Promise<void> {
  let wrong = 0;
  await inParallel(orders, async ({ id }, index) => {
    const items = await history(urls[index % urls.length] ?? "", id);
    const isLinear = items.every((item, at) => {
      const last = items[at - 1];
      return (
        item.version === at + 1 &&
        (last === undefined || (item.sequence > last.sequence && item.epoch >= last.epoch))
      );
    });
    if (isLinear) return;
    wrong++;
    t.fail(`history of ${id}: ${JSON.stringify(items)}`);
  });
  t.equal(wrong, 0, `${orders.length} histories are linear`);
}

/**
 * Fails unless the gateway's ledger has one authorization for each order paid by card, a capture where due, and nothing
 * else.
 */
export async function checkLedger(
  t: Test,
  gatewayUrl: string,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const booked = new Map<string, string[]>();
  for (const entry of await ledger(gatewayUrl)) push(booked, entry);
  for (const { id, order, outcome } of orders) {
    const { method } = order.payment;
    const kinds: string[] = [];
    if (outcome === "confirmed" && method === "debit_card") kinds.push("authorize");
    if (outcome === "confirmed" && (method === "credit_card" || method === "tokenized"))
      kinds.push("authorize", "capture");
    if ((booked.get(id) ?? []).join() !== kinds.join())
      t.strictSame(booked.get(id) ?? [], kinds, `bookings of ${id}`);
    booked.delete(id);
  }
  t.strictSame([...booked], [], "every booking belongs to an order, once");
}

/**
 * Call after all orders have ended. Fails unless the sold pieces have left, none is reserved and none was sold twice.
 */
export async function checkStock(
  t: Test,
  url: string,
  before: ReadonlyMap<string, number>,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const sold = new Map<string, number>();
  for (const { order, outcome } of orders)
    for (const { sku, quantity } of outcome === "confirmed" ? order.lines : [])
      sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  for (const [sku, onHand] of before) {
    const left = onHand - (sold.get(sku) ?? 0);
    t.match(await stock(url, sku), { onHand: left, reserved: 0, available: left }, `stock of ${sku}`);
  }
}

/** Reads an order; a node may refuse reads for a moment while a partition changes hands. */
async function readSoon(url: string, id: string): Promise<OrderView> {
  return waitUntil(
    `${url} shows ${id}`,
    async () => {
      const { status, body } = await read(url, id);
      if (status !== 200) throw new Error(`it answers ${status} ${body.code}`);
      return body;
    },
    { timeoutMs: 20_000, intervalMs: 100 },
  );
}

/** The code that the caller of an order that was not confirmed got. */
function codeOf(view: OrderView): string {
  return view.status === "rejected" ? (view.reason ?? "") : view.status;
}

function push(booked: Map<string, string[]>, { orderId, kind }: LedgerEntry): void {
  const kinds = booked.get(orderId) ?? [];
  kinds.push(kind);
  booked.set(orderId, kinds);
}

async function inParallel<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: READERS }, worker));
}
