/** What the HTTP layer needs of dead letters. The composition of the node implements it. */
import type { UnavailableResult } from "../../services/orders/contract.ts";

/** An event that a worker abandoned. */
export type DeadLetterView = {
  /** `dl_` and a number; never used again. */
  readonly id: string;
  readonly worker: string;
  /** Empty, as are `type` and `orderId`, when the message that the worker received was not an event. */
  readonly eventId: string;
  readonly type: string;
  readonly orderId: string;
  /** What was wrong with the last attempt. */
  readonly reason: string;
  readonly attempts: number;
  /** RFC 3339, UTC */
  readonly at: string;
};

/** The dead letters of every worker. */
export interface DeadLetterService {
  /** Oldest first. `after`: id of the last one of the previous page, well formed. `next`: null on the last page. */
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
