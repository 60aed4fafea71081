/** The answers of a service that could not do its work; HTTP and all services share them. */
import type { ActorReply, UnreadableKind } from "../runtime/actors.ts";
import { Unavailable } from "../runtime/ports.ts";

/** Why a service did not do its work. All but `refused` are retryable after `retryAfterMs`. */
export type UnavailableResult =
  | { readonly status: "unavailable"; readonly reason: string; readonly retryAfterMs: number }
  /** Nothing was written, and nothing can be written: a disk is full. */
  | { readonly status: "storage_unavailable"; readonly reason: string; readonly retryAfterMs: number }
  | { readonly status: "overloaded"; readonly retryAfterMs: number }
  /** The order's owner cannot read the stored order; nothing was applied. It goes on under a program that can. */
  | {
      readonly status: "unreadable";
      readonly kind: UnreadableKind;
      readonly reason: string;
      readonly retryAfterMs: number;
    }
  | { readonly status: "refused"; readonly code: string; readonly reason: string };

/**
 * An outcome with the position of the order's newest record, as `minSequence` of a list takes it: the sequence in the
 * order stream, or `<stream>.<sequence>` where there are several. Absent: nothing is stored, or it is not known.
 */
export type Sequenced<Result> = Result & { readonly storedAt?: string };

/** When a caller may try again, ms: roughly the duration of a takeover. */
export const RETRY_AFTER_MS = 1000;

/** The answer while no node can serve. */
export function unavailable(reason: string): Extract<UnavailableResult, { status: "unavailable" }> {
  return { status: "unavailable", reason, retryAfterMs: RETRY_AFTER_MS };
}

/** What the work returns, or `unavailable` where it needs a server that does not answer. */
export async function orUnavailable<T>(
  work: () => Promise<T>,
): Promise<T | Extract<UnavailableResult, { status: "unavailable" }>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return unavailable(error.message);
    throw error;
  }
}

/** The runtime's reply as a service's answer. @throws Error for a reply that needs an order: programmer fault */
export function unavailableReply(reply: ActorReply): UnavailableResult {
  switch (reply.status) {
    case "unavailable":
      return reply.unreadable === undefined
        ? unavailable(reply.reason)
        : {
            status: "unreadable",
            kind: reply.unreadable,
            reason: reply.reason,
            retryAfterMs: RETRY_AFTER_MS,
          };
    case "storage_unavailable":
    case "overloaded":
      return reply;
    case "refused":
      // The public code: every actor of this application is an order.
      return reply.code === "actor_parked" ? { ...reply, code: "order_parked" } : reply;
    default:
      throw new Error(`the runtime replied ${reply.status}`);
  }
}
