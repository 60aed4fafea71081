/**
 * Callers that place orders while something breaks, as careful clients do: every order has an idempotency key of its
 * own and is repeated under it until there is a final answer.
 * Owns: the requests and answers.  Does not own: the cluster, nor the faults.
 */
import type { PlaceOrder } from "../../../src/services/orders/contract.ts";
import { place } from "../clients/order-client.ts";
import { waitUntil } from "../wait-until.ts";

/** Final answers: placed, payment refused or expired, out of stock. */
const SETTLED: ReadonlySet<number> = new Set([201, 402, 409]);
/** Answers after which a caller repeats the request; any other (a 500 above all) is a fault of the server. */
const PASSING: ReadonlySet<number> = new Set([202, 429, 503]);

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
  /** Resolves when every order is answered. Rejects when one gets no answer in time, or a forbidden one. */
  readonly done: Promise<readonly LoadedOrder[]>;
};

/** Starts placing at once. */
export function startLoad(options: LoadOptions): Load {
  const answered: LoadedOrder[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < options.count) answered.push(await placeUntilSettled(options, next++));
  };
  const done = Promise.all(Array.from({ length: options.callers }, caller)).then(() => answered);
  // A test that awaits it sees the failure; until then the rejection counts as handled.
  done.catch(() => {});
  return { answered, done };
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
