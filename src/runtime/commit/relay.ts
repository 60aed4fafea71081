/**
 * Publishes the outbox to the journal, one atomic batch at a time.
 * Owns: the queue of units and the batch in flight.  Does not own: what a unit means, locks, actors.
 * Invariants
 *   R1. At most one batch is in flight.
 *   R2. A unit is in the local store before it is published, and leaves it only when its fate is known:
 *       stored, or certainly never to be stored.
 *   R3. A batch without an answer is repeated as it is until there is one; only an answer settles a unit.
 *   R4. When a unit is dropped, every later unit that guards one of its subjects is dropped with it.
 *   R5. `settled` is called once for each unit, in the order of submission among units of one subject; but what the
 *       local store refuses is told at once, in front of earlier units of its subject that wait for the server.
 * Proved by: test/unit/runtime/commit/relay.test.ts, test/unit/runtime/cluster.test.ts
 */
import { limits } from "../limits.ts";
import { type Batch, composeBatch } from "./batch.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Diagnosis, diagnose } from "./rejection-diagnosis.ts";
import type { OutboxWriter } from "./outbox-writer.ts";
import { type AppendResult, type Clock, type Journal, type Log, ServerCode } from "../ports.ts";
import type { LockRef, Outcome, WriteSet, WriteSetSink } from "./write-set.ts";

export type RelayOptions = {
  readonly journal: Journal;
  readonly store: OutboxWriter;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one attempt waits for the server's answer, ms. */
  readonly commitTimeoutMs: number;
  /** At most so often each lock gets a fence message of its own, ms. */
  readonly markEveryMs: number;
  /** A lock no longer has the epoch that a batch was sent with. */
  readonly onLockMoved: (lock: LockRef) => void;
  readonly failpoints?: Failpoints | undefined;
};

export type RelayState = {
  /** Units not yet settled. */
  readonly depth: number;
  /** Age of the oldest unsettled unit, ms; 0 when there is none. */
  readonly oldestMs: number;
  /** False while batches stay without an answer. */
  readonly answered: boolean;
  /** The local store takes no writes. */
  readonly storeRefuses: boolean;
  /** Why the server has no room for the batch in flight, which is repeated until it has. */
  readonly noRoom: string | undefined;
  readonly batches: number;
  readonly writeSets: number;
};

const SLOWEST_RETRY_MS = 500;
/** Units that are worth a transaction of their own while a batch is in flight. */
const PERSIST_EARLY = 16;
/** About four seconds of refusals that nothing explains: longer than a replica stays behind. */
const REFUSALS_UNTIL_OLD_IS_BELIEVED = 12;

export class Relay implements WriteSetSink {
  private readonly options: RelayOptions;
  /** Taken, not yet in the local store. */
  private fresh: WriteSet[] = [];
  /** In the local store, oldest first; the units in flight are no longer here. */
  private queue: WriteSet[] = [];
  private inFlight: Batch | undefined;
  private readonly since = new Map<string, number>();
  /** Per guarded subject: how many unsettled units write it, and where its last stored one stands. */
  private readonly writers = new Map<string, number>();
  private readonly tails = new Map<string, number>();
  private readonly marked = new Map<string, number>();
  private scheduled = false;
  private stopped = false;
  private answered = true;
  private noRoom: string | undefined;
  /** The local store refuses, and whoever waited then has been told. */
  private holds = false;
  private writeSetLimit: number = limits.batchMessages;
  private lastStored = 0;
  private batches = 0;
  private writeSets = 0;

  constructor(options: RelayOptions) {
    this.options = options;
    options.store.onWritable(() => {
      this.holds = false;
      this.schedule();
    });
  }

  /** @throws for a unit without a guard: programmer fault */
  submit(writeSet: WriteSet): void {
    if (writeSet.preconditions.length === 0)
      throw new Error(`unit ${writeSet.commit} has no guard: it could be stored twice`);
    for (const precondition of writeSet.preconditions) {
      this.writers.set(precondition.subject, (this.writers.get(precondition.subject) ?? 0) + 1);
    }
    this.since.set(writeSet.commit, this.options.clock.monotonic());
    this.fresh.push(writeSet);
    this.schedule();
  }

  state(): RelayState {
    const [oldest] = this.since.values();
    return {
      depth: this.since.size,
      oldestMs: oldest === undefined ? 0 : this.options.clock.monotonic() - oldest,
      answered: this.answered,
      storeRefuses: this.options.store.isRefusing(),
      noRoom: this.noRoom,
      batches: this.batches,
      writeSets: this.writeSets,
    };
  }

  /** Every commit of this node at or below this stream sequence has been settled. */
  resolvedThrough(): number {
    return this.since.size === 0 ? Number.POSITIVE_INFINITY : this.lastStored;
  }

  /** Stops publishing; units in the queue stay unsettled and in the local store. */
  stop(): void {
    this.stopped = true;
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.options.clock.soon(() => {
      this.scheduled = false;
      // Written while the server works on the batch before, so that it need not wait for the local store then.
      if (this.inFlight && this.fresh.length >= PERSIST_EARLY) this.persist();
      this.pump();
    });
  }

  private pump(): void {
    if (this.inFlight || this.stopped) return;
    this.persist();
    const batch = this.nextBatch();
    if (!batch) return;
    this.inFlight = batch;
    void this.publish(batch);
  }

  /** One transaction for everything that waits. */
  private persist(): void {
    const { store } = this.options;
    if (this.fresh.length === 0 || this.holds) return;
    const fresh = this.fresh;
    this.fresh = [];
    if (store.write(fresh)) {
      this.queue.push(...fresh);
      return;
    }
    // Callers are told at once. What comes now waits: dropped, it would be decided again and again.
    this.holds = true;
    for (const writeSet of fresh) this.resolve(writeSet, { status: "dropped", why: "store_unavailable" });
  }

  private nextBatch(): Batch | undefined {
    let count = this.countThatFits();
    while (count > 0) {
      const writeSets = this.queue.slice(0, count);
      const marks = this.marksDue(writeSets);
      const batch = composeBatch(writeSets, this.tails, marks);
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
    for (const [index, writeSet] of this.queue.entries()) {
      messages += writeSet.messages.length;
      if (index > 0 && (index >= this.writeSetLimit || messages > limits.batchMessages)) return index;
      for (const lock of writeSet.locks) {
        if ((epochs.get(lock.subject) ?? lock.epoch) !== lock.epoch) return index;
        epochs.set(lock.subject, lock.epoch);
      }
      if (
        writeSet.preconditions.some(({ subject, sequence }) => sequence !== undefined && written.has(subject))
      ) {
        return index;
      }
      for (const { subject } of writeSet.preconditions) written.add(subject);
    }
    return this.queue.length;
  }

  private marksDue(writeSets: readonly WriteSet[]): Set<string> {
    const now = this.options.clock.monotonic();
    const due = new Set<string>();
    for (const writeSet of writeSets) {
      for (const { subject } of writeSet.locks) {
        const last = this.marked.get(subject);
        if (last === undefined || now - last >= this.options.markEveryMs) due.add(subject);
      }
    }
    return due;
  }

  /** Repeats the batch until its fate is known (R3); then the next one is under way. */
  private async publish(batch: Batch): Promise<void> {
    const { journal, clock, log, commitTimeoutMs, failpoints } = this.options;
    let unexplained = 0;
    for (let attempt = 1; !this.stopped; attempt++) {
      const result = await failpoint(failpoints, "relay.append", () =>
        journal.append(batch.messages, commitTimeoutMs),
      );
      if (this.stopped) return;
      if (result.status === "stored") {
        this.noRoom = undefined;
        this.stored(batch, result.lastSequence);
        return;
      }
      if (result.status === "rejected") {
        this.answered = true;
        this.noRoom = undefined;
        if (await this.rejected(batch, result, unexplained >= REFUSALS_UNTIL_OLD_IS_BELIEVED)) {
          this.inFlight = undefined;
          this.schedule();
          return;
        }
        if (result.code !== ServerCode.subjectInFlight) unexplained++;
      } else {
        this.answered = false;
        this.noRoom = result.noRoom ? result.reason : undefined;
        log.warn(
          { attempt, reason: result.reason, units: batch.writeSets.length },
          "batch without an answer",
        );
      }
      await clock.sleep(Math.min(5 * 2 ** Math.min(attempt, 10), SLOWEST_RETRY_MS));
    }
  }

  /** The next batch is sent first: the server works on it while this node answers the callers of this one. */
  private stored(batch: Batch, lastSequence: number): void {
    const first = lastSequence - batch.messages.length + 1;
    this.answered = true;
    this.lastStored = lastSequence;
    this.batches++;
    this.writeSetLimit = Math.min(this.writeSetLimit * 2, limits.batchMessages);
    for (const [aggregator, changes] of batch.changes) aggregator.committed(changes);
    const sequences = new Map<string, number>();
    for (const [subject, index] of batch.checkedSubjects) sequences.set(subject, first + index);
    this.place(sequences);
    this.inFlight = undefined;
    this.pump();
    this.finish(batch.writeSets, sequences, lastSequence);
  }

  /** What stands behind these units in the queue is checked against where they stand. */
  private place(sequences: ReadonlyMap<string, number>): void {
    for (const [subject, sequence] of sequences) this.tails.set(subject, sequence);
  }

  private finish(
    writeSets: readonly WriteSet[],
    sequences: ReadonlyMap<string, number>,
    lastSequence: number,
  ): void {
    this.writeSets += writeSets.length;
    this.options.store.forget(writeSets.map((writeSet) => writeSet.commit));
    for (const writeSet of writeSets) this.resolve(writeSet, { status: "stored", sequences, lastSequence });
  }

  /** True when the batch is done with: settled, or its remains are back in the queue. */
  private async rejected(
    batch: Batch,
    result: Extract<AppendResult, { status: "rejected" }>,
    believeOld: boolean,
  ): Promise<boolean> {
    const { log, failpoints } = this.options;
    if (result.code === ServerCode.subjectInFlight) return false;
    if (result.code === ServerCode.wrongLastSequence || result.code === ServerCode.duplicateMessageId) {
      const found = await failpoint(failpoints, "relay.diagnose", () =>
        diagnose(batch, this.queue, this.options.journal, believeOld),
      );
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
      for (const writeSet of found.stored) {
        for (const { aggregator, delta: change } of writeSet.deltas ?? []) aggregator.committed([change]);
      }
      if (found.stored.length > 0) {
        this.place(found.sequences);
        this.finish(found.stored, found.sequences, found.lastSequence);
      }
      const stored = new Set(found.stored);
      this.queue = this.queue.filter((writeSet) => !stored.has(writeSet));
      this.requeue(batch, stored);
      this.drop(found.lockMoved, "lock_moved");
      this.drop([...found.fenced, ...this.orphans(found)], "fenced");
      for (const lock of found.movedLocks) this.options.onLockMoved(lock);
      return true;
    }
    const [only, ...others] = batch.writeSets;
    if (only && others.length === 0) {
      log.error({ code: result.code, reason: result.reason, commit: only.commit }, "unit refused");
      this.options.store.forget([only.commit]);
      this.resolve(only, { status: "refused", code: result.code, reason: result.reason });
      this.drop(this.after([only]), "fenced");
      return true;
    }
    // Somebody in this batch is unacceptable: halve until the culprit is alone.
    log.warn(
      { code: result.code, reason: result.reason, units: batch.writeSets.length },
      "batch refused: split",
    );
    this.writeSetLimit = Math.max(1, Math.floor(batch.writeSets.length / 2));
    this.requeue(batch, new Set());
    return true;
  }

  /** Units behind a stored one whose subject has been written by somebody else since. */
  private orphans(found: Diagnosis): WriteSet[] {
    const overwritten = found.stored.filter((writeSet) =>
      writeSet.preconditions.some((precondition) => !found.sequences.has(precondition.subject)),
    );
    return overwritten.length > 0 ? this.after(overwritten) : [];
  }

  private requeue(batch: Batch, except: ReadonlySet<WriteSet>): void {
    this.queue = [...batch.writeSets.filter((writeSet) => !except.has(writeSet)), ...this.queue];
  }

  private drop(doomed: readonly WriteSet[], why: "fenced" | "lock_moved"): void {
    // One refusal can condemn a unit twice, through its lock and through a subject.
    const writeSets = doomed.filter((writeSet) => this.since.has(writeSet.commit));
    if (writeSets.length === 0) return;
    const behind = this.after(writeSets);
    const gone = new Set([...writeSets, ...behind]);
    this.queue = this.queue.filter((writeSet) => !gone.has(writeSet));
    this.fresh = this.fresh.filter((writeSet) => !gone.has(writeSet));
    this.options.store.forget([...gone].map((writeSet) => writeSet.commit));
    for (const writeSet of gone) {
      for (const precondition of writeSet.preconditions) this.tails.delete(precondition.subject);
    }
    for (const writeSet of writeSets) this.resolve(writeSet, { status: "dropped", why });
    for (const writeSet of behind) this.resolve(writeSet, { status: "dropped", why: "fenced" });
  }

  /** Later units that guard a subject of one of these, and those behind them. */
  private after(writeSets: readonly WriteSet[]): WriteSet[] {
    const chosen = new Set(writeSets);
    const touched = new Set(
      writeSets.flatMap((writeSet) => writeSet.preconditions.map((precondition) => precondition.subject)),
    );
    const found: WriteSet[] = [];
    for (const writeSet of [...this.queue, ...this.fresh]) {
      if (chosen.has(writeSet)) continue;
      if (
        !writeSet.preconditions.some(
          (precondition) => precondition.sequence === undefined && touched.has(precondition.subject),
        )
      )
        continue;
      found.push(writeSet);
      for (const precondition of writeSet.preconditions) touched.add(precondition.subject);
    }
    return found;
  }

  private resolve(writeSet: WriteSet, outcome: Outcome): void {
    this.since.delete(writeSet.commit);
    for (const { subject } of writeSet.preconditions) {
      const left = (this.writers.get(subject) ?? 1) - 1;
      if (left > 0) this.writers.set(subject, left);
      else {
        this.writers.delete(subject);
        this.tails.delete(subject);
      }
    }
    writeSet.resolved(outcome);
  }
}
