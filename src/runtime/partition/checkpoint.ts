/**
 * How far the owner of a partition has come: the entry that lets the next owner start from there.
 * Bucket FLOORS, key `partition.<p>`, compare-and-set by its own revision (ADR 4).
 * A crash leaves an older floor behind: more is replayed, nothing is missed.
 */
import type { Crash } from "../failpoints.ts";
import { parseObject } from "../json.ts";
import { type Bucket, Unavailable } from "../ports.ts";
import type { FloorState } from "../tenure/inbox-progress.ts";

export type Floor = FloorState & {
  /** Epoch of the owner that wrote the entry. */
  readonly epoch: number;
};

const NOTHING: FloorState = { through: 0, open: [], behind: [], parkedAt: 0 };
const CLAIM_TRIES = 10;

export class FloorEntry {
  private readonly bucket: Bucket;
  private readonly key: string;
  private readonly epoch: number;
  private readonly crash: Crash | undefined;
  private revision = 0;
  private written = "";

  private constructor(bucket: Bucket, key: string, epoch: number, crash: Crash | undefined) {
    this.bucket = bucket;
    this.key = key;
    this.epoch = epoch;
    this.crash = crash;
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
    crash?: Crash,
  ): Promise<{ readonly entry: FloorEntry; readonly floor: Floor }> {
    const entry = new FloorEntry(bucket, resource, epoch, crash);
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      crash?.("floor.read", "before");
      const stored = await bucket.get(resource);
      crash?.("floor.read", "after");
      const floor = readFloor(stored?.value ?? "");
      if (floor.epoch > epoch) throw new Unavailable(`floor of ${resource} belongs to epoch ${floor.epoch}`);
      entry.revision = stored?.revision ?? 0;
      if (await entry.write(floor)) return { entry, floor };
    }
    throw new Unavailable(`floor of ${resource} could not be claimed in ${CLAIM_TRIES} tries`);
  }

  /** Writes when something changed. False: refused or unanswered; the next write reads the revision again. */
  async write({ through, open, behind, parkedAt }: FloorState): Promise<boolean> {
    const floor: Floor = { through, epoch: this.epoch, open, behind, parkedAt };
    const value = JSON.stringify(floor);
    if (value === this.written) return true;
    this.crash?.("floor.write", "before");
    const result = await this.bucket.update(this.key, value, this.revision);
    this.crash?.("floor.write", "after");
    if (result.status === "stored") {
      this.revision = result.revision;
      this.written = value;
      return true;
    }
    return false;
  }

  /** After an unanswered write: takes the entry's revision again if it is still ours. False: deposed. */
  async refresh(): Promise<boolean> {
    this.crash?.("floor.refresh", "before");
    const stored = await this.bucket.get(this.key);
    this.crash?.("floor.refresh", "after");
    if (!stored || readFloor(stored.value).epoch !== this.epoch) return false;
    this.revision = stored.revision;
    return true;
  }
}

/** An entry that is none, or that cannot be read, is the floor of nobody: everything is replayed. */
function readFloor(value: string): Floor {
  const floor: Floor = { ...NOTHING, epoch: 0, ...parseObject(value) };
  const numbers = [floor.through, floor.epoch, floor.parkedAt];
  const whole = numbers.every(Number.isInteger) && Array.isArray(floor.open) && Array.isArray(floor.behind);
  return whole ? floor : { ...NOTHING, epoch: 0 };
}
