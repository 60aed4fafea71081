/**
 * Verifies the locks of this node again after it was isolated: another node may have taken them, and that message may
 * still be in flight. Commits do not need this, because the server rejects them. Reads from memory do.
 * Owns: which locks are verified.  Does not own: the locks.
 * Invariants
 *   verification.D1. A lock is verified only by a claim or a fence that the server has stored, and that was sent after
 *       the latest call of `begin`. A lock won by an older claim is unverified, in every state of its takeover.
 * Proved by: test/unit/runtime/cluster/lock-verification.test.ts, test/fault/nats-cluster.test.ts
 */
import type { Subjects } from "../subjects.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Clock, type Journal, type StoredMessage, Unavailable } from "../ports.ts";
import type { LockRef } from "../commit/write-set.ts";

/** A lock that this node holds as far as it knows, and the stream of the lock. */
export type HeldLock = LockRef & { readonly journal: Journal };

/** What lock verification needs. */
export type LockVerificationOptions = {
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly commitTimeoutMs: number;
  /** The locks that this node holds now. */
  readonly held: () => readonly HeldLock[];
  /** Called with the newest entry of a lock, as the leader has it. */
  readonly saw: (entry: StoredMessage) => void;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 100;
/** One batch holds at most 1000 messages. */
const LOCKS_AT_ONCE = 500;

/** See the top of the file. */
export class LockVerification {
  private readonly options: LockVerificationOptions;
  /** By lock: the epoch that was verified, and the round in which the claim or the fence was sent. */
  private readonly verified = new Map<string, { readonly epoch: number; readonly round: number }>();
  /** The number of calls of `begin`: what was sent in an earlier round verifies nothing. */
  private round = 0;
  private running = false;
  private stopped = false;

  constructor(options: LockVerificationOptions) {
    this.options = options;
  }

  /** From now on every lock held, or about to be won, is unverified until the server confirms it. */
  begin(): void {
    this.round++;
    this.verifyAll();
  }

  /** The current round, to be kept with a claim that is sent now. */
  count(): number {
    return this.round;
  }

  /** The server has stored a claim. @param round the round in which the claim was sent */
  claimed({ subject, epoch }: LockRef, round: number): void {
    this.verified.set(subject, { epoch, round });
    this.verifyAll();
  }

  /** Whether the server has confirmed this epoch since verification last began. */
  isVerified({ subject, epoch }: LockRef): boolean {
    const verified = this.verified.get(subject);
    return verified !== undefined && verified.epoch === epoch && verified.round === this.round;
  }

  /** Ends the attempts. */
  stop(): void {
    this.stopped = true;
  }

  private unverified(): HeldLock[] {
    return this.options.held().filter((lock) => !this.isVerified(lock));
  }

  private verifyAll(): void {
    if (!this.running && this.unverified().length > 0) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let open = this.unverified(); open.length > 0 && !this.stopped; open = this.unverified()) {
      const streams = Map.groupBy(open, ({ journal }) => journal);
      const confirmed = await Promise.all(
        [...streams].map(([journal, locks]) => this.verify(journal, locks.slice(0, LOCKS_AT_ONCE))),
      );
      if (!confirmed.every(Boolean)) await this.options.clock.sleep(RETRY_MS);
    }
    this.running = false;
  }

  /** Publishes one batch with a fence for each lock: the server stores it only while this node holds them all. */
  private async verify(journal: Journal, locks: readonly HeldLock[]): Promise<boolean> {
    const { commitTimeoutMs, failpoints, subjects } = this.options;
    const { round } = this;
    const result = await failpoint(failpoints, "ownership.verify", () =>
      journal.append(
        locks.map(({ subject, epoch }) => ({
          subject: subjects.fence(subjects.lockParts(subject).resource),
          payload: "",
          fence: { subject, sequence: epoch },
        })),
        commitTimeoutMs,
      ),
    );
    if (result.status === "stored") {
      for (const { subject, epoch } of locks) this.verified.set(subject, { epoch, round });
      return true;
    }
    // One lock that has moved rejects the batch: find out which. What this misses, the next attempt or the watch shows.
    if (result.status === "rejected") await Promise.all(locks.map((lock) => this.readLock(journal, lock)));
    return false;
  }

  private async readLock(journal: Journal, { subject }: LockRef): Promise<void> {
    const { failpoints, saw } = this.options;
    try {
      const stored = await failpoint(failpoints, "ownership.read_lock", () => journal.readLast(subject));
      if (stored) saw(stored);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
}
