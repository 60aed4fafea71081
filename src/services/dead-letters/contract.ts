/** Dead letters as HTTP sees them: events that a worker stopped retrying. Outcomes are values. */
import type { StoredDeadLetter } from "../../runtime/workers/work-queue.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** One dead letter as the API shows it. */
export type DeadLetterView = Omit<StoredDeadLetter, "sequence" | "subject" | "at"> & {
  /** `dl_` and a number; never used again. */
  readonly id: string;
  /** Empty when the worker's item was no event. */
  readonly orderId: string;
  /** RFC 3339, UTC. */
  readonly at: string;
};

/** What operators do about dead letters. */
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
