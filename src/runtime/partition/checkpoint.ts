/**
 * How far the owner of a partition has come: the entry from which the next owner starts.
 * Bucket FLOORS, key `partition.<p>`, compare-and-set by its own revision (ADR 4).
 * Owns: the entry's revision.  Does not own: what the entry states (the tenure).
 * Invariants
 *   checkpoint.F2. An entry about another log, or of the future of this one, states nothing: everything is replayed.
 *   checkpoint.F1. Once a newer owner has claimed the entry, every write of an earlier owner is refused.
 * A crash leaves an older checkpoint: the next owner replays more, and misses nothing.
 * Proved by: test/unit/runtime/partition/checkpoint.test.ts, test/unit/runtime/partition/partition.test.ts
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { LogHistory, LogMark, LogStamp } from "../cluster/log-watch.ts";
import { isCount, isObject, isTexts, isTime, parseObject } from "../json.ts";
import { type Bucket, Unavailable } from "../ports.ts";
import type { CheckpointState } from "../tenure/inbox-progress.ts";

/** The stored entry, JSON. The fields are those of {@link CheckpointState}; the key `behind` holds `lagging`. */
export type StoredCheckpoint = {
  readonly through: number;
  /** Epoch of the owner that wrote the entry. */
  readonly epoch: number;
  readonly open: readonly string[];
  readonly behind: readonly string[];
  readonly parkedAt: number;
} & LogStamp;

/** What a claim is compared with, so that an entry that is not about this log counts as none. */
export type CheckpointOrigin = {
  readonly history: LogHistory;
  /** Sequence of the log's newest message now. @throws Unavailable */
  readonly lastSequence: () => Promise<number>;
  /** Whether the claimer's lock is the newest one: proven by the server. @throws Unavailable */
  readonly holdsLock: () => Promise<boolean>;
};

/** A claimed checkpoint. */
export type ClaimedCheckpoint = {
  readonly entry: Checkpoint;
  /** What the entry stated. */
  readonly state: CheckpointState;
  /** Why the entry that was found counts as none; absent when it counts, or there was none. */
  readonly ignored?: string;
};

const NOTHING: StoredCheckpoint = { through: 0, epoch: 0, open: [], behind: [], parkedAt: 0 };
const CLAIM_TRIES = 10;

/** See the top of this file. */
export class Checkpoint {
  private readonly bucket: Bucket;
  private readonly key: string;
  private readonly epoch: number;
  private readonly origin: CheckpointOrigin;
  private readonly failpoints: Failpoints | undefined;
  private revision = 0;
  private written = "";

  private constructor(
    bucket: Bucket,
    key: string,
    epoch: number,
    origin: CheckpointOrigin,
    failpoints: Failpoints | undefined,
  ) {
    this.bucket = bucket;
    this.key = key;
    this.epoch = epoch;
    this.origin = origin;
    this.failpoints = failpoints;
  }

  /**
   * The first act of a new owner: rewrites the entry under its epoch, so that the checkpoint of a deposed owner is
   * refused from here on.
   * @throws Unavailable (retryable), also when a newer owner has claimed the entry
   */
  static async claim(
    bucket: Bucket,
    resource: string,
    epoch: number,
    origin: CheckpointOrigin,
    failpoints?: Failpoints,
  ): Promise<ClaimedCheckpoint> {
    const entry = new Checkpoint(bucket, resource, epoch, origin, failpoints);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      const found = await failpoint(failpoints, "checkpoint.read", () => bucket.get(resource));
      const stored = found && read(found.value);
      const ignored = found && (await entry.faultOf(stored));
      entry.revision = found?.revision ?? 0;
      const state = stateOf(ignored === undefined && stored ? stored : NOTHING);
      const claimed = { entry, state, ...(ignored === undefined ? {} : { ignored }) };
      if (await entry.write(state)) return claimed;
    }
    throw new Unavailable(`checkpoint of ${resource} could not be claimed in ${CLAIM_TRIES} tries`);
  }

  /** Why the entry counts as none; `undefined` when it counts. @throws Unavailable, also when a newer owner has it */
  private async faultOf(stored: StoredCheckpoint | undefined): Promise<string | undefined> {
    if (stored === undefined) return "it cannot be read";
    const { epoch, through, parkedAt } = stored;
    const { history, lastSequence, holdsLock } = this.origin;
    // A newer owner has a lock entry above this one: then the server refuses this proof.
    if (epoch > this.epoch) {
      const isOurs = await holdsLock();
      if (!isOurs) throw new Unavailable(`checkpoint of ${this.key} belongs to epoch ${epoch}`);
      return `its epoch ${epoch} is of the future of this log, which is at ${this.epoch}`;
    }
    const reaches = Math.max(through, parkedAt);
    if (reaches > this.epoch) {
      const last = await lastSequence();
      if (reaches > last) return `it reaches ${reaches}, and the log ends at ${last}`;
    }
    return await history.contradicts(stored);
  }

  /** Writes what has changed. False: refused or unanswered; `refresh` reads the revision again. */
  async write({ through, open, lagging, parkedAt }: CheckpointState): Promise<boolean> {
    const stored: StoredCheckpoint = { through, epoch: this.epoch, open, behind: lagging, parkedAt };
    const content = JSON.stringify(stored);
    if (content === this.written) return true;
    const value = JSON.stringify({ ...stored, ...this.origin.history.stamp() });
    const result = await failpoint(this.failpoints, "checkpoint.write", () =>
      this.bucket.update(this.key, value, this.revision),
    );
    if (result.status === "stored") {
      this.revision = result.revision;
      this.written = content;
      return true;
    }
    // Unanswered: the entry may have this value now.
    this.written = "";
    return false;
  }

  /** Reads the entry's revision again after an unanswered write. False: the entry is another owner's now. */
  async refresh(): Promise<boolean> {
    const found = await failpoint(this.failpoints, "checkpoint.refresh", () => this.bucket.get(this.key));
    if (!found || read(found.value)?.epoch !== this.epoch) return false;
    this.revision = found.revision;
    return true;
  }
}

/** What lies after the entry's mark is not proven to be of this log: it is replayed. */
function stateOf({ through, open, behind, parkedAt, mark }: StoredCheckpoint): CheckpointState {
  const proven = mark?.sequence ?? Number.POSITIVE_INFINITY;
  return {
    through: Math.min(through, proven),
    open,
    lagging: behind,
    parkedAt: Math.min(parkedAt, proven),
  };
}

/** `undefined`: unreadable. A key that is absent states nothing. */
function read(value: string): StoredCheckpoint | undefined {
  const found = parseObject(value);
  if (found === undefined) return undefined;
  const { log, mark, ...rest } = found;
  const stored: StoredCheckpoint = { ...NOTHING, ...rest };
  const numbers = [stored.through, stored.epoch, stored.parkedAt];
  if (!numbers.every(isCount) || !isTexts(stored.open) || !isTexts(stored.behind)) return undefined;
  if (log !== undefined && typeof log !== "string") return undefined;
  if (mark !== undefined && !isMark(mark)) return undefined;
  return { ...stored, ...(log === undefined ? {} : { log }), ...(mark === undefined ? {} : { mark }) };
}

const isMark = (value: unknown): value is LogMark =>
  isObject(value) && isCount(value["sequence"]) && isTime(value["at"]);
