/**
 * Callers that place orders while something breaks, as careful clients do: every order has an idempotency key of its
 * own and is repeated under it until there is a final answer. Meanwhile other callers read these orders and send them a
 * command that they refuse: most of these meet an order whose newest state is not acknowledged yet.
 * Owns: the requests and answers.  Does not own: the cluster, nor the faults.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { PlaceOrder } from "../../../src/services/orders/contract.ts";
import { DEVELOPMENT_SECRET } from "../../../config/settings-faults.ts";
import { derivedOrderId } from "../../../src/services/orders/order-id.ts";
import { command, place, read } from "../clients/order-client.ts";
import { waitUntil } from "../wait-until.ts";

/** Final answers: placed, payment refused or expired, out of stock. */
const SETTLED: ReadonlySet<number> = new Set([201, 402, 409]);
/** Answers after which a caller repeats the request; any other (a 500 above all) is a fault of the server. */
const PASSING: ReadonlySet<number> = new Set([202, 429, 503]);
/** What a caller may get who asks for an order under way: also that it does not exist yet. */
const ASKED: ReadonlySet<number> = new Set([200, 404, 409, 429, 503]);
/** Callers who ask for orders under way, and the pause of each after an answer, ms. */
const ASKING = 2;
const ASK_EVERY_MS = 5;
/** Name of every caller at a node without authentication. */
const CALLER = "anonymous";

export type LoadedOrder = {
  readonly key: string;
  readonly order: PlaceOrder;
  readonly id: string;
  /** 201, 402 or 409, of the final answer. */
  readonly status: number;
  /** `confirmed`, or the problem's code. */
  readonly outcome: string;
  /** Number of requests, those without an answer included. */
  readonly attempts: number;
  /** Monotonic ms: when the answered request was sent, and when its answer came. */
  readonly sentAt: number;
  readonly answeredAt: number;
};

export type LoadOptions = {
  /** Prefix of the idempotency keys; not used by another load on the same cluster. */
  readonly name: string;
  readonly count: number;
  /** Callers at work at the same time. */
  readonly callers: number;
  readonly orderAt: (index: number) => PlaceOrder;
  /** Nodes that callers know at this moment, at least one. */
  readonly urls: () => readonly string[];
  /** All tries of one order together. Default 60 s. */
  readonly timeoutMs?: number;
};

export type Load = {
  /** Orders with a final answer, so far. */
  readonly answered: readonly LoadedOrder[];
  /**
   * Resolves at the moment in which this number of orders has an answer: only the orders of callers at work may get
   * theirs before the test acts. Rejects as `done` does.
   */
  reached(count: number): Promise<void>;
  /** Resolves when every order is answered. Rejects when one gets no answer in time, or a forbidden one. */
  readonly done: Promise<readonly LoadedOrder[]>;
};

/** Starts placing at once, on nodes that fulfill orders by themselves. */
export function startLoad(options: LoadOptions): Load {
  const answered: LoadedOrder[] = [];
  const underWay = new Set<number>();
  const awaited = new Map<number, () => void>();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < options.count) {
      const index = next++;
      underWay.add(index);
      answered.push(await placeUntilSettled(options, index).finally(() => underWay.delete(index)));
      awaited.get(answered.length)?.();
    }
  };
  const callers = Array.from({ length: options.callers }, caller);
  const forbidden: string[] = [];
  for (let count = 0; count < ASKING; count++) void ask(options, underWay, forbidden);
  const done = Promise.all(callers).then(() => {
    if (forbidden.length > 0) throw new Error(forbidden.join("; "));
    return answered;
  });
  // A test that awaits it sees the failure; until then the rejection counts as handled.
  done.catch(() => {});
  const reached = async (count: number): Promise<void> => {
    if (answered.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    awaited.set(count, resolve);
    await Promise.race([promise, done]);
  };
  return { answered, reached, done };
}

/** Asks for orders under way, one after the other, until there are none. Notes forbidden answers. */
async function ask(
  { name, urls }: LoadOptions,
  underWay: ReadonlySet<number>,
  forbidden: string[],
): Promise<void> {
  for (let count = 0; underWay.size > 0; count++) {
    const known = urls();
    const url = known[count % known.length] ?? "";
    const indexes = [...underWay];
    const key = `${name}-${indexes[count % indexes.length]}`;
    const id = derivedOrderId(DEVELOPMENT_SECRET, CALLER, key);
    // A node that fulfills orders by itself takes no step from a caller.
    const asked = count % 2 === 0 ? read(url, id) : command(url, id, "pick");
    const answer = await asked.catch(() => undefined);
    if (answer !== undefined && !ASKED.has(answer.status))
      forbidden.push(`asked for order ${key}, ${url} answers ${answer.status} ${answer.body.code}`);
    await pause(ASK_EVERY_MS);
  }
}

async function placeUntilSettled(options: LoadOptions, index: number): Promise<LoadedOrder> {
  const { name, orderAt, urls, timeoutMs = 60_000 } = options;
  const key = `${name}-${index}`;
  const order = orderAt(index);
  let attempts = 0;
  let wrong: string | undefined;
  const settled = await waitUntil(
    `order ${key} gets a final answer`,
    async () => {
      const known = urls();
      const url = known[(index + attempts++) % known.length] ?? "";
      const sentAt = performance.now();
      const { status, body } = await place(url, order, { "idempotency-key": key });
      if (SETTLED.has(status) && body.code !== "refused") {
        const id = body.orderId ?? body.id;
        // A repetition returns the order as it is by then: perhaps already shipped.
        const outcome = status === 201 ? "confirmed" : body.code;
        return {
          settled: { key, order, id, status, outcome, attempts, sentAt, answeredAt: performance.now() },
        };
      }
      if (PASSING.has(status)) throw new Error(`the last answer was ${status} ${body.code ?? body.status}`);
      wrong = `order ${key} was answered ${status} ${body.code}`;
      return { settled: undefined };
    },
    { timeoutMs, intervalMs: 50 },
  );
  if (settled.settled === undefined) throw new Error(wrong);
  return settled.settled;
}
