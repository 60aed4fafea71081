/**
 * How far the owner of a partition has come: the entry from which the next owner starts.
 * Bucket FLOORS, key `partition.<p>`, compare-and-set by its own revision (ADR 4).
 * Owns: the entry's revision.  Does not own: what the entry states (the tenure).
 * Invariants
 *   checkpoint.F1. Once a newer owner has claimed the entry, every write of an earlier owner is refused.
 * A crash leaves an older checkpoint: the next owner replays more, and misses nothing.
 * Proved by: test/unit/runtime/partition/checkpoint.test.ts, test/unit/runtime/partition/partition.test.ts
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { parseObject } from "../json.ts";
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
};

const NOTHING: StoredCheckpoint = { through: 0, epoch: 0, open: [], behind: [], parkedAt: 0 };
const CLAIM_TRIES = 10;

/** See the top of this file. */
export class Checkpoint {
  private readonly bucket: Bucket;
  private readonly key: string;
  private readonly epoch: number;
  private readonly failpoints: Failpoints | undefined;
  private revision = 0;
  private written = "";

  private constructor(bucket: Bucket, key: string, epoch: number, failpoints: Failpoints | undefined) {
    this.bucket = bucket;
    this.key = key;
    this.epoch = epoch;
    this.failpoints = failpoints;
  }

  /**
   * The first act of a new owner: rewrites the entry under its epoch, so that the checkpoint of a deposed owner is
   * refused from here on. `state`: what the entry stated.
   * @throws Unavailable (retryable), also when a newer owner has claimed the entry
   */
  static async claim(
    bucket: Bucket,
    resource: string,
    epoch: number,
    failpoints?: Failpoints,
  ): Promise<{ readonly entry: Checkpoint; readonly state: CheckpointState }> {
    const entry = new Checkpoint(bucket, resource, epoch, failpoints);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      const found = await failpoint(failpoints, "checkpoint.read", () => bucket.get(resource));
      const stored = read(found?.value ?? "");
      if (stored.epoch > epoch)
        throw new Unavailable(`checkpoint of ${resource} belongs to epoch ${stored.epoch}`);
      entry.revision = found?.revision ?? 0;
      const state = stateOf(stored);
      if (await entry.write(state)) return { entry, state };
    }
    throw new Unavailable(`checkpoint of ${resource} could not be claimed in ${CLAIM_TRIES} tries`);
  }

  /** Writes what has changed. False: refused or unanswered; `refresh` reads the revision again. */
  async write({ through, open, lagging, parkedAt }: CheckpointState): Promise<boolean> {
    const stored: StoredCheckpoint = { through, epoch: this.epoch, open, behind: lagging, parkedAt };
    const value = JSON.stringify(stored);
    if (value === this.written) return true;
    const result = await failpoint(this.failpoints, "checkpoint.write", () =>
      this.bucket.update(this.key, value, this.revision),
    );
    if (result.status === "stored") {
      this.revision = result.revision;
      this.written = value;
      return true;
    }
    // Unanswered: the entry may have this value now.
    this.written = "";
    return false;
  }

  /** Reads the entry's revision again after an unanswered write. False: the entry is another owner's now. */
  async refresh(): Promise<boolean> {
    const found = await failpoint(this.failpoints, "checkpoint.refresh", () => this.bucket.get(this.key));
    if (!found || read(found.value).epoch !== this.epoch) return false;
    this.revision = found.revision;
    return true;
  }
}

function stateOf({ through, open, behind, parkedAt }: StoredCheckpoint): CheckpointState {
  return { through, open, lagging: behind, parkedAt };
}

/** An absent or unreadable entry states nothing: everything is replayed. */
function read(value: string): StoredCheckpoint {
  const stored: StoredCheckpoint = { ...NOTHING, ...parseObject(value) };
  const numbers = [stored.through, stored.epoch, stored.parkedAt];
  const whole = numbers.every(Number.isInteger) && Array.isArray(stored.open) && Array.isArray(stored.behind);
  return whole ? stored : NOTHING;
}
