/**
 * Makes sure of the locks of this node again after it was cut off: somebody may have taken them, and the news of it
 * still be on its way. Commits need no such care, the server refuses them; what is read from memory does.
 * Owns: which locks are in doubt.  Does not own: the locks.
 * Invariants
 *   D1. A doubt ends only with a fence that the server has stored under the lock's epoch after the doubt began, or with
 *       the end of that epoch.
 * Proved by: test/unit/runtime/lock-doubts.test.ts, test/process/nats-cluster.test.ts
 */
import { lockParts, subjects } from "../../config/subjects.ts";
import type { Crash } from "./crash-points.ts";
import { pause } from "./pause.ts";
import type { Clock, Journal, StoredMessage } from "./ports.ts";
import { Unavailable } from "./ports.ts";
import type { LockRef } from "./unit.ts";

/** A lock that this node believes to hold, and the stream that it is in. */
export type HeldLock = LockRef & { readonly journal: Journal };

export type LockDoubtsOptions = {
  readonly clock: Clock;
  readonly commitTimeoutMs: number;
  readonly held: () => readonly HeldLock[];
  /** The newest entry of a lock, as the leader has it. */
  readonly saw: (entry: StoredMessage) => void;
  readonly crash?: Crash | undefined;
};

const RETRY_MS = 100;
/** One batch holds at most 1000 messages. */
const LOCKS_AT_ONCE = 500;

export class LockDoubts {
  private readonly options: LockDoubtsOptions;
  /** Epoch in doubt, by lock. */
  private readonly doubted = new Map<string, number>();
  /** How often doubt has begun: a fence that was sent before the latest time proves nothing. */
  private times = 0;
  private running = false;
  private stopped = false;

  constructor(options: LockDoubtsOptions) {
    this.options = options;
  }

  /** From now on every lock that is held is in doubt, until the server says that it still is. */
  begin(): void {
    this.times++;
    for (const { subject, epoch } of this.options.held()) this.doubted.set(subject, epoch);
    if (!this.running) void this.run();
  }

  /** Whether this epoch of the lock may be over without this node knowing. */
  has({ subject, epoch }: LockRef): boolean {
    return this.doubted.get(subject) === epoch;
  }

  stop(): void {
    this.stopped = true;
  }

  private async run(): Promise<void> {
    this.running = true;
    while (!this.stopped) {
      const open = this.options.held().filter((lock) => this.has(lock));
      if (open.length === 0) break;
      const streams = Map.groupBy(open, ({ journal }) => journal);
      const proved = await Promise.all(
        [...streams].map(([journal, locks]) => this.prove(journal, locks.slice(0, LOCKS_AT_ONCE))),
      );
      if (!proved.every(Boolean)) await pause(this.options.clock, RETRY_MS);
    }
    // What is left was lost meanwhile.
    this.doubted.clear();
    this.running = false;
  }

  /** One batch with a fence for each lock: stored only while all of them are held. */
  private async prove(journal: Journal, locks: readonly HeldLock[]): Promise<boolean> {
    const { commitTimeoutMs, crash } = this.options;
    const { times } = this;
    crash?.("ownership.prove", "before");
    const result = await journal.append(
      locks.map(({ subject, epoch }) => ({
        subject: subjects.fence(lockParts(subject).resource),
        payload: "",
        fence: { subject, sequence: epoch },
      })),
      commitTimeoutMs,
    );
    crash?.("ownership.prove", "after");
    if (result.status === "stored") {
      if (times === this.times) for (const { subject } of locks) this.doubted.delete(subject);
      return true;
    }
    // One that has moved refuses all: learn which. What this tells too late, the next round or the watch tells.
    if (result.status === "rejected") await Promise.all(locks.map((lock) => this.look(journal, lock)));
    return false;
  }

  private async look(journal: Journal, { subject }: LockRef): Promise<void> {
    const { crash, saw } = this.options;
    try {
      crash?.("ownership.look", "before");
      const stored = await journal.readLast(subject);
      crash?.("ownership.look", "after");
      if (stored) saw(stored);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
}
