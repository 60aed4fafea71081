/**
 * Which events a worker has processed, and which process works on an event now: one entry per event in a bucket,
 * `<worker>.<event>`.
 * Owns: the entries of one worker's name.  Does not own: the events, what is done with them.
 * Invariants
 *   processed.P1. When two processes claim an event at the same time, one wins: every change is a compare-and-set.
 *   processed.P2. An event that is marked done is never claimed again until the bucket forgets it.
 *   processed.P3. Every claim raises the number of attempts, so an event that kills its worker ends as well.
 *   processed.P4. A replay of a dead letter starts the count again, once: a repeat of the replay, or an earlier replay,
 *       counts as an ordinary delivery.
 *   processed.P5. The lock of another process ends one life after the server stored it, by the server's clock, and at
 *       the latest one life after this process has first seen it: a clock may have been set meanwhile.
 *   processed.P6. An event whose mark cannot be read is claimed by a replay only: its work may have been done.
 * Proved by: test/unit/runtime/workers/processed-events.test.ts, test/unit/runtime/workers/worker.test.ts,
 *   test/integration/runtime/worker.test.ts
 */
import { token } from "../subjects.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type ProcessedMark, readMark } from "./processed-mark.ts";
import { type Bucket, type BucketEntry, type CasResult, type Clock, Unavailable } from "../ports.ts";

/** An event locked by this worker. `attempt`: 1 for the first attempt on any node. */
export type Claim = {
  readonly status: "claimed";
  readonly key: string;
  readonly revision: number;
  readonly attempt: number;
  /** No other process can lock the event before, monotonic ms. */
  readonly endsAt: number;
  /** Why the previous attempt failed; absent when there was none, or its process ended. */
  readonly failure?: string;
  /** The latest replay of the event, as the sequence of its dead letter; absent when there was none. */
  readonly replay?: number;
};

/** The result of claiming an event. */
export type ClaimResult =
  | Claim
  | { readonly status: "done" }
  /** The mark is there and is none: the work may have been done. To become a dead letter, then marked `dead`. */
  | { readonly status: "unreadable"; readonly mark: Claim }
  /** Another process works on it, or the server did not say which. Claim again after `retryAfterMs`. */
  | { readonly status: "locked"; readonly retryAfterMs: number };

const ASK_AGAIN_MS = 500;
/** At least; while the lock lives, there are more: no other process repeats the work before it ends. */
const MARK_TRIES = 5;
const MARK_PAUSE_MS = 200;
const MARK_PAUSE_MAX_MS = 1_000;
/** Limit of the unwritten marks, and of the locks of others, that this process remembers; it forgets the oldest. */
const REMEMBERED_MAX = 10_000;
const REASON_CHARS = 300;
/** What an operator's replay takes an unreadable mark for. */
const UNREADABLE: ProcessedMark = { state: "dead", at: 0, attempts: 0 };

/** The entries of one worker, as one of its processes sees them. */
export class ProcessedEvents {
  private readonly bucket: Bucket;
  private readonly clock: Clock;
  private readonly worker: string;
  private readonly owner: string;
  private readonly lockLifeMs: number;
  private readonly failpoints: Failpoints | undefined;
  private readonly held = new Set<string>();
  /** Events that are done and could not be marked, so that this process does not repeat their work itself. */
  private readonly unmarked = new Map<string, Claim>();
  /** Locks of other processes, and since when this one sees each, monotonic ms. */
  private readonly foreign = new Map<string, { readonly revision: number; readonly since: number }>();

  /** @param options `owner`: unique to this run of this process; `lockLifeMs`: see `WorkerBounds` */
  constructor(options: {
    readonly bucket: Bucket;
    readonly clock: Clock;
    readonly worker: string;
    readonly owner: string;
    readonly lockLifeMs: number;
    readonly failpoints?: Failpoints | undefined;
  }) {
    this.bucket = options.bucket;
    this.clock = options.clock;
    this.worker = options.worker;
    this.owner = options.owner;
    this.lockLifeMs = options.lockLifeMs;
    this.failpoints = options.failpoints;
  }

  /**
   * Tries to lock an event.
   * @param replayOf sequence of the dead letter of which this is a replay
   * @throws Unavailable (retryable)
   */
  async claim(eventId: string, replayOf?: number): Promise<ClaimResult> {
    const key = `${this.worker}.${token(eventId)}`;
    // A second delivery of an event that this process works on.
    if (this.held.has(key)) return { status: "locked", retryAfterMs: this.lockLifeMs };
    this.held.add(key);
    const result = await this.claimOnce(key, replayOf).catch((error: unknown) => {
      this.held.delete(key);
      throw error;
    });
    if (result.status !== "claimed") this.held.delete(key);
    return result;
  }

  private async claimOnce(key: string, replayOf: number | undefined): Promise<ClaimResult> {
    const unmarked = this.unmarked.get(key);
    if (unmarked !== undefined) {
      const marked = await this.mark(unmarked, "done");
      return marked ? { status: "done" } : { status: "locked", retryAfterMs: ASK_AGAIN_MS };
    }
    let endsAt = this.lockEnd();
    const created = await failpoint(this.failpoints, "processed.lock", () => this.lock(key, 1, 0, replayOf));
    if (created.status !== "conflict")
      return this.outcome(created, key, { attempt: 1, endsAt, replay: replayOf });
    const stored = await failpoint(this.failpoints, "processed.read", () => this.bucket.get(key));
    // Expired, or not readable yet: the next claim knows more.
    if (stored === undefined) return { status: "locked", retryAfterMs: ASK_AGAIN_MS };
    const readable = readMark(stored.value);
    if (readable === undefined && replayOf === undefined) {
      const mark: Claim = { status: "claimed", key, revision: stored.revision, attempt: 0, endsAt };
      return { status: "unreadable", mark };
    }
    const entry = readable ?? UNREADABLE;
    const anew = replayOf !== undefined && replayOf > (entry.replay ?? 0);
    if (entry.state === "done" || (entry.state === "dead" && !anew)) return { status: "done" };
    if (entry.state === "locked" && entry.owner !== this.owner) {
      const leftMs = this.lifeLeftMs(stored, entry.until);
      if (leftMs > 0) return { status: "locked", retryAfterMs: leftMs };
    }
    this.foreign.delete(key);
    const attempt = anew ? 1 : entry.attempts + 1;
    const replay = anew ? replayOf : entry.replay;
    const failure = entry.state === "failed" ? entry.reason : undefined;
    endsAt = this.lockEnd();
    const locked = await failpoint(this.failpoints, "processed.lock_again", () =>
      this.lock(key, attempt, stored.revision, replay),
    );
    return this.outcome(locked, key, { attempt, endsAt, failure, replay });
  }

  /** Marks the event done: no repeat of it is worked on. False when the mark could not be written. */
  async done(claim: Claim): Promise<boolean> {
    const marked = await this.mark(claim, "done");
    this.held.delete(claim.key);
    return marked;
  }

  /** Marks the event as a dead letter: like done, and distinguishable for operators. False as for `done`. */
  async dead(claim: Claim): Promise<boolean> {
    const marked = await this.mark(claim, "dead");
    this.held.delete(claim.key);
    return marked;
  }

  /** Unlocks the event after a failed attempt. When the entry cannot be written, the lock expires. */
  async failed(claim: Claim, reason: string): Promise<void> {
    const entry: ProcessedMark = {
      state: "failed",
      attempts: claim.attempt,
      reason: reason.slice(0, REASON_CHARS),
      ...replayIn(claim),
    };
    await failpoint(this.failpoints, "processed.fail", () =>
      this.bucket.update(claim.key, JSON.stringify(entry), claim.revision),
    );
    this.held.delete(claim.key);
  }

  /** How much longer another process may hold this lock, ms: processed.P5. */
  private lifeLeftMs({ at, key, revision }: BucketEntry, until: number): number {
    const now = this.clock.monotonic();
    const known = this.foreign.get(key);
    const since = known?.revision === revision ? known.since : now;
    remember(this.foreign, key, { revision, since });
    // A program of 0.1.0 writes `until` by its machine's clock.
    const ends = Math.max(until, at + this.lockLifeMs);
    return Math.min(ends - this.clock.now(), since + this.lockLifeMs - now);
  }

  /** When the lock ends that is requested now, monotonic ms. */
  private lockEnd(): number {
    return this.clock.monotonic() + this.lockLifeMs;
  }

  private lock(key: string, attempts: number, revision: number, replay: number | undefined) {
    const until = this.clock.now() + this.lockLifeMs;
    const entry: ProcessedMark = {
      state: "locked",
      owner: this.owner,
      until,
      attempts,
      ...replayIn({ replay }),
    };
    return this.bucket.update(key, JSON.stringify(entry), revision);
  }

  private outcome(
    result: CasResult,
    key: string,
    known: { attempt: number; endsAt: number; failure?: string | undefined; replay: number | undefined },
  ): ClaimResult {
    if (result.status !== "stored") return { status: "locked", retryAfterMs: ASK_AGAIN_MS };
    const { revision } = result;
    const { attempt, endsAt, failure } = known;
    return {
      status: "claimed",
      key,
      revision,
      attempt,
      endsAt,
      ...(failure !== undefined && { failure }),
      ...replayIn(known),
    };
  }

  /**
   * After a conflict: true when the entry is later than this lock. Then an earlier attempt to mark it was stored, or
   * the lock expired and another process works on the event. False when the server is a new leader that does not have
   * the lock itself yet: then the mark is tried again.
   */
  private async isPast(claim: Claim): Promise<boolean> {
    try {
      const stored = await failpoint(this.failpoints, "processed.check_mark", () =>
        this.bucket.get(claim.key),
      );
      return stored !== undefined && stored.revision > claim.revision;
    } catch (error) {
      if (error instanceof Unavailable) return false;
      throw error;
    }
  }

  private async mark(claim: Claim, state: "done" | "dead"): Promise<boolean> {
    const entry: ProcessedMark = { state, at: this.clock.now(), attempts: claim.attempt, ...replayIn(claim) };
    for (let tried = 1; tried <= MARK_TRIES || this.clock.monotonic() < claim.endsAt; tried++) {
      const result = await failpoint(this.failpoints, "processed.mark", () =>
        this.bucket.update(claim.key, JSON.stringify(entry), claim.revision),
      );
      if (result.status === "stored" || (result.status === "conflict" && (await this.isPast(claim)))) {
        this.unmarked.delete(claim.key);
        return true;
      }
      await this.clock.sleep(Math.min(MARK_PAUSE_MS * 2 ** (tried - 1), MARK_PAUSE_MAX_MS));
    }
    // A dead letter may be attempted again; an event that is done must not be.
    if (state === "dead") return false;
    remember(this.unmarked, claim.key, claim);
    return false;
  }
}

const replayIn = ({ replay }: { readonly replay?: number | undefined }): { replay?: number } =>
  replay === undefined ? {} : { replay };

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  known.set(key, value);
  if (known.size <= REMEMBERED_MAX) return;
  for (const oldest of known.keys()) {
    known.delete(oldest);
    break;
  }
}
