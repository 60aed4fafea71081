/**
 * Publishes the outbox to the journal, one atomic batch at a time.
 * Owns: the queue of units and the batch in flight.  Does not own: what a unit means, locks, actors.
 * Invariants
 *   R1. At most one batch is in flight.
 *   R2. A unit is in the local store before it is published, and leaves it only when its fate is known:
 *       stored, or certainly never to be stored.
 *   R3. A batch without an answer is repeated as it is until there is one; only an answer settles a unit.
 *   R4. When a unit is dropped, every later unit that guards one of its subjects is dropped with it.
 *   R5. `settled` is called once for each unit, in the order of submission among units of one subject.
 * Proved by: test/unit/runtime/relay.test.ts, test/unit/runtime/cluster.test.ts
 */
import { limits } from "../../config/limits.ts";
import { type Batch, composeBatch } from "./batch.ts";
import { type Diagnosis, diagnose } from "./diagnosis.ts";
import {
  type AppendResult,
  type Clock,
  type Journal,
  type Log,
  type Outbox,
  type OutboxRow,
  ServerCode,
} from "./ports.ts";
import { pause } from "./pause.ts";
import type { LockRef, Outcome, Unit, UnitSink } from "./unit.ts";

export type RelayOptions = {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one attempt waits for the server's answer, ms. */
  readonly commitTimeoutMs: number;
  /** At most so often each lock gets a fence message of its own, ms. */
  readonly markEveryMs: number;
  /** A lock no longer has the epoch that a batch was sent with. */
  readonly onLockMoved: (lock: LockRef) => void;
};

export type RelayState = {
  /** Units not yet settled. */
  readonly depth: number;
  /** Age of the oldest unsettled unit, ms; 0 when there is none. */
  readonly oldestMs: number;
  /** False while batches stay without an answer. */
  readonly answered: boolean;
  /** How long ago the local store refused the last write, ms; undefined when it took it. */
  readonly storeRefusedMsAgo: number | undefined;
  readonly batches: number;
  readonly units: number;
};

const SLOWEST_RETRY_MS = 500;
/** About three seconds: longer than a server that lost its leadership goes on answering. */
const ATTEMPTS_UNTIL_OLD_IS_BELIEVED = 12;

export class Relay implements UnitSink {
  private readonly options: RelayOptions;
  /** Taken, not yet in the local store. */
  private fresh: Unit[] = [];
  /** In the local store, oldest first; the units in flight are no longer here. */
  private queue: Unit[] = [];
  private inFlight: Batch | undefined;
  private readonly since = new Map<string, number>();
  /** Per guarded subject: how many unsettled units write it, and where its last stored one stands. */
  private readonly writers = new Map<string, number>();
  private readonly tails = new Map<string, number>();
  private readonly marked = new Map<string, number>();
  /** Settled, and still in the local store because it refused the deletion. */
  private settledRows: string[] = [];
  private oldSnapshots: string[] = [];
  private scheduled = false;
  private stopped = false;
  private answered = true;
  private storeRefusedAt: number | undefined;
  private unitLimit: number = limits.batchMessages;
  private lastStored = 0;
  private batches = 0;
  private units = 0;

  constructor(options: RelayOptions) {
    this.options = options;
  }

  submit(unit: Unit): void {
    for (const guard of unit.guards) {
      this.writers.set(guard.subject, (this.writers.get(guard.subject) ?? 0) + 1);
    }
    this.since.set(unit.commit, this.options.clock.monotonic());
    this.fresh.push(unit);
    this.schedule();
  }

  state(): RelayState {
    const [oldest] = this.since.values();
    return {
      depth: this.since.size,
      oldestMs: oldest === undefined ? 0 : this.options.clock.monotonic() - oldest,
      answered: this.answered,
      storeRefusedMsAgo:
        this.storeRefusedAt === undefined ? undefined : this.options.clock.monotonic() - this.storeRefusedAt,
      batches: this.batches,
      units: this.units,
    };
  }

  /** Every commit of this node at or below this stream sequence has been settled. */
  settledThrough(): number {
    return this.since.size === 0 ? Number.POSITIVE_INFINITY : this.lastStored;
  }

  /** Stops publishing; units in the queue stay unsettled and in the local store. */
  stop(): void {
    this.stopped = true;
  }

  private schedule(): void {
    if (this.scheduled || this.inFlight || this.stopped) return;
    this.scheduled = true;
    this.options.clock.soon(() => {
      this.scheduled = false;
      void this.pump();
    });
  }

  private async pump(): Promise<void> {
    if (this.inFlight || this.stopped) return;
    this.persist();
    const batch = this.nextBatch();
    if (!batch) return;
    this.inFlight = batch;
    try {
      await this.publish(batch);
    } finally {
      this.inFlight = undefined;
    }
    if (this.queue.length > 0 || this.fresh.length > 0) this.schedule();
  }

  /** One transaction for everything that waits. */
  private persist(): void {
    if (this.fresh.length === 0) return;
    const fresh = this.fresh;
    this.fresh = [];
    try {
      this.options.outbox.write(fresh.map(rowOf));
      this.storeRefusedAt = undefined;
      for (const unit of fresh) this.queue.push(unit);
    } catch (error) {
      this.storeRefusedAt = this.options.clock.monotonic();
      this.options.log.error({ err: error, units: fresh.length }, "local store refused a write");
      for (const unit of fresh) this.settle(unit, { status: "dropped", why: "store_unavailable" });
    }
  }

  private nextBatch(): Batch | undefined {
    let count = this.countThatFits();
    while (count > 0) {
      const units = this.queue.slice(0, count);
      const marks = this.marksDue(units);
      const batch = composeBatch(units, this.tails, marks);
      if (batch.messages.length <= limits.batchMessages || count === 1) {
        this.queue.splice(0, count);
        const now = this.options.clock.monotonic();
        for (const subject of marks) this.marked.set(subject, now);
        return batch;
      }
      count = Math.floor(count / 2);
    }
    return undefined;
  }

  /**
   * A batch checks each lock at one epoch: units from an earlier ownership go alone, and are refused. It checks each
   * subject once: a unit that names a sequence for a subject written before it in the queue goes into a later batch,
   * or it would be stored unchecked on top of what it does not know.
   */
  private countThatFits(): number {
    const epochs = new Map<string, number>();
    const written = new Set<string>();
    let messages = 0;
    for (const [index, unit] of this.queue.entries()) {
      messages += unit.messages.length;
      if (index > 0 && (index >= this.unitLimit || messages > limits.batchMessages)) return index;
      for (const lock of unit.locks) {
        if ((epochs.get(lock.subject) ?? lock.epoch) !== lock.epoch) return index;
        epochs.set(lock.subject, lock.epoch);
      }
      if (unit.guards.some(({ subject, sequence }) => sequence !== undefined && written.has(subject))) {
        return index;
      }
      for (const { subject } of unit.guards) written.add(subject);
    }
    return this.queue.length;
  }

  private marksDue(units: readonly Unit[]): Set<string> {
    const now = this.options.clock.monotonic();
    const due = new Set<string>();
    for (const unit of units) {
      for (const { subject } of unit.locks) {
        const last = this.marked.get(subject);
        if (last === undefined || now - last >= this.options.markEveryMs) due.add(subject);
      }
    }
    return due;
  }

  /** Repeats the batch until its fate is known (R3). */
  private async publish(batch: Batch): Promise<void> {
    const { journal, clock, log, commitTimeoutMs } = this.options;
    for (let attempt = 1; !this.stopped; attempt++) {
      const result = await journal.append(batch.messages, commitTimeoutMs);
      if (this.stopped) return;
      if (result.status === "stored") {
        this.answered = true;
        this.stored(batch, result.lastSequence);
        return;
      }
      if (result.status === "rejected") {
        this.answered = true;
        if (await this.rejected(batch, result, attempt)) return;
      } else {
        this.answered = false;
        log.warn({ attempt, reason: result.reason, units: batch.units.length }, "batch without an answer");
      }
      await pause(clock, Math.min(5 * 2 ** Math.min(attempt, 10), SLOWEST_RETRY_MS));
    }
  }

  private stored(batch: Batch, lastSequence: number): void {
    const first = lastSequence - batch.messages.length + 1;
    this.lastStored = lastSequence;
    this.batches++;
    this.unitLimit = Math.min(this.unitLimit * 2, limits.batchMessages);
    for (const [ledger, changes] of batch.changes) ledger.committed(changes);
    const sequences = new Map<string, number>();
    for (const [subject, index] of batch.guarded) sequences.set(subject, first + index);
    this.finish(batch.units, sequences, lastSequence);
  }

  private finish(units: readonly Unit[], sequences: ReadonlyMap<string, number>, lastSequence: number): void {
    this.units += units.length;
    for (const [subject, sequence] of sequences) this.tails.set(subject, sequence);
    this.forget(
      units.map((unit) => unit.commit),
      [],
    );
    for (const unit of units) this.settle(unit, { status: "stored", sequences, lastSequence });
  }

  /**
   * Takes settled units out of the local store. One that cannot be written keeps them a while longer, which does no
   * harm: nothing in it is believed after a restart. Bounded: while it cannot be written it takes no units either.
   */
  private forget(commits: readonly string[], actors: readonly string[]): void {
    this.settledRows.push(...commits);
    this.oldSnapshots.push(...actors);
    try {
      this.options.outbox.settle(this.settledRows, this.oldSnapshots);
      this.settledRows = [];
      this.oldSnapshots = [];
    } catch (error) {
      this.storeRefusedAt = this.options.clock.monotonic();
      this.options.log.error(
        { err: error, units: this.settledRows.length },
        "local store refused a deletion",
      );
    }
  }

  /** True when the batch is done with: settled, or its remains are back in the queue. */
  private async rejected(
    batch: Batch,
    result: Extract<AppendResult, { status: "rejected" }>,
    attempt: number,
  ): Promise<boolean> {
    const { log } = this.options;
    if (result.code === ServerCode.subjectInFlight) return false;
    if (result.code === ServerCode.wrongLastSequence || result.code === ServerCode.duplicateMessageId) {
      const believeOld = attempt >= ATTEMPTS_UNTIL_OLD_IS_BELIEVED;
      const found = await diagnose(batch, this.queue, this.options.journal, believeOld);
      if (!found || this.stopped) return false;
      log.info(
        {
          code: result.code,
          stored: found.stored.length,
          fenced: found.fenced.length,
          lockMoved: found.lockMoved.length,
        },
        "rejected batch settled by reading back",
      );
      for (const unit of found.stored) {
        for (const { ledger, change } of unit.tally ?? []) ledger.committed([change]);
      }
      if (found.stored.length > 0) this.finish(found.stored, found.sequences, found.lastSequence);
      const stored = new Set(found.stored);
      this.queue = this.queue.filter((unit) => !stored.has(unit));
      this.requeue(batch, stored);
      this.drop(found.lockMoved, "lock_moved");
      this.drop([...found.fenced, ...this.orphans(found)], "fenced");
      for (const lock of found.movedLocks) this.options.onLockMoved(lock);
      return true;
    }
    const [only, ...others] = batch.units;
    if (only && others.length === 0) {
      log.error({ code: result.code, reason: result.reason, commit: only.commit }, "unit refused");
      this.forget([only.commit], only.snapshot ? [only.snapshot.actor] : []);
      this.settle(only, { status: "refused", code: result.code, reason: result.reason });
      this.drop(this.behind([only]), "fenced");
      return true;
    }
    // Somebody in this batch is unacceptable: halve until the culprit is alone.
    log.warn({ code: result.code, reason: result.reason, units: batch.units.length }, "batch refused: split");
    this.unitLimit = Math.max(1, Math.floor(batch.units.length / 2));
    this.requeue(batch, new Set());
    return true;
  }

  /** Units behind a stored one whose subject has been written by somebody else since. */
  private orphans(found: Diagnosis): Unit[] {
    const overwritten = found.stored.filter((unit) =>
      unit.guards.some((guard) => !found.sequences.has(guard.subject)),
    );
    return overwritten.length > 0 ? this.behind(overwritten) : [];
  }

  private requeue(batch: Batch, except: ReadonlySet<Unit>): void {
    this.queue = [...batch.units.filter((unit) => !except.has(unit)), ...this.queue];
  }

  private drop(doomed: readonly Unit[], why: "fenced" | "lock_moved"): void {
    // One refusal can condemn a unit twice, through its lock and through a subject.
    const units = doomed.filter((unit) => this.since.has(unit.commit));
    if (units.length === 0) return;
    const behind = this.behind(units);
    const gone = new Set([...units, ...behind]);
    this.queue = this.queue.filter((unit) => !gone.has(unit));
    this.fresh = this.fresh.filter((unit) => !gone.has(unit));
    const actors = [...gone].flatMap((unit) => (unit.snapshot ? [unit.snapshot.actor] : []));
    this.forget(
      [...gone].map((unit) => unit.commit),
      actors,
    );
    for (const unit of gone) {
      for (const guard of unit.guards) this.tails.delete(guard.subject);
    }
    for (const unit of units) this.settle(unit, { status: "dropped", why });
    for (const unit of behind) this.settle(unit, { status: "dropped", why: "fenced" });
  }

  /** Later units that guard a subject of one of these, and those behind them. */
  private behind(units: readonly Unit[]): Unit[] {
    const chosen = new Set(units);
    const touched = new Set(units.flatMap((unit) => unit.guards.map((guard) => guard.subject)));
    const found: Unit[] = [];
    for (const unit of [...this.queue, ...this.fresh]) {
      if (chosen.has(unit)) continue;
      if (!unit.guards.some((guard) => guard.sequence === undefined && touched.has(guard.subject))) continue;
      found.push(unit);
      for (const guard of unit.guards) touched.add(guard.subject);
    }
    return found;
  }

  private settle(unit: Unit, outcome: Outcome): void {
    this.since.delete(unit.commit);
    for (const { subject } of unit.guards) {
      const left = (this.writers.get(subject) ?? 1) - 1;
      if (left > 0) this.writers.set(subject, left);
      else {
        this.writers.delete(subject);
        this.tails.delete(subject);
      }
    }
    unit.settled(outcome);
  }
}

function rowOf(unit: Unit): OutboxRow {
  return {
    commit: unit.commit,
    locks: unit.locks,
    messages: unit.messages,
    ...(unit.snapshot ? { snapshot: unit.snapshot } : {}),
  };
}
