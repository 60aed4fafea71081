/**
 * When a batch carries a mark: an empty message on the fence subject of a partition, from which its owner learns that
 * it has received every inbox message before it (ADR 4). Marks bound what the next owner reads. Inventory has none,
 * because no consumer reads them.
 * Owns: by lock, what was written since its last mark.  Does not own: batches, the checkpoint.
 * Invariants
 *   lock-marks.M1. Without a mark a partition writes fewer than `MARK_AFTER` write sets, or for less than the shortest
 *       interval, in one batch more at most.
 *   lock-marks.M2. A partition that writes rarely is marked when the log has grown by `MARK_AFTER_MESSAGES`: the next
 *       owner's consumer passes that many messages of others.
 * Proved by: test/unit/runtime/commit/lock-marks.test.ts, relay-state.test.ts
 */
import type { Subjects } from "../subjects.ts";
import type { Batch } from "./batch.ts";
import type { WriteSet } from "./write-set.ts";

/** Write sets of a partition since its last mark: an order has about twelve, and a takeover reads them at once. */
export const MARK_AFTER = 32;
/** Messages of the whole log since a partition's last mark; the server passes those of others without reading them. */
export const MARK_AFTER_MESSAGES = 20_000;

type Since = {
  readonly epoch: number;
  /** End of the log at the last mark, or the epoch: the owner's consumer begins there. */
  readonly sequence: number;
  /** Monotonic ms. */
  readonly at: number;
  writeSets: number;
};

/** See the top of the file. One for each relay. */
export class LockMarks {
  private readonly subjects: Pick<Subjects, "lockParts">;
  private readonly everyMs: number;
  private readonly since = new Map<string, Since>();

  /** @param everyMs shortest time between two marks of one lock, ms */
  constructor(subjects: Pick<Subjects, "lockParts">, everyMs: number) {
    this.subjects = subjects;
    this.everyMs = everyMs;
  }

  /**
   * The locks of which a batch of these write sets needs a mark.
   * @param now monotonic ms
   * @param end last sequence of the log that the relay knows
   */
  due(writeSets: readonly WriteSet[], now: number, end: number): Set<string> {
    const due = new Set<string>();
    for (const [subject, { epoch, count }] of this.written(writeSets)) {
      const { at, sequence, writeSets: before } = this.of(subject, epoch, now);
      if (now - at < this.everyMs) continue;
      if (before + count >= MARK_AFTER || end - sequence >= MARK_AFTER_MESSAGES) due.add(subject);
    }
    return due;
  }

  /** The batch is sent: a lock with a fence message of its own is marked by it. Parameters as of `due`. */
  sent({ marked, writeSets }: Pick<Batch, "marked" | "writeSets">, now: number, end: number): void {
    for (const [subject, { epoch, count }] of this.written(writeSets)) {
      if (marked.has(subject)) this.since.set(subject, { epoch, sequence: end, at: now, writeSets: 0 });
      else this.of(subject, epoch, now).writeSets += count;
    }
  }

  /** By lock of a partition: its epoch, and how many of the write sets were decided under it. */
  private written(writeSets: readonly WriteSet[]): Map<string, { epoch: number; count: number }> {
    const written = new Map<string, { epoch: number; count: number }>();
    for (const { locks } of writeSets)
      for (const { epoch, subject } of locks) {
        const known = written.get(subject);
        if (known) known.count++;
        else if (this.subjects.lockParts(subject).resource.startsWith("partition."))
          written.set(subject, { epoch, count: 1 });
      }
    return written;
  }

  private of(subject: string, epoch: number, now: number): Since {
    const known = this.since.get(subject);
    if (known?.epoch === epoch) return known;
    const since = { epoch, sequence: epoch, at: now, writeSets: 0 };
    this.since.set(subject, since);
    return since;
  }
}
