/** What the HTTP layer asks about dead letters. Implemented where the node is composed. */
import type { UnavailableResult } from "../../services/orders/contract.ts";

/** An event that a worker gave up on. */
export type DeadLetterView = {
  /** `dl_` and a number; never used again. */
  readonly id: string;
  readonly worker: string;
  /** Empty, as `type` and `orderId` are, when what the worker got was no event. */
  readonly eventId: string;
  readonly type: string;
  readonly orderId: string;
  /** What was wrong with the last attempt. */
  readonly reason: string;
  readonly attempts: number;
  /** RFC 3339, UTC */
  readonly at: string;
};

export interface DeadLetterService {
  /** Oldest first. `after`: id of the last one of the previous page, well formed. */
  list(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly DeadLetterView[]; readonly next: string | null }
    | UnavailableResult
  >;
  /** The worker gets the event again. Idempotent by `id`. */
  replay(
    id: string,
  ): Promise<{ readonly status: "replayed" } | { readonly status: "not_found" } | UnavailableResult>;
}
