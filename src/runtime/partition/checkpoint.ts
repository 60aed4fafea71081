/**
 * How far the owner of a partition has come: the entry that lets the next owner start from there.
 * Bucket FLOORS, key `partition.<p>`, compare-and-set by its own revision (ADR 4).
 * A crash leaves an older floor behind: more is replayed, nothing is missed.
 */
import type { Failpoints } from "../failpoints.ts";
import { parseObject } from "../json.ts";
import { type Bucket, Unavailable } from "../ports.ts";
import type { CheckpointState } from "../tenure/inbox-progress.ts";

export type StoredCheckpoint = CheckpointState & {
  /** Epoch of the owner that wrote the entry. */
  readonly epoch: number;
};

const NOTHING: CheckpointState = { through: 0, open: [], behind: [], parkedAt: 0 };
const CLAIM_TRIES = 10;

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
   * The first act after the lock: rewrites the entry under the new epoch, so that a deposed owner's floor is
   * refused from here on.
   * @throws Unavailable (retryable), also when a newer owner has been here
   */
  static async claim(
    bucket: Bucket,
    resource: string,
    epoch: number,
    failpoints?: Failpoints,
  ): Promise<{ readonly entry: Checkpoint; readonly floor: StoredCheckpoint }> {
    const entry = new Checkpoint(bucket, resource, epoch, failpoints);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      failpoints?.("checkpoint.read", "before");
      const stored = await bucket.get(resource);
      failpoints?.("checkpoint.read", "after");
      const checkpoint = readFloor(stored?.value ?? "");
      if (checkpoint.epoch > epoch)
        throw new Unavailable(`floor of ${resource} belongs to epoch ${checkpoint.epoch}`);
      entry.revision = stored?.revision ?? 0;
      if (await entry.write(checkpoint)) return { entry, floor: checkpoint };
    }
    throw new Unavailable(`floor of ${resource} could not be claimed in ${CLAIM_TRIES} tries`);
  }

  /** Writes when something changed. False: refused or unanswered; the next write reads the revision again. */
  async write({ through, open, behind, parkedAt }: CheckpointState): Promise<boolean> {
    const checkpoint: StoredCheckpoint = { through, epoch: this.epoch, open, behind, parkedAt };
    const value = JSON.stringify(checkpoint);
    if (value === this.written) return true;
    this.failpoints?.("checkpoint.write", "before");
    const result = await this.bucket.update(this.key, value, this.revision);
    this.failpoints?.("checkpoint.write", "after");
    if (result.status === "stored") {
      this.revision = result.revision;
      this.written = value;
      return true;
    }
    return false;
  }

  /** After an unanswered write: takes the entry's revision again if it is still ours. False: deposed. */
  async refresh(): Promise<boolean> {
    this.failpoints?.("checkpoint.refresh", "before");
    const stored = await this.bucket.get(this.key);
    this.failpoints?.("checkpoint.refresh", "after");
    if (!stored || readFloor(stored.value).epoch !== this.epoch) return false;
    this.revision = stored.revision;
    return true;
  }
}

/** An entry that is none, or that cannot be read, is the floor of nobody: everything is replayed. */
function readFloor(value: string): StoredCheckpoint {
  const checkpoint: StoredCheckpoint = { ...NOTHING, epoch: 0, ...parseObject(value) };
  const numbers = [checkpoint.through, checkpoint.epoch, checkpoint.parkedAt];
  const whole =
    numbers.every(Number.isInteger) && Array.isArray(checkpoint.open) && Array.isArray(checkpoint.behind);
  return whole ? checkpoint : { ...NOTHING, epoch: 0 };
}
