/**
 * Makes sure of the locks of this node again after it was cut off: somebody may have taken them, and the news of it
 * still be on its way. Commits need no such care, the server refuses them; what is read from memory does.
 * Owns: which locks are certain.  Does not own: the locks.
 * Invariants
 *   D1. A lock is certain only by a claim or a fence that the server has stored, and that was sent after doubt last
 *       began. Whatever state its takeover is in, a lock that is won by an older claim is in doubt.
 * Proved by: test/unit/runtime/cluster/lock-verification.test.ts, test/fault/nats-cluster.test.ts
 */
import { lockParts, subjects } from "../subjects.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { Clock, Journal, StoredMessage } from "../ports.ts";
import { Unavailable } from "../ports.ts";
import type { LockRef } from "../commit/write-set.ts";

/** A lock that this node believes to hold, and the stream that it is in. */
export type HeldLock = LockRef & { readonly journal: Journal };

export type LockVerificationOptions = {
  readonly clock: Clock;
  readonly commitTimeoutMs: number;
  readonly held: () => readonly HeldLock[];
  /** The newest entry of a lock, as the leader has it. */
  readonly saw: (entry: StoredMessage) => void;
  readonly failpoints?: Failpoints | undefined;
};

const RETRY_MS = 100;
/** One batch holds at most 1000 messages. */
const LOCKS_AT_ONCE = 500;

export class LockVerification {
  private readonly options: LockVerificationOptions;
  /** By lock: the epoch that was proven, and how often doubt had begun when the proof was sent. */
  private readonly proofs = new Map<string, { readonly epoch: number; readonly times: number }>();
  /** How often doubt has begun: what was sent before the latest time proves nothing. */
  private times = 0;
  private running = false;
  private stopped = false;

  constructor(options: LockVerificationOptions) {
    this.options = options;
  }

  /** From now on every lock that is held, or being won, is in doubt until the server says that it still is. */
  begin(): void {
    this.times++;
    this.proveOpen();
  }

  /** How often doubt has begun, to be remembered with a claim that is sent now. */
  count(): number {
    return this.times;
  }

  /** A claim is stored that was sent when doubt had begun so often. */
  claimed({ subject, epoch }: LockRef, times: number): void {
    this.proofs.set(subject, { epoch, times });
    this.proveOpen();
  }

  /** Whether this epoch of the lock is known to go on, as far as anybody can know. */
  isVerified({ subject, epoch }: LockRef): boolean {
    const proof = this.proofs.get(subject);
    return proof !== undefined && proof.epoch === epoch && proof.times === this.times;
  }

  stop(): void {
    this.stopped = true;
  }

  private open(): HeldLock[] {
    return this.options.held().filter((lock) => !this.isVerified(lock));
  }

  private proveOpen(): void {
    if (!this.running && this.open().length > 0) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let open = this.open(); open.length > 0 && !this.stopped; open = this.open()) {
      const streams = Map.groupBy(open, ({ journal }) => journal);
      const proved = await Promise.all(
        [...streams].map(([journal, locks]) => this.prove(journal, locks.slice(0, LOCKS_AT_ONCE))),
      );
      if (!proved.every(Boolean)) await this.options.clock.sleep(RETRY_MS);
    }
    this.running = false;
  }

  /** One batch with a fence for each lock: stored only while all of them are held. */
  private async prove(journal: Journal, locks: readonly HeldLock[]): Promise<boolean> {
    const { commitTimeoutMs, failpoints } = this.options;
    const { times } = this;
    const result = await failpoint(failpoints, "ownership.verify", () =>
      journal.append(
        locks.map(({ subject, epoch }) => ({
          subject: subjects.fence(lockParts(subject).resource),
          payload: "",
          fence: { subject, sequence: epoch },
        })),
        commitTimeoutMs,
      ),
    );
    if (result.status === "stored") {
      for (const { subject, epoch } of locks) this.proofs.set(subject, { epoch, times });
      return true;
    }
    // One that has moved refuses all: learn which. What this tells too late, the next round or the watch tells.
    if (result.status === "rejected") await Promise.all(locks.map((lock) => this.look(journal, lock)));
    return false;
  }

  private async look(journal: Journal, { subject }: LockRef): Promise<void> {
    const { failpoints, saw } = this.options;
    try {
      const stored = await failpoint(failpoints, "ownership.read_lock", () => journal.readLast(subject));
      if (stored) saw(stored);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
}
