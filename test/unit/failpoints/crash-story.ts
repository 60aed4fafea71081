/**
 * What happens in every run: three waves of orders of all kinds while a node joins, a node is killed, a node is
 * isolated twice, two nodes shut down, and some answers are lost. The callers are careful: each repeats its request
 * under the same key until it gets a final answer.
 */
import type { Fault, Operation } from "../../../src/adapters/memory/server.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import type { GatewayDeclined, GatewayPaid } from "../../../machines/payment-events.ts";
import type { PaymentReport } from "../../../src/services/webhooks/contract.ts";
import type { Log, StoredMessage } from "../../../src/runtime/ports.ts";
import { WorkRefused } from "../../../src/runtime/workers/worker.ts";
import type { PaymentMethod, PlaceOrder } from "../../../src/services/orders/contract.ts";
import type { CrashNode } from "./crash-node.ts";
import { type CrashPlan, CrashWorld, NAMES } from "./crash-world.ts";

export type AnsweredOrder = {
  readonly key: string;
  readonly order: PlaceOrder;
  readonly id: string;
  /** The final answer to the caller. */
  readonly outcome: "completed" | "cancelled" | "out_of_stock" | "payment_failed";
};

/** SKU -> pieces on hand at the beginning. */
export const STOCK = { SHIRT: 100, MUG: 50, HOT: 3 } as const;
/** A SKU that no order has, whose stock is set again and again; and the last value. */
export const COUNTED = "COUNTED";
export const COUNTED_LAST = 30;
/** Of this SKU some pieces arrive with every wave. */
export const RECEIVED = "MUG";
const RECEIVED_EACH = 2;
const CUSTOMER_WHO_REFUSES_MAIL = "refuses@example.com";
/** Orders that do not exist, one in each wave. */
export const UNKNOWN = "ord_unknown_";
export const WAVES_MS = [1500, 6000, 10_000];
/** Pieces of it in all. */
export const RECEIVED_ALL = RECEIVED_EACH * WAVES_MS.length;
/** One node loses its connection, long enough for the other nodes to take over, and regains it. */
const CUT_OFF_MS = [3700, 8200];
const CUT_OFF_FOR_MS = 1200;
const ASK_AGAIN_MS = 60;
const LONGEST_MS = 120_000;

export type Story = {
  readonly world: CrashWorld;
  readonly answered: readonly AnsweredOrder[];
  readonly faults: string[];
};

type Kind = {
  readonly method: PaymentMethod;
  readonly token?: string;
  readonly lines: readonly (readonly [sku: string, quantity: number])[];
  /** `invoiced`: when its invoice is issued. */
  readonly cancelled?: true | "invoiced";
  readonly email?: string;
  /** What the customer does on the gateway's page, and whether the gateway's call-back about it arrives. */
  readonly page?: { readonly choice: "pay" | "decline"; readonly heard: boolean };
};

const KINDS: readonly Kind[] = [
  { method: "cash_on_delivery", lines: [["SHIRT", 1]] },
  { method: "credit_card", lines: [["SHIRT", 2]] },
  { method: "debit_card", lines: [["MUG", 1]], email: CUSTOMER_WHO_REFUSES_MAIL },
  { method: "credit_card", lines: [["MUG", 1]], cancelled: true },
  { method: "debit_card", lines: [["SHIRT", 1]], cancelled: true },
  { method: "cash_on_delivery", lines: [["MUG", 1]], cancelled: "invoiced" },
  { method: "credit_card", token: "tok_declined", lines: [["MUG", 3]] },
  { method: "cash_on_delivery", lines: [["HOT", 2]] },
  { method: "cash_on_delivery", lines: [["HOT", 2]] },
  {
    method: "credit_card",
    lines: [
      ["SHIRT", 1],
      ["MUG", 1],
    ],
  },
  { method: "async", lines: [["SHIRT", 1]], page: { choice: "pay", heard: true } },
  { method: "async", lines: [["MUG", 1]], page: { choice: "pay", heard: false }, cancelled: true },
  { method: "async", lines: [["SHIRT", 3]], page: { choice: "decline", heard: false } },
];

/** Its payment is in no final state, so it takes events. */
const isCaptured = ({ outcome, order }: AnsweredOrder): boolean =>
  outcome === "completed" && order.payment.method === "credit_card";

/** Runs the story; with a plan, the process that reaches that failpoint dies there. */
export async function runStory(plan: CrashPlan | undefined, log: Log): Promise<Story> {
  const world = new CrashWorld(plan, log);
  const answered: AnsweredOrder[] = [];
  const faults: string[] = [];
  arrangeTrouble(world);
  let turn = 0;

  const untilAnswered = async <T, A>(
    what: string,
    ask: (node: CrashNode) => Promise<A>,
    resultOf: (answer: A) => T | undefined,
  ): Promise<T> => {
    for (;;) {
      const node = world.someNode(turn++);
      const answer = node && (await world.ask(node, ask(node)));
      const result = answer === undefined ? undefined : resultOf(answer);
      if (result !== undefined) return result;
      if (world.clock.monotonic() > LONGEST_MS) throw new Error(`${what} was never answered`);
      await world.pause(ASK_AGAIN_MS);
    }
  };
  const put = (sku: string, onHand: number): Promise<true> =>
    untilAnswered(
      `put of ${sku}`,
      (node) => node.inventory.put(sku, { onHand, name: sku, price: { amount: 1000, currency: "EUR" } }),
      (answer) => (answer.status === "stored" ? true : undefined),
    );
  const receive = (key: string): Promise<true> =>
    untilAnswered(
      `receipt of ${key}`,
      (node) =>
        node.inventory.adjust(
          RECEIVED,
          { delta: RECEIVED_EACH, reason: "received" },
          { idempotencyKey: key, caller: "story" },
        ),
      (answer) => (answer.status === "adjusted" ? true : undefined),
    );
  const cancel = (id: string): Promise<true> =>
    untilAnswered(
      `cancellation of ${id}`,
      (node) => node.manual.command(id, { type: "cancel", reason: "changed my mind" }),
      (answer) =>
        answer.status === "done" || (answer.status === "illegal_transition" && answer.state === "cancelled")
          ? true
          : undefined,
    );
  const completed = (id: string): Promise<true> =>
    untilAnswered(
      `completion of ${id}`,
      (node) => node.auto.get(id),
      (answer) => (answer.status === "found" && answer.order.status === "completed" ? true : undefined),
    );
  /** The steps of the warehouse, in order, until the invoice is issued; a step that was taken is not taken again. */
  const untilInvoiced = async (id: string): Promise<void> => {
    for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }] as const)
      await untilAnswered(
        `${step.type} of ${id}`,
        (node) => node.manual.command(id, step),
        ({ status }) => (status === "done" || status === "illegal_transition" ? true : undefined),
      );
    await untilAnswered(
      `invoice of ${id}`,
      (node) => node.manual.get(id),
      (answer) => (answer.status === "found" && answer.order.invoice !== null ? true : undefined),
    );
  };
  /** An event without a type makes XState throw and parks its order, which has already ended. An operator skips it. */
  const parkAndSkip = async (id: string): Promise<void> => {
    await completed(id);
    const nonsense = {} as { type: string };
    await untilAnswered(
      `nonsense for ${id}`,
      (node) => node.node.actors.deliver(id, "payment", nonsense, "nonsense").then(() => true),
      () => true,
    );
    await untilAnswered(
      `parking of ${id}`,
      (node) => node.node.parked.list(),
      (parkings) => parkings.find(({ actor }) => actor === id),
    );
    await untilAnswered(
      `list of unreadable orders beside ${id}`,
      (node) => node.node.parked.unreadable(),
      () => true,
    );
    await untilAnswered(
      `resumption of ${id}`,
      (node) => node.node.parked.resume(id),
      ({ status }) => (status === "ok" || status === "refused" ? true : undefined),
    );
    for (let skipped = false; !skipped; ) {
      const named = await untilAnswered(
        `parking of ${id}, found`,
        (node) => node.node.parked.find(id).then((found) => ({ found })),
        ({ found }) => found?.id,
      );
      skipped = await untilAnswered(
        `skipping of ${id}`,
        (node) => node.node.parked.skip(id, named),
        (reply) =>
          reply.status === "ok" || (reply.status === "refused" && reply.code === "not_parked")
            ? true
            : reply.status === "refused"
              ? false
              : undefined,
      );
    }
  };
  /** Once, as customers do; the call-back about it may be repeated. */
  const visit = async (id: string, { choice, heard }: NonNullable<Kind["page"]>): Promise<void> => {
    const event = world.gateway.choose(id, choice);
    if (event === undefined) throw new Error(`the page of ${id} does not take ${choice}`);
    if (!heard) return;
    await report(event, id, `msg_${id}`);
  };
  /** The gateway repeats its message until it is taken. */
  const report = (event: GatewayPaid | GatewayDeclined, orderId: string, id: string): Promise<true> => {
    const paid = event.type === "gateway.paid";
    const message: PaymentReport = {
      type: paid ? "payment.paid" : "payment.declined",
      data: {
        payment: event.payment,
        orderId,
        amount: paid ? event.amount.amount : 1,
        currency: "EUR",
        authorization: paid ? event.authorization : null,
        reason: paid ? null : event.reason,
      },
    };
    const body = Buffer.from(JSON.stringify(message));
    return untilAnswered(
      `call-back about ${orderId}`,
      (node) => node.webhooks.payment(id, message, body),
      ({ status }) => (status === "taken" ? true : undefined),
    );
  };
  /** Money for an order that does not exist. */
  const reportUnknown = (wave: number): Promise<true> => {
    const orderId = `${UNKNOWN}${wave}`;
    const event = { type: "gateway.paid", payment: `pay_${orderId}`, authorization: "auth_unknown" } as const;
    return report({ ...event, amount: { amount: 1000, currency: "EUR" } }, orderId, `msg_${orderId}`);
  };
  const buy = async (key: string, kind: Kind): Promise<void> => {
    const order = orderOf(key, kind);
    const answer = await untilAnswered(
      `order ${key}`,
      (node) =>
        (kind.cancelled ? node.manual : node.auto).place(order, {
          idempotencyKey: key,
          caller: "shop",
          waitMs: 1500,
        }),
      (result) => {
        switch (result.status) {
          case "placed":
            return { id: result.order.id, outcome: "completed" as const };
          case "out_of_stock":
          case "payment_failed":
            return { id: result.orderId, outcome: result.status };
          case "pending":
          case "unavailable":
          case "storage_unavailable":
          case "overloaded":
            return undefined;
          default:
            throw new Error(`order ${key} was answered ${JSON.stringify(result)}`);
        }
      },
    );
    if (kind.page) await visit(answer.id, kind.page);
    if (kind.page?.choice === "decline")
      answered.push({ key, order, id: answer.id, outcome: "payment_failed" });
    else if (answer.outcome === "completed" && kind.cancelled) {
      if (kind.cancelled === "invoiced") await untilInvoiced(answer.id);
      await cancel(answer.id);
      answered.push({ key, order, id: answer.id, outcome: "cancelled" });
    } else answered.push({ key, order, ...answer });
  };

  world.boot("one");
  world.boot("two");
  const callers: Promise<unknown>[] = [];
  const call = (asked: Promise<unknown>): void => {
    callers.push(asked.catch((error: unknown) => faults.push(String(error))));
  };
  const parked = new Set<string>();
  let counting: Promise<unknown> = Promise.resolve();
  const shop = async (): Promise<void> => {
    for (const [sku, onHand] of Object.entries(STOCK)) await put(sku, onHand);
    for (const [wave, at] of WAVES_MS.entries()) {
      await world.pause(Math.max(0, at - world.clock.monotonic()));
      call(reportUnknown(wave));
      for (const [index, kind] of KINDS.entries()) {
        call(buy(`${wave}-${index}`, kind));
        await world.pause(7);
      }
      // One caller only: otherwise a repeated put would undo the next one.
      for (const onHand of [wave * 10 + 5, (wave + 1) * 10])
        counting = counting.then(() => {
          world.fillDisks(120);
          return put(COUNTED, onHand);
        });
      call(receive(`wave ${wave}`));
      for (const { id } of answered.filter((one) => isCaptured(one) && !parked.has(one.id))) {
        parked.add(id);
        call(parkAndSkip(id));
      }
    }
  };
  let over = false;
  void shop()
    .then(() => Promise.all([...callers, counting]))
    .catch((error: unknown) => faults.push(String(error)))
    .finally(() => {
      over = true;
    });
  world.clock.after(1700, () => world.boot("three"));
  world.clock.after(2300, () => world.end("three"));
  for (const at of CUT_OFF_MS)
    world.clock.after(at, () => world.running.get("one")?.isolation(CUT_OFF_FOR_MS));
  world.clock.after(6150, () => world.leave("two"));
  world.clock.after(10_080, () => world.leave("one"));
  await world.clock.advanceUntil(() => over && world.clock.monotonic() > 11_000, LONGEST_MS);
  if (!over) faults.push("a caller was never answered");

  world.trouble = () => undefined;
  world.losesAnswer = () => false;
  const ended = await world.clock.advanceUntil(
    () => world.running.size === NAMES.length && isQuiet(world),
    LONGEST_MS,
  );
  if (!ended) faults.push("it does not come to an end");
  // Time for the checkpoints to be written, and for items of a dead worker to be delivered again.
  await world.clock.advance(9000);
  return { world, answered, faults };
}

/** No node has work in progress, and no event waits for a worker. */
function isQuiet(world: CrashWorld): boolean {
  const isBusy = [...world.running.values()].some(({ node }) => {
    const { relay, effects, partitions } = node.status();
    return relay.depth > 0 || effects > 0 || partitions.some(({ lag }) => lag > 0);
  });
  return !isBusy && world.clock.waiting() > 0 && nothingIsOpen(world);
}

/** No order waits for an effect, a timer or its invoice, and every event that a worker has begun is marked. */
function nothingIsOpen({ server }: CrashWorld): boolean {
  const log = server.log("KV_ORDERS");
  if (log.lastSequence === 0 || !log.lastPerSubject("orders.journal.>").every(isOver)) return false;
  const marks = server.log("KV_PROCESSED").lastPerSubject("$KV.PROCESSED.>");
  return marks.every(({ payload }) => /"state":"(done|dead)"/u.test(payload));
}

/** Records that were read before: a world is checked after each of its steps. */
const looked = new WeakMap<StoredMessage, boolean>();

function isOver(record: StoredMessage): boolean {
  const known = looked.get(record);
  if (known !== undefined) return known;
  const { effects, timers, machines } = readRecord(record)!.snapshot;
  const answer = effects.length + timers.length === 0 && machines["order"]?.status === "done";
  looked.set(record, answer);
  return answer;
}

function orderOf(key: string, { method, token, lines, email }: Kind): PlaceOrder {
  const byCard = method === "credit_card" || method === "debit_card";
  return {
    customer: { id: `cus_${key}`, email: email ?? "ada@example.com", name: "Ada Byron" },
    lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
    payment: byCard ? { method, token: token ?? "tok_ok" } : { method },
    shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
  };
}

const every = (counts: Map<string, number>, kind: string, n: number): boolean => {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return count % n === 0;
};

/** Answers that are lost, counted per kind of call, so that a run is reproducible. */
function arrangeTrouble(world: CrashWorld): void {
  const operations = new Map<string, number>();
  const rules: readonly (readonly [Operation["kind"], prefix: string, n: number, Fault])[] = [
    ["append", "$KV.ORDERS.partition.", 4, { lose: "request" }],
    ["append", "orders.journal.", 12, { lose: "answer" }],
    ["bucket_write", "$KV.FLOORS.", 6, { lose: "answer" }],
    ["bucket_write", "$KV.PROCESSED.", 9, { lose: "answer" }],
    ["bucket_write", "$KV.UNMATCHED_PAYMENTS.", 2, { lose: "answer" }],
    ["bucket_write", "$KV.INVOICES_NUMBERS.order.", 3, { lose: "answer" }],
    ["bucket_write", "$KV.INVOICES_NUMBERS.credit-order.", 2, { lose: "answer" }],
  ];
  world.trouble = ({ kind, subject }): Fault | undefined => {
    const rule = rules.find((one) => one[0] === kind && subject.startsWith(one[1]));
    return rule && every(operations, rule[1], rule[2]) ? rule[3] : undefined;
  };
  const calls = new Map<string, number>();
  world.losesAnswer = (kind) => every(calls, kind, kind === "capture" ? 2 : 3);
  const mails = new Map<string, number>();
  world.mail = (event) => {
    const { customer } = event.data as { customer?: { email: string } };
    if (customer?.email === CUSTOMER_WHO_REFUSES_MAIL && event.type === "order.confirmed")
      return Promise.reject(new WorkRefused("no such mailbox"));
    return every(mails, "mail", 7) ? Promise.reject(new Error("greylisted")) : Promise.resolve();
  };
}
