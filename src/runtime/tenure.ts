/**
 * One ownership of one partition, from the won lock to its loss: the actors in memory and their turns.
 * Owns: cells, the inputs under way, the partition's progress through its inbox.
 * Does not own: the lock, publishing, outside calls.
 * Invariants
 *   T1. A turn is synchronous: nothing is awaited between reading an actor's head and replacing it.
 *   T2. Callers and effects only ever see acknowledged state; what was decided on an unacknowledged head waits for
 *       the acknowledgement, and is decided again when the head is dropped.
 *   T3. An inbox input counts as evaluated only when everything it was decided on is acknowledged.
 *   T4. After `end`, nothing is submitted any more, and no outcome of an effect is taken.
 * Proved by: test/unit/runtime/tenure.test.ts, partition.test.ts, cluster.test.ts, test/integration/runtime.test.ts
 */
import { limits } from "../../config/limits.ts";
import { subjects } from "../../config/subjects.ts";
import type { ActorReply } from "./actors.ts";
import { Answers, notFound, notOwner } from "./answers.ts";
import type { Cascade } from "./cascade.ts";
import { type Cell, enqueue, isCalled, unasked, type Work } from "./cell.ts";
import { commitUnit } from "./commit.ts";
import { decide } from "./decision.ts";
import type { ActorDefinition } from "./definition.ts";
import { EffectStarts } from "./effect-starts.ts";
import type { EffectRunner } from "./effects.ts";
import type { OpenEffect, Snapshot } from "./envelope.ts";
import { Loader } from "./loader.ts";
import { MachineFault } from "./machine.ts";
import type { Clock, Ids, Journal, Log } from "./ports.ts";
import { Progress } from "./progress.ts";
import { Residents } from "./residents.ts";
import type { LockRef, Outcome, UnitSink } from "./unit.ts";

export type TenureOptions = {
  readonly definition: ActorDefinition;
  readonly journal: Journal;
  readonly sink: UnitSink;
  readonly effects: EffectRunner;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly node: string;
  /** Actors kept in memory per partition when nothing is under way for them. */
  readonly idleActors: number;
};

const MOST_ATTEMPTS = 8;

export class Tenure {
  readonly epoch: number;
  readonly partition: number;
  private readonly options: TenureOptions;
  private readonly lock: LockRef;
  private readonly cells: Residents;
  private readonly answers: Answers;
  private readonly loader: Loader;
  private readonly parked = new Map<string, string>();
  private readonly progress: Progress;
  private readonly starts: EffectStarts;
  private ended = false;
  private idleWaiters: (() => void)[] = [];

  constructor(options: TenureOptions, partition: number, epoch: number) {
    this.options = options;
    this.partition = partition;
    this.epoch = epoch;
    this.progress = new Progress(epoch);
    this.cells = new Residents(options.idleActors);
    this.answers = new Answers(
      options.definition,
      options.clock,
      (cell) => !this.ended && this.cells.isCurrent(cell),
    );
    this.starts = new EffectStarts(options.effects);
    this.loader = new Loader({
      ...options,
      partition,
      cells: this.cells,
      ended: () => this.ended,
      onState: (cell) => {
        for (const effect of cell.acked?.effects ?? []) this.run(cell, effect, true);
      },
      onEnd: (cell) => {
        if (!this.ended && cell.loaded) this.drainMailbox(cell);
        if (this.isIdle()) this.wakeIdle();
      },
      onUnreadable: (cell, error) => this.unreadable(cell, error),
    });
    this.lock = { subject: subjects.lock(`partition.${partition}`), epoch };
  }

  /** An input for one actor. Never throws; the answer goes to `work.reply`. */
  dispatch(actor: string, work: Work): void {
    if (this.ended) {
      work.reply(notOwner);
      return;
    }
    this.progress.begin(work.inbox);
    const parked = this.parked.get(actor);
    if (parked !== undefined) {
      // Read again from the log by whoever takes the actor up again.
      this.progress.done(work.inbox);
      work.reply({ status: "refused", code: "order_parked", reason: parked });
      return;
    }
    const cell = this.cells.cell(actor);
    if (cell.loaded) {
      this.turn(cell, work);
    } else if (!work.mayExist && work.input.kind === "start" && cell.mailbox.length === 0 && !cell.wanted) {
      cell.loaded = true;
      this.turn(cell, work);
    } else if (cell.mailbox.length >= limits.mailboxInputs && isCalled(work)) {
      work.reply({ status: "overloaded", retryAfterMs: 1000 });
    } else {
      enqueue(cell, work);
      void this.loader.load(cell);
    }
  }

  /**
   * The acknowledged state. An actor that is not in memory is loaded, and its open effects are resumed: whoever
   * opened them may be gone.
   * @param atLeast a sequence at which the actor is known to have a record: an older reading is not believed
   * @throws Unavailable (retryable), MachineFault (stored by a machine that this node does not know)
   */
  async read(actor: string, atLeast = 0): Promise<ActorReply> {
    const cell = this.cells.cell(actor);
    if (!cell.loaded) {
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await this.loader.fetch(cell, atLeast);
      } catch (error) {
        // A cell that was only made to be read.
        const needed = cell.loaded || cell.loading || cell.wanted || cell.mailbox.length > 0;
        if (!needed && this.cells.isCurrent(cell)) this.cells.delete(actor);
        throw error;
      }
      if (this.ended) return notOwner;
      if (!cell.loaded) return snapshot ? this.answers.ok(snapshot, false) : notFound;
      this.drainMailbox(cell);
    }
    return cell.acked ? this.answers.ok(cell.acked, false) : notFound;
  }

  /** Takes over an actor with open effects. One whose state this node cannot read is parked. @throws Unavailable */
  async resume(actor: string, atLeast = 0): Promise<void> {
    try {
      await this.read(actor, atLeast);
    } catch (error) {
      if (!(error instanceof MachineFault)) throw error;
      this.options.log.error({ err: error, actor }, "actor parked");
      this.parked.set(actor, error.message);
      this.cells.delete(actor);
    }
  }

  /** The actor has a record at this sequence: a reading that is older must not decide anything. */
  knows(actor: string, sequence: number): void {
    this.cells.knows(actor, sequence);
  }

  /** Progress of the inbox consumer: everything up to here has been handed over. */
  saw(sequence: number): void {
    this.progress.saw(sequence);
  }

  /** Highest inbox sequence that the actor has evaluated, as far as this tenure has seen. */
  evaluated(actor: string): number {
    return this.cells.peek(actor)?.head?.snapshot.inbox ?? 0;
  }

  /** What the floor may say now. */
  floor(settledThrough: number): {
    readonly through: number;
    readonly open: string[];
    readonly parked: string[];
  } {
    const through = this.progress.through(settledThrough);
    const parked = [...this.parked.keys()];
    const open = [...parked];
    for (const cell of this.cells.values()) {
      const unfinished = cell.wanted || (cell.acked?.effects.length ?? 0) > 0;
      if (unfinished && !this.parked.has(cell.actor)) open.push(cell.actor);
    }
    return { through, open, parked };
  }

  /** Inbox inputs handed over and not yet evaluated. */
  backlog(): number {
    return this.progress.backlog();
  }

  /** Actors in memory, and how many of them are parked. */
  counts(): { readonly actors: number; readonly parked: number } {
    return { actors: this.cells.size, parked: this.parked.size };
  }

  /** Resolves when nothing is unsettled any more, or the tenure has ended. */
  idle(): Promise<void> {
    if (this.ended || this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** The partition is no longer ours: forgets everything, answers waiting callers. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const cell of this.cells.values()) {
      for (const work of cell.mailbox) work.reply(notOwner);
      for (const wake of cell.waiters) wake();
    }
    this.starts.forgetAll();
    this.cells.clear();
    this.wakeIdle();
  }

  private unreadable(cell: Cell, error: MachineFault): void {
    this.parked.set(cell.actor, error.message);
    this.cells.delete(cell.actor);
    for (const work of cell.mailbox.splice(0)) this.dispatch(cell.actor, work);
  }

  private drainMailbox(cell: Cell): void {
    for (const work of cell.mailbox.splice(0)) {
      // A turn can replace the cell; what is left goes to the new one.
      if (this.cells.isCurrent(cell)) this.turn(cell, work);
      else this.dispatch(cell.actor, work);
    }
  }

  private turn(cell: Cell, work: Work): void {
    const decision = decide(this.options.definition, cell, work, this.options.clock.now());
    if (decision.kind === "cascade") return this.submit(cell, work, decision.result);
    if (decision.kind === "ignored" && cell.head && work.inbox > 0) {
      cell.head = { ...cell.head, snapshot: { ...cell.head.snapshot, inbox: work.inbox } };
    }
    // Nothing is written; but the state that it was decided on may yet be dropped.
    this.follow(cell, work, () => {
      if (decision.kind === "existing") this.answers.existing(cell, work, decision.input);
      else if (decision.kind === "repeated") this.answers.answer(cell, work, true);
      else if (decision.kind === "poisonous") this.poisoned(cell, work, decision.error);
      else if (decision.kind === "not_found") work.reply(notFound);
      else if (decision.kind === "ignored" && cell.acked) {
        work.reply({ status: "illegal", snapshot: cell.acked });
      }
    });
  }

  private submit(cell: Cell, work: Work, result: Cascade): void {
    const { ids, node, sink } = this.options;
    const mine: Cell["followers"] = [];
    let unit: ReturnType<typeof commitUnit>;
    try {
      unit = commitUnit(result, work.input, {
        commit: ids.next(),
        actor: cell.actor,
        partition: this.partition,
        node,
        lock: this.lock,
        sequence: cell.unsettled > 0 ? undefined : cell.sequence,
        settled: (outcome) => this.settled(cell, work, result, mine, outcome),
      });
    } catch (error) {
      for (const part of result.joined) part.settled(false);
      this.poisoned(cell, work, error);
      return;
    }
    cell.head = result.head;
    cell.unsettled++;
    cell.followers = mine;
    sink.submit(unit);
  }

  private settled(
    cell: Cell,
    work: Work,
    result: Cascade,
    followers: Cell["followers"],
    outcome: Outcome,
  ): void {
    cell.unsettled--;
    const current = !this.ended && this.cells.isCurrent(cell);
    if (outcome.status === "stored") {
      cell.acked = result.head.snapshot;
      const sequence = outcome.sequences.get(subjects.record(this.partition, cell.actor));
      if (sequence !== undefined) cell.sequence = sequence;
      this.progress.done(work.inbox);
      if (current) {
        for (const effect of result.opened) this.run(cell, effect, false);
      }
      this.answers.answer(cell, work, false);
      for (const { work: follower, confirmed } of followers) {
        this.progress.done(follower.inbox);
        confirmed();
      }
      for (const wake of cell.waiters) wake();
      // Somebody wrote behind our record already: what we hold is old.
      if (current && sequence === undefined) this.discard(cell);
    } else if (outcome.status === "dropped") {
      if (current) this.discard(cell);
      const reason =
        outcome.why === "store_unavailable"
          ? "the node's local store cannot be written"
          : "ownership is changing";
      for (const dropped of [work, ...followers.map((follower) => follower.work)]) {
        this.again(cell.actor, dropped, reason);
      }
    } else {
      if (current) this.discard(cell);
      const refused = `the server refused the record: ${outcome.code} ${outcome.reason}`;
      this.poisoned(cell, work, new Error(refused));
      for (const follower of followers) this.again(cell.actor, follower.work, "decided again");
    }
    if (!current) this.laidToRest(cell);
    if (this.isIdle()) this.wakeIdle();
  }

  /** One unit less that keeps the cell in this one's place from being loaded. */
  private laidToRest(cell: Cell): void {
    const next = this.cells.peek(cell.actor);
    if (!next || next === cell || next.ghosts === 0) return;
    next.sequence = Math.max(next.sequence, cell.sequence);
    if (--next.ghosts === 0) void this.loader.load(next);
  }

  /** Decided without writing: confirmed when the head it was decided on is acknowledged. */
  private follow(cell: Cell, work: Work, confirmed: () => void): void {
    if (cell.unsettled > 0) {
      cell.followers.push({ work, confirmed });
      return;
    }
    this.progress.done(work.inbox);
    confirmed();
  }

  /** Starts or resumes an effect; its outcome is a new input. */
  private run(cell: Cell, effect: OpenEffect, resumed: boolean): void {
    this.starts.start(cell.actor, effect, resumed, (outcome) => {
      const input = { kind: "effect", id: effect.id, generation: effect.generation, outcome } as const;
      this.dispatch(cell.actor, unasked(input));
    });
  }

  /**
   * Gives up a cell whose head can no longer be trusted, and has the actor read again: there may be effects open
   * that nobody has started. Those under way go on, their results are new inputs.
   */
  private discard(cell: Cell): void {
    if (!this.cells.isCurrent(cell)) return;
    this.cells.delete(cell.actor);
    for (const wake of cell.waiters) wake();
    const next = this.cells.cell(cell.actor);
    next.ghosts = cell.unsettled;
    next.wanted = true;
    next.sequence = cell.sequence;
    this.options.clock.after(0, () => void this.loader.load(next));
  }

  /** Decides an input again on fresh state: soon the first time, then after a pause; callers give up first. */
  private again(actor: string, work: Work, reason: string): void {
    if (this.ended) {
      work.reply(notOwner);
      return;
    }
    const next = { ...work, attempts: work.attempts + 1, mayExist: true };
    const cell = this.cells.cell(actor);
    if (isCalled(work) && next.attempts >= MOST_ATTEMPTS) {
      work.reply({ status: "unavailable", reason });
    } else if (cell.loaded || this.parked.has(actor)) {
      this.dispatch(actor, next);
    } else {
      enqueue(cell, next);
      // Keeps the load of the cell back, so that what comes meanwhile waits behind this.
      if (next.attempts > 1) this.loader.loadAfterPause(cell);
    }
  }

  /** No state can come of this input: a caller is told, anything else parks the actor. */
  private poisoned(cell: Cell, work: Work, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { kind } = work.input;
    this.options.log.error({ err: error, actor: cell.actor, input: kind }, "input refused");
    if (!isCalled(work)) this.parked.set(cell.actor, reason);
    this.progress.done(work.inbox);
    work.reply({ status: "refused", code: "input_refused", reason });
  }

  private isIdle(): boolean {
    for (const cell of this.cells.values()) {
      if (cell.unsettled > 0 || cell.ghosts > 0 || cell.mailbox.length > 0) return false;
    }
    return true;
  }

  private wakeIdle(): void {
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const wake of waiters) wake();
  }
}
