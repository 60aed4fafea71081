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
 * Proved by: test/unit/runtime/tenure.test.ts, test/unit/runtime/cluster.test.ts, test/integration/runtime.test.ts
 */
import { limits } from "../../config/limits.ts";
import { subjects } from "../../config/subjects.ts";
import type { ActorReply } from "./actors.ts";
import { type Cascade, cascade, effectKey, type Input, restore } from "./cascade.ts";
import { type Cell, enqueue, isCalled, newCell, type Work } from "./cell.ts";
import { commitUnit } from "./commit.ts";
import type { ActorDefinition } from "./definition.ts";
import type { EffectRunner } from "./effects.ts";
import type { ActorRecord, OpenEffect, Snapshot } from "./envelope.ts";
import { MachineFault } from "./machine.ts";
import { type Clock, type Ids, type Journal, type Log, Unavailable } from "./ports.ts";
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
const RETRY_MS = 250;
/** Per partition: the writes of some seconds, which a server that has lost its leadership may not know yet. */
const KNOWN_RECORDS = 10_000;

export class Tenure {
  readonly epoch: number;
  readonly partition: number;
  private readonly options: TenureOptions;
  private readonly lock: LockRef;
  private readonly cells = new Map<string, Cell>();
  private readonly parked = new Map<string, string>();
  private readonly pendingInbox = new Set<number>();
  /** Where the records of actors that left memory stand at least, newest last; bounded: what is older is read well. */
  private readonly known = new Map<string, number>();
  /** Keys of the effects that were started here and whose outcome is not known. */
  private readonly started = new Set<string>();
  private seen: number;
  private ended = false;
  private idleWaiters: (() => void)[] = [];

  constructor(options: TenureOptions, partition: number, epoch: number) {
    this.options = options;
    this.partition = partition;
    this.epoch = epoch;
    this.seen = epoch;
    this.lock = { subject: subjects.lock(`partition.${partition}`), epoch };
  }

  /** An input for one actor. Never throws; the answer goes to `work.reply`. */
  dispatch(actor: string, work: Work): void {
    if (this.ended) {
      work.reply(notOwner);
      return;
    }
    if (work.inbox > 0) this.pendingInbox.add(work.inbox);
    const parked = this.parked.get(actor);
    if (parked !== undefined) {
      // Read again from the log by whoever takes the actor up again.
      this.pendingInbox.delete(work.inbox);
      work.reply({ status: "refused", code: "order_parked", reason: parked });
      return;
    }
    const cell = this.cell(actor);
    if (cell.loaded) {
      this.turn(cell, work);
    } else if (!work.mayExist && work.input.kind === "start" && cell.mailbox.length === 0 && !cell.wanted) {
      cell.loaded = true;
      this.turn(cell, work);
    } else if (cell.mailbox.length >= limits.mailboxInputs && isCalled(work)) {
      work.reply({ status: "overloaded", retryAfterMs: 1000 });
    } else {
      enqueue(cell, work);
      void this.load(cell);
    }
  }

  /**
   * The acknowledged state. An actor that is not in memory is loaded, and its open effects are resumed: whoever
   * opened them may be gone.
   * @param atLeast a sequence at which the actor is known to have a record: an older reading is not believed
   * @throws Unavailable (retryable), MachineFault (stored by a machine that this node does not know)
   */
  async read(actor: string, atLeast = 0): Promise<ActorReply> {
    const cell = this.cell(actor);
    if (!cell.loaded) {
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await this.fetch(cell, atLeast);
      } catch (error) {
        this.forgetUnread(cell);
        throw error;
      }
      if (this.ended) return notOwner;
      if (!cell.loaded) return snapshot ? this.ok(snapshot, false) : notFound;
      this.drainMailbox(cell);
    }
    return cell.acked ? this.ok(cell.acked, false) : notFound;
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
    if (sequence === 0) return;
    this.known.delete(actor);
    this.known.set(actor, sequence);
    if (this.known.size <= KNOWN_RECORDS) return;
    for (const oldest of this.known.keys()) {
      this.known.delete(oldest);
      return;
    }
  }

  /** Progress of the inbox consumer: everything up to here has been handed over. */
  saw(sequence: number): void {
    this.seen = Math.max(this.seen, sequence);
  }

  /** Highest inbox sequence that the actor has evaluated, as far as this tenure has seen. */
  evaluated(actor: string): number {
    return this.cells.get(actor)?.head?.snapshot.inbox ?? 0;
  }

  /** What the floor may say now. */
  floor(settledThrough: number): {
    readonly through: number;
    readonly open: string[];
    readonly parked: string[];
  } {
    let through = Math.min(this.seen, settledThrough);
    for (const sequence of this.pendingInbox) through = Math.min(through, sequence - 1);
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
    return this.pendingInbox.size;
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
    for (const key of this.started) this.options.effects.forget(key);
    this.started.clear();
    this.cells.clear();
    this.wakeIdle();
  }

  private cell(actor: string): Cell {
    const found = this.cells.get(actor);
    if (found) {
      // Map order is the order of last use.
      this.cells.delete(actor);
      this.cells.set(actor, found);
      return found;
    }
    const cell = newCell(actor);
    this.cells.set(actor, cell);
    this.evict();
    return cell;
  }

  /** Passivates the actors that were used longest ago and have nothing under way; bounded work per call. */
  private evict(): void {
    let looked = 0;
    for (const [actor, cell] of this.cells) {
      if (this.cells.size <= this.options.idleActors || ++looked > 8) return;
      const busy =
        !cell.loaded || cell.unsettled > 0 || cell.waiters.size > 0 || (cell.acked?.effects.length ?? 0) > 0;
      this.cells.delete(actor);
      // To the other end, or a few busy ones would keep all the idle ones behind them in memory.
      if (busy) this.cells.set(actor, cell);
      else this.knows(actor, cell.sequence);
    }
  }

  private async load(cell: Cell): Promise<void> {
    if (this.ended || cell.loaded || cell.loading || cell.ghosts > 0) return;
    cell.loading = true;
    try {
      await this.fetch(cell, 0);
    } catch (error) {
      cell.loading = false;
      this.loadFailed(cell, error);
      return;
    }
    cell.loading = false;
    if (!this.ended && cell.loaded) this.drainMailbox(cell);
    if (this.isIdle()) this.wakeIdle();
  }

  /** Reads the stored state; the cell takes it unless it has one, or units are under way that will change it. */
  private async fetch(cell: Cell, atLeast: number): Promise<Snapshot | undefined> {
    const stored = await this.options.journal.readLast(subjects.record(this.partition, cell.actor));
    const known = Math.max(atLeast, cell.sequence, this.known.get(cell.actor) ?? 0);
    if ((stored?.sequence ?? 0) < known) {
      throw new Unavailable(`the reading of ${cell.actor} is older than what is known of it`);
    }
    const head =
      stored && restore(this.options.definition, (JSON.parse(stored.payload) as ActorRecord).snapshot);
    if (this.ended || cell.loaded || cell.ghosts > 0 || this.cells.get(cell.actor) !== cell) {
      return head?.snapshot;
    }
    cell.head = head;
    cell.acked = head?.snapshot;
    cell.sequence = stored?.sequence ?? 0;
    cell.loaded = true;
    cell.wanted = false;
    for (const effect of cell.acked?.effects ?? []) this.run(cell, effect, true);
    return head?.snapshot;
  }

  private loadFailed(cell: Cell, error: unknown): void {
    if (this.ended || cell.loaded || this.cells.get(cell.actor) !== cell) return;
    this.options.log.warn({ err: error, actor: cell.actor }, "actor could not be loaded");
    const waiting = cell.mailbox.splice(0);
    if (error instanceof MachineFault) {
      this.parked.set(cell.actor, error.message);
      this.cells.delete(cell.actor);
      for (const work of waiting) this.dispatch(cell.actor, work);
      return;
    }
    for (const work of waiting) {
      if (isCalled(work)) work.reply({ status: "unavailable", reason: "the order could not be read" });
      else cell.mailbox.push(work);
    }
    if (cell.mailbox.length > 0 || cell.wanted) {
      this.options.clock.after(RETRY_MS, () => void this.load(cell));
    } else this.cells.delete(cell.actor);
  }

  /** A cell that was only made to be read. */
  private forgetUnread(cell: Cell): void {
    const needed = cell.loaded || cell.loading || cell.wanted || cell.mailbox.length > 0;
    if (!needed && this.cells.get(cell.actor) === cell) this.cells.delete(cell.actor);
  }

  private drainMailbox(cell: Cell): void {
    for (const work of cell.mailbox.splice(0)) {
      // A turn can replace the cell; what is left goes to the new one.
      if (this.cells.get(cell.actor) === cell) this.turn(cell, work);
      else this.dispatch(cell.actor, work);
    }
  }

  private turn(cell: Cell, work: Work): void {
    const { input } = work;
    const before = cell.head?.snapshot;
    if (before && work.inbox > 0 && work.inbox <= before.inbox) return this.follow(cell, work, () => {});
    if (before && input.kind === "start")
      return this.follow(cell, work, () => this.existing(cell, work, input));
    const id = input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;
    if (before && id !== undefined && before.commands.includes(id)) {
      return this.follow(cell, work, () => this.answer(cell, work, true));
    }
    if (!before && input.kind !== "start") {
      return this.follow(cell, work, () => work.reply(notFound));
    }
    let result: Cascade | undefined;
    try {
      result = cascade(this.options.definition, cell.head, input, {
        actor: cell.actor,
        now: this.options.clock.now(),
        inbox: work.inbox,
        join: (effect, key) =>
          this.options.definition.effects[effect.src]?.join?.({
            actor: cell.actor,
            key,
            input: effect.input,
            first: before === undefined,
          }),
      });
    } catch (error) {
      // The state that it was decided on may yet be dropped.
      this.follow(cell, work, () => this.poisoned(cell, work, error));
      return;
    }
    if (!result) {
      if (cell.head && work.inbox > 0) {
        cell.head = { ...cell.head, snapshot: { ...cell.head.snapshot, inbox: work.inbox } };
      }
      this.follow(cell, work, () => {
        if (cell.acked) work.reply({ status: "illegal", snapshot: cell.acked });
      });
      return;
    }
    this.submit(cell, work, result);
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
    const current = !this.ended && this.cells.get(cell.actor) === cell;
    if (outcome.status === "stored") {
      cell.acked = result.head.snapshot;
      const sequence = outcome.sequences.get(subjects.record(this.partition, cell.actor));
      if (sequence !== undefined) cell.sequence = sequence;
      this.pendingInbox.delete(work.inbox);
      if (current) {
        for (const effect of result.opened) this.run(cell, effect, false);
      }
      this.answer(cell, work, false);
      for (const { work: follower, confirmed } of followers) {
        this.pendingInbox.delete(follower.inbox);
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
      this.poisoned(
        cell,
        work,
        new Error(`the server refused the record: ${outcome.code} ${outcome.reason}`),
      );
      for (const follower of followers) this.again(cell.actor, follower.work, "decided again");
    }
    if (!current) this.laidToRest(cell);
    if (this.isIdle()) this.wakeIdle();
  }

  /** One unit less that keeps the cell in this one's place from being loaded. */
  private laidToRest(cell: Cell): void {
    const next = this.cells.get(cell.actor);
    if (!next || next === cell || next.ghosts === 0) return;
    next.sequence = Math.max(next.sequence, cell.sequence);
    if (--next.ghosts === 0) void this.load(next);
  }

  /** Decided without writing: confirmed when the head it was decided on is acknowledged. */
  private follow(cell: Cell, work: Work, confirmed: () => void): void {
    if (cell.unsettled > 0) {
      cell.followers.push({ work, confirmed });
      return;
    }
    this.pendingInbox.delete(work.inbox);
    confirmed();
  }

  private existing(cell: Cell, work: Work, input: Extract<Input, { kind: "start" }>): void {
    if (!cell.acked) return work.reply(notFound);
    if (cell.acked.request !== input.request) {
      return work.reply({ status: "request_mismatch", snapshot: cell.acked });
    }
    this.answer(cell, work, true);
  }

  /** Answers with acknowledged state, at once or when the actor has settled. */
  private answer(cell: Cell, work: Work, repeated: boolean): void {
    const state = cell.acked;
    if (!state) return work.reply(notFound);
    const settled = this.options.definition.settled(state.machines);
    if (settled || work.waitMs <= 0) return work.reply(this.ok(state, repeated));
    let done = false;
    const finish = (): void => {
      if (done) return;
      const now = cell.acked ?? state;
      const open = !this.ended && this.cells.get(cell.actor) === cell;
      if (open && !timedOut && !this.options.definition.settled(now.machines)) return;
      done = true;
      cancel();
      cell.waiters.delete(finish);
      work.reply(this.ok(now, repeated));
    };
    let timedOut = false;
    const cancel = this.options.clock.after(work.waitMs, () => {
      timedOut = true;
      finish();
    });
    cell.waiters.add(finish);
  }

  private ok(snapshot: Snapshot, repeated: boolean): ActorReply {
    const settled = this.options.definition.settled(snapshot.machines);
    return { status: "ok", snapshot, settled, repeated };
  }

  private run(cell: Cell, effect: OpenEffect, resumed: boolean): void {
    const key = effectKey(cell.actor, effect);
    this.started.add(key);
    this.options.effects.start({
      actor: cell.actor,
      src: effect.src,
      key,
      input: effect.input,
      resumed,
      done: (outcome) => {
        this.started.delete(key);
        this.dispatch(cell.actor, {
          input: { kind: "effect", id: effect.id, generation: effect.generation, outcome },
          inbox: 0,
          waitMs: 0,
          mayExist: true,
          reply: () => {},
          attempts: 0,
        });
      },
    });
  }

  /**
   * Gives up a cell whose head can no longer be trusted, and has the actor read again: there may be effects open
   * that nobody has started. Those under way go on, their results are new inputs.
   */
  private discard(cell: Cell): void {
    if (this.cells.get(cell.actor) !== cell) return;
    this.cells.delete(cell.actor);
    for (const wake of cell.waiters) wake();
    const next = this.cell(cell.actor);
    next.ghosts = cell.unsettled;
    next.wanted = true;
    next.sequence = cell.sequence;
    this.options.clock.after(0, () => void this.load(next));
  }

  /** Decides an input again on fresh state: soon the first time, then after a pause; callers give up first. */
  private again(actor: string, work: Work, reason: string): void {
    if (this.ended) {
      work.reply(notOwner);
      return;
    }
    const next = { ...work, attempts: work.attempts + 1, mayExist: true };
    const cell = this.cell(actor);
    if (isCalled(work) && next.attempts >= MOST_ATTEMPTS) {
      work.reply({ status: "unavailable", reason });
    } else if (cell.loaded || this.parked.has(actor)) {
      this.dispatch(actor, next);
    } else {
      enqueue(cell, next);
      // Keeps the load of the cell back, so that what comes meanwhile waits behind this.
      if (next.attempts > 1 && !cell.loading) {
        cell.loading = true;
        this.options.clock.after(RETRY_MS, () => {
          cell.loading = false;
          void this.load(cell);
        });
      }
    }
  }

  /** No state can come of this input: a caller is told, anything else parks the actor. */
  private poisoned(cell: Cell, work: Work, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { kind } = work.input;
    this.options.log.error({ err: error, actor: cell.actor, input: kind }, "input refused");
    if (!isCalled(work)) this.parked.set(cell.actor, reason);
    this.pendingInbox.delete(work.inbox);
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

const notFound: ActorReply = { status: "not_found" };
const notOwner: ActorReply = {
  status: "unavailable",
  reason: "this node does not own the order's partition",
};
