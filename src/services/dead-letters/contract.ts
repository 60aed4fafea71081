/** Dead letters as HTTP sees them: events that a worker stopped retrying. Outcomes are values. */
import type { Asked } from "../../runtime/actor/input.ts";
import type { StoredDeadLetter } from "../../runtime/workers/work-queue.ts";
import type { ErrorGroup } from "../error-groups.ts";
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

/** One dead letter, also after it was replayed or discarded. */
export type DeadLetterState = DeadLetterView & {
  readonly state: "open" | "replayed" | "discarded";
  /** RFC 3339, UTC: when it was replayed or discarded. */
  readonly closedAt?: string;
  /** Of a discarded one: by whom, and why. */
  readonly closedBy?: { readonly kind: string; readonly id: string | null };
  readonly closedReason?: string;
};

/** What has become of a dead letter. */
export type ClosedDeadLetter =
  | { readonly status: "replayed" }
  | { readonly status: "discarded" }
  | { readonly status: "not_found" };

/** What operators do about dead letters. */
export interface DeadLetterService {
  /** One dead letter. `not_found`: there was none of this id. */
  read(
    id: string,
  ): Promise<
    | { readonly status: "found"; readonly letter: DeadLetterState }
    | { readonly status: "not_found" }
    | UnavailableResult
  >;
  /** The open ones by their errors, the most frequent first. `isComplete`: false when there are more than are read. */
  groups(): Promise<
    | { readonly status: "found"; readonly groups: readonly ErrorGroup[]; readonly isComplete: boolean }
    | UnavailableResult
  >;
  /**
   * It leaves the list permanently, and its worker never gets the event. Idempotent by `id`; the first reason is
   * kept. `replayed`: it was replayed before.
   */
  discard(id: string, asked: Asked): Promise<ClosedDeadLetter | UnavailableResult>;
  /** Oldest first. `after`: id of the last one of the previous page, well formed. */
  list(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly DeadLetterView[]; readonly next: string | null }
    | UnavailableResult
  >;
  /** The worker gets the event again. Idempotent by `id`. `discarded`: it was discarded before. */
  replay(id: string): Promise<ClosedDeadLetter | UnavailableResult>;
}
