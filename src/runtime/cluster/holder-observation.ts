/**
 * Decides whether the process that holds a node id has ended, from what a newcomer sees of it. Pure: time and
 * observations are parameters.
 * Owns: what was seen of the holder.  Does not own: requests, entries.
 * Invariants
 *   observation.W1. A holder that answers has not ended. Only one that leaves, or has deleted its entry, is waited for.
 *   observation.W2. Two renewals prove that a holder lives; one may be a write that was in flight when it ended.
 *   observation.W3. A holder has ended when requests find no responders for `confirmMs`, and its entry is not renewed
 *       meanwhile; when its entry is not renewed for its life; or when it has no entry and answers no request.
 * Proved by: test/unit/runtime/cluster/holder-observation.test.ts
 */

/** The bounds of an observation. Times in ms. */
export type ObservationBounds = {
  /** Requests find no responders for at least this time. Longer than a client takes to connect again. */
  readonly confirmMs: number;
  /** At least this number of requests in a row find no responders, or are not answered. */
  readonly requests: number;
  /** Life of a presence entry. */
  readonly ttlMs: number;
  /** How long a holder that leaves is waited for. */
  readonly leavingMs: number;
};

/** One observation of the holder. */
export type Sighting = {
  /** Its entry; undefined: there is none. */
  readonly held: { readonly revision: number; readonly leaving: boolean } | undefined;
  /** What became of a request to it. */
  readonly answer: "answered" | "no_responders" | "unanswered";
  /** Monotonic ms. */
  readonly now: number;
};

/** A heartbeat in flight when its process ended may be stored after the newcomer's first reading. */
const RENEWALS_OF_THE_LIVING = 2;

/** See the top of the file. */
export class HolderObservation {
  private readonly bounds: ObservationBounds;
  private readonly begun: number;
  private revision: number | undefined;
  private renewals = 0;
  /** Since when the entry has not changed. */
  private unchangedSince: number;
  /** Sightings in a row with the latest answer, and when the first of them was. */
  private answer: Sighting["answer"] | undefined;
  private inARow = 0;
  private answerSince: number;

  /** @param now monotonic ms */
  constructor(bounds: ObservationBounds, now: number) {
    this.bounds = bounds;
    this.begun = now;
    this.unchangedSince = now;
    this.answerSince = now;
  }

  /** @returns undefined while it is not certain: observe again */
  judge(seen: Sighting): "lives" | "ended" | undefined {
    const { held, answer, now } = seen;
    const isLeaving = held?.leaving === true && now - this.begun < this.bounds.leavingMs;
    this.note(seen, isLeaving);
    if (held && this.renewals >= RENEWALS_OF_THE_LIVING) return "lives";
    if (answer !== "answered") return this.silence(seen);
    if (isLeaving) return undefined;
    // Without an entry: it is about to end, or to write its entry again.
    return held || this.inARow >= this.bounds.requests ? "lives" : undefined;
  }

  private silence({ held, answer, now }: Sighting): "ended" | undefined {
    const { confirmMs, requests, ttlMs } = this.bounds;
    const isRepeated = this.inARow >= requests;
    if (!held) return answer === "no_responders" || isRepeated ? "ended" : undefined;
    if (answer === "no_responders" && isRepeated && now - this.answerSince >= confirmMs) return "ended";
    return now - this.unchangedSince >= ttlMs ? "ended" : undefined;
  }

  private note({ held, answer, now }: Sighting, isLeaving: boolean): void {
    const isRenewed = held !== undefined && this.revision !== undefined && held.revision !== this.revision;
    if (held && held.revision !== this.revision) this.unchangedSince = now;
    if (isRenewed && !isLeaving) this.renewals++;
    this.revision = held?.revision ?? this.revision;
    if (answer !== this.answer || isRenewed) {
      this.answer = answer;
      this.answerSince = now;
      this.inARow = 0;
    }
    this.inARow++;
  }
}
