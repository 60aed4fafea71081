/**
 * Publishes the outbox to the journal, one atomic batch at a time.
 * Owns: the queue of write sets and the batch in flight.  Does not own: what a write set means, locks, actors.
 * Invariants
 *   relay.R1. At most one batch is in flight.
 *   relay.R2. A write set is in the local store before it is published, and leaves it only when it is resolved:
 *       stored, or never to be stored.
 *   relay.R3. A batch without an answer is repeated unchanged until there is one; only an answer resolves a write set.
 *   relay.R4. When a write set is dropped, every dependent, a later write set of one of its subjects, is dropped too.
 *   relay.R5. `resolved` is called once for each write set, in the order of submission among write sets of one subject.
 *       One exception: a refusal by the local store is reported at once, before the outcome of earlier ones is known.
 * Proved by: test/unit/runtime/commit/relay.test.ts, relay-answers.test.ts, relay-batch-sizes.test.ts,
 *   relay-dependents.test.ts, relay-order-and-hold.test.ts, relay-state.test.ts, test/unit/runtime/cluster.test.ts
 */
import { limits } from "../limits.ts";
import type { Subjects } from "../subjects.ts";
import { type Batch, composeBatch, countThatFits } from "./batch.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { LockMarks } from "./lock-marks.ts";
import { type Diagnosis, diagnose } from "./rejection-diagnosis.ts";
import type { OutboxWriter } from "./outbox-writer.ts";
import { type AppendResult, type Clock, type Journal, type Log, ServerCode } from "../ports.ts";
import type { LockRef, Outcome, WriteSet, WriteSetSink } from "./write-set.ts";

/** What a relay needs from its node. */
export type RelayOptions = {
  readonly subjects: Subjects;
  readonly journal: Journal;
  readonly store: OutboxWriter;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one attempt waits for the answer of the server, ms. */
  readonly commitTimeoutMs: number;
  /** Shortest time between two marks of one lock, ms; see lock-marks.ts. */
  readonly markEveryMs: number;
  /** Called when a lock no longer has the epoch that a batch was sent with. */
  readonly onLockMoved: (lock: LockRef) => void;
  /** Called for each stored write set, with the time since its submission, ms. */
  readonly onStored?: ((ms: number) => void) | undefined;
  readonly failpoints?: Failpoints | undefined;
};

/** The load and health of a relay. */
export type RelayState = {
  /** Write sets that are not resolved. */
  readonly depth: number;
  /** Age of the oldest of these, ms; 0 when there is none. */
  readonly oldestMs: number;
  /** False while the batch in flight gets no answer. */
  readonly answered: boolean;
  /** The local store refuses writes. */
  readonly storeRefuses: boolean;
  /** Why the server has no room for the batch in flight; the relay repeats it until there is room. */
  readonly noRoom: string | undefined;
  /** Stored since the start of the process. */
  readonly batches: number;
  readonly writeSets: number;
};

type DropReason = "fenced" | "lock_moved";

const SLOWEST_RETRY_MS = 500;
/** From this number on, new write sets are worth a transaction of their own while a batch is in flight. */
const PERSIST_EARLY = 16;
/** About four seconds of unexplained rejections: longer than a replica lags. */
const REJECTIONS_UNTIL_OLD_IS_BELIEVED = 12;

/** See the top of the file. */
export class Relay implements WriteSetSink {
  private readonly options: RelayOptions;
  /** Submitted, not yet in the local store. */
  private fresh: WriteSet[] = [];
  /** In the local store, oldest first, without the batch in flight. */
  private queue: WriteSet[] = [];
  private inFlight: Batch | undefined;
  /** By commit of each unresolved write set, oldest first: when it was submitted, monotonic ms. */
  private readonly submittedAt = new Map<string, number>();
  /** By subject with a precondition: how many unresolved write sets write it, and its last stored sequence. */
  private readonly writers = new Map<string, number>();
  private readonly lastSequences = new Map<string, number>();
  private readonly marks: LockMarks;
  private scheduled = false;
  private stopped = false;
  private answered = true;
  private noRoom: string | undefined;
  /** The local store refuses, and the callers that waited then have been answered. */
  private paused = false;
  private writeSetLimit: number = limits.batchMessages;
  private lastStored = 0;
  private batches = 0;
  private writeSets = 0;

  constructor(options: RelayOptions) {
    this.options = options;
    this.marks = new LockMarks(options.subjects, options.markEveryMs);
    options.store.onWritable(() => {
      this.paused = false;
      this.schedule();
    });
  }

  /** @throws Error for a write set without a precondition: programmer fault */
  submit(writeSet: WriteSet): void {
    if (writeSet.preconditions.length === 0)
      throw new Error(`write set ${writeSet.commit} has no precondition: it could be stored twice`);
    for (const precondition of writeSet.preconditions) {
      this.writers.set(precondition.subject, (this.writers.get(precondition.subject) ?? 0) + 1);
    }
    this.submittedAt.set(writeSet.commit, this.options.clock.monotonic());
    this.fresh.push(writeSet);
    this.schedule();
  }

  /** The load and health now. */
  state(): RelayState {
    const [oldest] = this.submittedAt.values();
    return {
      depth: this.submittedAt.size,
      oldestMs: oldest === undefined ? 0 : this.options.clock.monotonic() - oldest,
      answered: this.answered,
      storeRefuses: this.options.store.isRefusing(),
      noRoom: this.noRoom,
      batches: this.batches,
      writeSets: this.writeSets,
    };
  }

  /** Every commit of this node at or before this stream sequence is resolved; infinite when all are. */
  resolvedThrough(): number {
    return this.submittedAt.size === 0 ? Number.POSITIVE_INFINITY : this.lastStored;
  }

  /** Stops publishing. Queued write sets stay unresolved and in the local store. */
  stop(): void {
    this.stopped = true;
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.options.clock.soon(() => {
      this.scheduled = false;
      // Written while the server works on a batch, so that the next batch does not wait for the local store.
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

  /** Writes all new write sets to the local store in one transaction. */
  private persist(): void {
    const { store } = this.options;
    if (this.fresh.length === 0 || this.paused) return;
    const fresh = this.fresh;
    this.fresh = [];
    if (store.write(fresh)) {
      this.queue.push(...fresh);
      return;
    }
    // These callers are answered at once. Later write sets wait: dropped, they would be decided again and again.
    this.paused = true;
    for (const writeSet of fresh) this.resolve(writeSet, { status: "dropped", why: "store_unavailable" });
  }

  private nextBatch(): Batch | undefined {
    const now = this.options.clock.monotonic();
    let count = countThatFits(this.queue, this.writeSetLimit);
    while (count > 0) {
      const writeSets = this.queue.slice(0, count);
      const marks = this.marks.due(writeSets, now, this.lastStored);
      const batch = composeBatch(writeSets, this.lastSequences, marks, this.options.subjects);
      if (batch.messages.length <= limits.batchMessages || count === 1) {
        this.queue.splice(0, count);
        this.marks.sent(batch, now, this.lastStored);
        return batch;
      }
      count = Math.floor(count / 2);
    }
    return undefined;
  }

  /** Repeats the batch until it is resolved (relay.R3). */
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
        if (await this.rejected(batch, result, unexplained >= REJECTIONS_UNTIL_OLD_IS_BELIEVED)) {
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
    for (const [aggregator, deltas] of batch.deltas) aggregator.committed(deltas);
    const sequences = new Map<string, number>();
    for (const [subject, index] of batch.checkedSubjects) sequences.set(subject, first + index);
    this.setLast(sequences);
    this.inFlight = undefined;
    this.pump();
    this.finish(batch.writeSets, sequences, lastSequence);
  }

  /** Dependents of these write sets in the queue are checked against these sequences. */
  private setLast(sequences: ReadonlyMap<string, number>): void {
    for (const [subject, sequence] of sequences) this.lastSequences.set(subject, sequence);
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

  /** True when the batch is no longer in flight: resolved, or the rest of it is back in the queue. */
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
        "rejected batch resolved by reading back",
      );
      for (const writeSet of found.stored) {
        for (const { aggregator, delta } of writeSet.deltas ?? []) aggregator.committed([delta]);
      }
      if (found.stored.length > 0) {
        this.setLast(found.sequences);
        this.finish(found.stored, found.sequences, found.lastSequence);
      }
      const stored = new Set(found.stored);
      this.queue = this.queue.filter((writeSet) => !stored.has(writeSet));
      this.requeue(batch, stored);
      const refused = new Map<WriteSet, DropReason>();
      for (const writeSet of [...found.fenced, ...this.overwritten(found)]) refused.set(writeSet, "fenced");
      for (const writeSet of found.lockMoved) refused.set(writeSet, "lock_moved");
      this.drop(refused);
      for (const lock of found.movedLocks) this.options.onLockMoved(lock);
      return true;
    }
    const [only, ...others] = batch.writeSets;
    if (only && others.length === 0) {
      log.error({ code: result.code, reason: result.reason, commit: only.commit }, "write set refused");
      this.options.store.forget([only.commit]);
      this.resolve(only, { status: "refused", code: result.code, reason: result.reason });
      this.drop(new Map(this.dependentsOf([only]).map((dependent) => [dependent, "fenced"])));
      return true;
    }
    // The server rejects one write set of this batch: halve until it is alone.
    log.warn(
      { code: result.code, reason: result.reason, units: batch.writeSets.length },
      "batch refused: split",
    );
    this.writeSetLimit = Math.max(1, Math.floor(batch.writeSets.length / 2));
    this.requeue(batch, new Set());
    return true;
  }

  /** Dependents of a stored write set whose subject another writer has written since. */
  private overwritten(found: Diagnosis): WriteSet[] {
    const stored = found.stored.filter((writeSet) =>
      writeSet.preconditions.some((precondition) => !found.sequences.has(precondition.subject)),
    );
    return stored.length > 0 ? this.dependentsOf(stored) : [];
  }

  private requeue(batch: Batch, except: ReadonlySet<WriteSet>): void {
    this.queue = [...batch.writeSets.filter((writeSet) => !except.has(writeSet)), ...this.queue];
  }

  /** Drops these write sets of the queue with their dependents, all of them in the order of submission (relay.R5). */
  private drop(refused: ReadonlyMap<WriteSet, DropReason>): void {
    if (refused.size === 0) return;
    const dropped = new Set([...refused.keys(), ...this.dependentsOf([...refused.keys()])]);
    const gone = [...this.queue, ...this.fresh].filter((writeSet) => dropped.has(writeSet));
    this.queue = this.queue.filter((writeSet) => !dropped.has(writeSet));
    this.fresh = this.fresh.filter((writeSet) => !dropped.has(writeSet));
    this.options.store.forget(gone.map((writeSet) => writeSet.commit));
    for (const writeSet of gone)
      this.resolve(writeSet, { status: "dropped", why: refused.get(writeSet) ?? "fenced" });
  }

  /**
   * The dependents of these write sets, and the dependents of those. What was submitted before a write set is no
   * dependent of it; those of `writeSets` that have left the queue were submitted before everything in it.
   */
  private dependentsOf(writeSets: readonly WriteSet[]): WriteSet[] {
    const chosen = new Set(writeSets);
    const waiting = [...this.queue, ...this.fresh];
    const here = new Set(waiting);
    const touched = new Set<string>();
    const touch = ({ preconditions }: WriteSet) => {
      for (const { subject } of preconditions) touched.add(subject);
    };
    for (const writeSet of chosen) if (!here.has(writeSet)) touch(writeSet);
    const found: WriteSet[] = [];
    for (const writeSet of waiting) {
      const depends = writeSet.preconditions.some(
        ({ subject, sequence }) => sequence === undefined && touched.has(subject),
      );
      if (depends && !chosen.has(writeSet)) found.push(writeSet);
      if (depends || chosen.has(writeSet)) touch(writeSet);
      // It names its own sequences: what follows depends on it, and not on what was before it.
      else for (const { subject } of writeSet.preconditions) touched.delete(subject);
    }
    return found;
  }

  private resolve(writeSet: WriteSet, outcome: Outcome): void {
    const { clock, onStored } = this.options;
    const submittedAt = this.submittedAt.get(writeSet.commit);
    this.submittedAt.delete(writeSet.commit);
    if (outcome.status === "stored" && submittedAt !== undefined) onStored?.(clock.monotonic() - submittedAt);
    for (const { subject } of writeSet.preconditions) {
      const left = (this.writers.get(subject) ?? 1) - 1;
      if (left > 0) this.writers.set(subject, left);
      else {
        this.writers.delete(subject);
        this.lastSequences.delete(subject);
      }
    }
    writeSet.resolved(outcome);
  }
}
