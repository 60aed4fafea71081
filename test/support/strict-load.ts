/**
 * Callers that place orders one after the other, and take nothing but a placed order for an answer: what a hand-over
 * must not disturb. Only a request that finds no process behind an address is repeated, elsewhere, under the same key.
 * Owns: what was asked and answered.  Does not own: the cluster.
 */
import type { PlaceOrder } from "../../src/services/orders/contract.ts";
import { orderOf, place } from "./order-client.ts";

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
  /** Orders under way end first. */
  stop(): Promise<void>;
};

/** Tries of one order: an address that closes meanwhile, and then another one. */
const TRIES = 5;
const METHODS = ["cash_on_delivery", "credit_card"] as const;

/** @param urls addresses that callers know of at this moment, at least one */
export function startStrictLoad(name: string, callers: number, urls: () => readonly string[]): StrictLoad {
  const answered: StrictAnswer[] = [];
  const failed: string[] = [];
  let refused = 0;
  let next = 0;
  const stopping = new AbortController();

  const placeOne = async (index: number): Promise<void> => {
    const key = `${name}-${index}`;
    const order = orderOf({ method: METHODS[index % METHODS.length]! });
    const sentAt = performance.now();
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const known = urls();
      const url = known[(index + attempt) % known.length]!;
      try {
        const { status, body } = await place(url, order, { "idempotency-key": key });
        const tookMs = performance.now() - sentAt;
        if (status === 201) answered.push({ id: body.id, key, order, tookMs });
        else failed.push(`${key} at ${url}: ${status} ${body.code} after ${Math.round(tookMs)} ms`);
        return;
      } catch (error) {
        if (!isConnectionLost(error)) throw error;
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
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

/** Nobody listens, or the connection was closed before a request on it was taken. */
function isConnectionLost(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "UND_ERR_SOCKET";
}
