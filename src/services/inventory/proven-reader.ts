/**
 * Reads the log so that no old reading decides (ADR 10): as of a point at or after the lock, and after this tenure's
 * own acknowledged decisions.
 * Owns: that point.  Does not own: what the readings mean.
 */
import { type Clock, type Journal, ReplicaLagging, type StoredMessage } from "../../runtime/ports.ts";

/** Readings of one message until a replica answers that is far enough, with growing pauses, ms. */
const MAX_READS = 10;
const READ_PAUSE_MS = 10;
const MAX_READ_PAUSE_MS = 200;

/** See the top of the file. */
export class ProvenReader {
  private readonly journal: Journal;
  private readonly clock: Clock;
  private readonly lock: string;
  /** Sequence that a reading has to reach: of the lock, or of this tenure's last acknowledged decision. */
  private through: number;

  constructor(journal: Journal, clock: Clock, lock: { readonly subject: string; readonly epoch: number }) {
    this.journal = journal;
    this.clock = clock;
    this.lock = lock.subject;
    this.through = lock.epoch;
  }

  /** A decision was acknowledged at this sequence: later readings include it. */
  advance(sequence: number): void {
    this.through = Math.max(this.through, sequence);
  }

  /**
   * The last message of a subject. An old reading must not decide: a hold that has ended would be ended again, and some
   * answers need no write. The lock is asked for too, because a reading without any message proves nothing.
   * @param upTo at or before this sequence
   * @throws Unavailable
   */
  async last(subject: string, upTo?: number): Promise<StoredMessage | undefined> {
    for (let read = 1; ; read++) {
      try {
        const { last } = await this.journal.readLastTogether([subject, this.lock], this.through, upTo);
        return last.get(subject);
      } catch (error) {
        if (!(error instanceof ReplicaLagging) || read === MAX_READS) throw error;
      }
      await this.clock.sleep(Math.min(READ_PAUSE_MS * 2 ** (read - 1), MAX_READ_PAUSE_MS));
    }
  }
}
