/**
 * Callers that place orders one after the other, and take nothing but a placed order for an answer: what a hand-over
 * must not disturb. Only a connection that no node has taken is tried elsewhere: one that was taken brings an answer. It
 * is refused; or reset, where the system had it in line when the listener closed. A node that leaves may answer 202,
 * with the order as it is; it is asked for again elsewhere, under the same key.
 * Owns: what was asked and answered.  Does not own: the cluster.
 */
import type { PlaceOrder } from "../../../src/services/orders/contract.ts";
import { orderOf, place } from "../clients/order-client.ts";

export type StrictAnswer = {
  readonly id: string;
  readonly key: string;
  readonly order: PlaceOrder;
  /** From the first try to the answer, ms. */
  readonly tookMs: number;
};

export type StrictLoad = {
  readonly answered: readonly StrictAnswer[];
  /** Answers that must not be, as text; empty when all is well. */
  readonly failed: readonly string[];
  /** Requests that found nobody at an address, and were repeated elsewhere. */
  refusedConnections(): number;
  /** Connections to a node that left that were reset at once; their orders were made by the repetition, not before. */
  resetConnections(): number;
  /** Orders that a node that left has answered 202. */
  handedBack(): number;
  /** Orders under way end first. */
  stop(): Promise<void>;
};

/** Tries of one order: an address that closes meanwhile, and then another one. */
const TRIES = 5;
/** A request that was taken is cut only when its node may wait no longer: after seconds. */
const AT_ONCE_MS = 1000;
const RESETS: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);
/** Short ones, and one that waits longer than a node may take to leave, at a gateway that takes 2 s. */
const KINDS = [
  { change: { method: "cash_on_delivery" }, headers: {} },
  { change: { method: "credit_card" }, headers: {} },
  { change: { method: "cash_on_delivery" }, headers: {} },
  { change: { method: "credit_card", token: "tok_slow" }, headers: { prefer: "wait=60" } },
] as const;

/**
 * @param urls addresses that callers know of at this moment, at least one
 * @param leaves whether the node at this address leaves, or has left meanwhile
 */
export function startStrictLoad(
  name: string,
  callers: number,
  urls: () => readonly string[],
  leaves: (url: string) => boolean,
): StrictLoad {
  const answered: StrictAnswer[] = [];
  const failed: string[] = [];
  let [refused, reset, handedBack] = [0, 0, 0];
  let next = 0;
  const stopping = new AbortController();

  const placeOne = async (index: number): Promise<void> => {
    const key = `${name}-${index}`;
    const { change, headers } = KINDS[index % KINDS.length]!;
    const order = orderOf(change);
    const sentAt = performance.now();
    /** Wall clock, ms: nobody may have made the order before. */
    let resetAt: number | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const known = urls();
      const url = known[(index + attempt) % known.length]!;
      const askedAt = performance.now();
      try {
        const { status, body } = await place(url, order, { ...headers, "idempotency-key": key });
        const tookMs = performance.now() - sentAt;
        if (status === 202 && leaves(url)) {
          handedBack++;
          continue;
        }
        if (resetAt !== undefined && Date.parse(body.createdAt) < resetAt)
          failed.push(`${key}: its connection was reset when the order had been taken`);
        if (status === 201) answered.push({ id: body.id, key, order, tookMs });
        else failed.push(`${key} at ${url}: ${status} ${body.code} after ${Math.round(tookMs)} ms`);
        return;
      } catch (error) {
        const code = codeOf(error);
        if (RESETS.has(code) && leaves(url) && performance.now() - askedAt < AT_ONCE_MS) {
          resetAt = Date.now();
          reset++;
          continue;
        }
        if (code !== "ECONNREFUSED") {
          failed.push(`${key} at ${url}: ${code} after ${Math.round(performance.now() - sentAt)} ms`);
          return;
        }
        refused++;
      }
    }
    failed.push(`${key}: no address takes connections`);
  };
  const caller = async (): Promise<void> => {
    while (!stopping.signal.aborted) await placeOne(next++);
  };
  const done = Promise.all(Array.from({ length: callers }, caller));
  done.catch(() => {});
  return {
    answered,
    failed,
    refusedConnections: () => refused,
    resetConnections: () => reset,
    handedBack: () => handedBack,
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

/** Of the system's error behind a failed `fetch`. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
