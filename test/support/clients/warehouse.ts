/**
 * Orders whose steps the test drives over HTTP in a cluster with manual fulfillment. Each request takes the next node.
 */
import type { Test } from "tap";
import type { OrderView, PaymentMethod } from "../../../src/services/orders/contract.ts";
import { command, history, ledger, orderOf, place, putStock, read, stock } from "./order-client.ts";
import { untilOrder } from "./order-poll.ts";
import type { OrderCluster } from "../cluster/order-cluster.ts";
import { waitUntil } from "../wait-until.ts";

/** Pieces on hand of each order's own SKU. */
export const ON_HAND = 20;
/** The price of two pieces. */
export const TOTAL = { amount: 2000, currency: "EUR" };
export type Step = Parameters<typeof command>[2];
export type Placed = { readonly id: string; readonly sku: string; readonly email: string };
export type Warehouse = ReturnType<typeof openWarehouse>;

const STEPS = ["pick", "quality-check", "pack", "ship", "deliver", "cancel", "retry"] as const;
const bodies: Partial<Record<Step, object>> = {
  "quality-check": { passed: true },
  deliver: { collected: TOTAL },
};

export function openWarehouse(cluster: OrderCluster) {
  let asked = 0;
  let orders = 0;
  const nextUrl = () => cluster.urls[asked++ % cluster.urls.length]!;
  const ask = (id: string, name: Step, body?: object) => command(nextUrl(), id, name, body);

  /** Places an order for two pieces, of which `onHand` are there. */
  async function placed(
    method: PaymentMethod,
    {
      token,
      prefer,
      onHand = ON_HAND,
    }: { readonly token?: string; readonly prefer?: string; readonly onHand?: number } = {},
  ) {
    const number = orders++;
    const sku = `WAREHOUSE-${number}`;
    const email = `warehouse-${number}@example.com`;
    await putStock(nextUrl(), sku, onHand);
    const order = orderOf({ method, email, lines: [{ sku, quantity: 2 }], ...(token ? { token } : {}) });
    const answer = await place(nextUrl(), order, prefer === undefined ? {} : { prefer });
    return { id: answer.body.id ?? answer.body.orderId ?? "", sku, email, answer };
  }

  const view = (id: string, what: string, holds: (order: OrderView) => boolean) =>
    untilOrder(nextUrl, id, what, holds);

  /** Places an order and, where it is paid on a page, pays it: stored, and nothing picked. */
  async function confirmed(t: Test, method: PaymentMethod, token?: string): Promise<Placed> {
    const { id, sku, email, answer } = await placed(method, token === undefined ? {} : { token });
    t.equal(answer.status, 201);
    const url = answer.body.payment.url;
    if (url !== null) await fetch(url, { method: "POST", body: new URLSearchParams({ action: "pay" }) });
    const paid = { async: "captured", cash_on_delivery: "none", in_person: "none" } as const;
    t.match(await view(id, "confirmed", ({ status }) => status === "confirmed"), {
      payment: { method, status: paid[method as keyof typeof paid] ?? "authorized" },
      fulfillment: { status: "stored" },
      nextEvents: ["cancel", "pick"],
    });
    t.match(await stock(nextUrl(), sku), { onHand: ON_HAND, reserved: 2 });
    return { id, sku, email };
  }

  async function packed(id: string): Promise<void> {
    for (const step of ["pick", "quality-check", "pack"] as const) await ask(id, step, bodies[step]);
  }

  /**
   * Fails unless every other command is refused, names the possible ones, and changes nothing.
   * @param state of the order
   */
  async function refusesAllBut(
    t: Test,
    id: string,
    allowed: readonly string[],
    state?: string,
  ): Promise<void> {
    const { body: before } = await read(nextUrl(), id);
    if (state !== undefined) t.equal(before.status, state);
    for (const step of STEPS) {
      if (allowed.includes(step)) continue;
      const refused = await ask(id, step, bodies[step]);
      t.match(refused, { status: 409, body: { code: "illegal_transition", state: before.status } }, step);
      t.strictSame(refused.body.allowedEvents?.toSorted(), allowed.toSorted(), `${step}: what is possible`);
    }
    t.equal((await read(nextUrl(), id)).body.version, before.version, "nothing has changed");
  }

  return {
    cluster,
    nextUrl,
    ask,
    placed,
    confirmed,
    packed,
    view,
    refusesAllBut,
    /** Waits until it can be shipped. */
    shippable: (id: string) =>
      view(id, "ready to be shipped", ({ nextEvents }) => nextEvents.includes("ship")),
    /** Waits until the whole stock is available again. */
    stockIsBack: (sku: string) =>
      waitUntil("the stock is back", async () => {
        const now = await stock(nextUrl(), sku);
        if (now.onHand === ON_HAND && now.reserved === 0 && now.available === ON_HAND) return true;
        throw new Error(`it is ${JSON.stringify(now)}`);
      }),
    booked: async (id: string) => (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind),
    events: async (id: string) => (await history(nextUrl(), id)).flatMap((item) => item.events),
  };
}
