/**
 * Callers that place orders one after the other and accept only a placed order as the answer: a hand-over must not
 * disturb them. They repeat elsewhere only a connection that no node has accepted: a refused one, or one that was reset
 * because it was in the system's backlog when the listener closed. A node that leaves may answer 202 with the order as
 * it is; the caller then repeats the request elsewhere under the same key.
 * Owns: the requests and answers.  Does not own: the cluster.
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
  /** Forbidden answers, as text; empty when there was none. */
  readonly failed: readonly string[];
  /** Requests whose connection was refused, and that were repeated elsewhere. */
  refusedConnections(): number;
  /**
   * Connections that a leaving node's system reset at once; the repetition made their orders, not the first request.
   */
  resetConnections(): number;
  /** Orders that a leaving node has answered with 202. */
  handedBack(): number;
  /** Orders under way end first. */
  stop(): Promise<void>;
};

/** Tries of one order: an address that closes during the request, and then another one. */
const TRIES = 5;
/** A node cuts an accepted request only when it may wait no longer: after seconds. */
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
 * @param urls addresses that callers know at this moment, at least one
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
    /** Wall clock, ms: no node may have made the order before. */
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
          failed.push(`${key}: its connection was reset after a node had accepted the order`);
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

/** The code of the system's error that made a `fetch` fail. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
