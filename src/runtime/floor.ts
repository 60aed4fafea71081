/**
 * How far the owner of a partition has come: the entry that lets the next owner start from there.
 * Bucket FLOORS, key `partition.<p>`, compare-and-set by its own revision (ADR 4).
 * A crash leaves an older floor behind: more is replayed, nothing is missed.
 */
import { type Bucket, Unavailable } from "./ports.ts";

export type Floor = {
  /** Everything at or below this stream sequence is evaluated and acknowledged, or its actor is in `open`. */
  readonly through: number;
  /** Epoch of the owner that wrote the entry. */
  readonly epoch: number;
  /** Actors with open effects, and parked ones. No duplicates, no order. */
  readonly open: readonly string[];
  /** The parked ones: inputs in their inboxes at or below `through` may not be evaluated. Absent when there are none. */
  readonly parked?: readonly string[];
};

const CLAIM_TRIES = 10;

export class FloorEntry {
  private readonly bucket: Bucket;
  private readonly key: string;
  private readonly epoch: number;
  private revision = 0;
  private written = "";

  private constructor(bucket: Bucket, key: string, epoch: number) {
    this.bucket = bucket;
    this.key = key;
    this.epoch = epoch;
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
  ): Promise<{ readonly entry: FloorEntry; readonly floor: Floor }> {
    const entry = new FloorEntry(bucket, resource, epoch);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      const stored = await bucket.get(resource);
      const floor = stored ? (JSON.parse(stored.value) as Floor) : { through: 0, epoch: 0, open: [] };
      if (floor.epoch > epoch) throw new Unavailable(`floor of ${resource} belongs to epoch ${floor.epoch}`);
      entry.revision = stored?.revision ?? 0;
      if (await entry.write(floor.through, floor.open, floor.parked)) return { entry, floor };
    }
    throw new Unavailable(`floor of ${resource} could not be claimed in ${CLAIM_TRIES} tries`);
  }

  /** Writes when something changed. False: refused or unanswered; the next write reads the revision again. */
  async write(through: number, open: readonly string[], parked: readonly string[] = []): Promise<boolean> {
    const floor: Floor = { through, epoch: this.epoch, open, ...(parked.length > 0 ? { parked } : {}) };
    const value = JSON.stringify(floor);
    if (value === this.written) return true;
    const result = await this.bucket.update(this.key, value, this.revision);
    if (result.status === "stored") {
      this.revision = result.revision;
      this.written = value;
      return true;
    }
    return false;
  }

  /** After an unanswered write: takes the entry's revision again if it is still ours. False: deposed. */
  async refresh(): Promise<boolean> {
    const stored = await this.bucket.get(this.key);
    if (!stored || (JSON.parse(stored.value) as Floor).epoch !== this.epoch) return false;
    this.revision = stored.revision;
    return true;
  }
}
