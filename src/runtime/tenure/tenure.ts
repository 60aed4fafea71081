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
 * Proved by: test/unit/runtime/tenure/tenure.test.ts, test/unit/runtime/partition/partition.test.ts, test/unit/runtime/cluster.test.ts, test/integration/runtime/runtime.test.ts
 */
import { limits } from "../../../config/limits.ts";
import type { ActorReply } from "../actors.ts";
import { Answers, notFound, notOwner } from "./replies.ts";
import { CatchUps } from "./catch-up.ts";
import { type Cell, effectsToResume, enqueue, unasked, type Work } from "./activation.ts";
import type { ActorDefinition } from "../definition.ts";
import { EffectStarts } from "./tenure-effects.ts";
import type { EffectRunner } from "../effects/effect-runner.ts";
import type { OpenEffect, Snapshot } from "../actor/snapshot.ts";
import { Lane } from "../semaphore.ts";
import { Loader, type LoaderOptions } from "./loader.ts";
import { MachineFault, NewerMachine } from "../actor/machine.ts";
import { Parked } from "./parked-actors.ts";
import type { Parking } from "../actor/parking-record.ts";
import type { Clock, Ids, Journal, Log } from "../ports.ts";
import { Progress, type FloorState } from "./inbox-progress.ts";
import { Residents } from "./activation-cache.ts";
import { Turns } from "./input-processor.ts";
import type { UnitSink } from "../commit/write-set.ts";
import { Unparking } from "./operator-actions.ts";

export type TenureOptions = Pick<LoaderOptions, "crash"> & {
  readonly definition: ActorDefinition;
  /** Subject of the partition's lock; it is in the stream that `journal` reads. */
  readonly lock: string;
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

export class Tenure {
  readonly epoch: number;
  readonly partition: number;
  private readonly options: TenureOptions;
  private readonly onNewer: () => void;
  private readonly cells: Residents;
  private readonly answers: Answers;
  private readonly loader: Loader;
  private readonly turns: Turns;
  private readonly parked: Parked;
  private readonly catchUps: CatchUps;
  private readonly unparking: Unparking;
  private readonly progress: Progress;
  private readonly starts: EffectStarts;
  private ended = false;
  private idleWaiters: (() => void)[] = [];

  /** @param onNewer an actor was stored by a newer machine than this node runs */
  constructor(options: TenureOptions, partition: number, epoch: number, onNewer: () => void = () => {}) {
    this.options = options;
    this.partition = partition;
    this.epoch = epoch;
    this.onNewer = onNewer;
    this.progress = new Progress(epoch);
    this.cells = new Residents(options.idleActors);
    const { cells, progress } = this;
    const ended = (): boolean => this.ended;
    const lock = { subject: options.lock, epoch };
    const lane = new Lane(limits.partitionLoads);
    const shared = { ...options, partition, lock, lane, cells, progress, ended };
    this.answers = new Answers(
      options.definition,
      options.clock,
      (cell) => !this.ended && cells.isCurrent(cell),
    );
    this.starts = new EffectStarts(options.effects);
    this.loader = new Loader({
      ...shared,
      onState: (cell) => {
        for (const effect of effectsToResume(cell)) this.run(cell, effect, true);
      },
      onEnd: (cell) => {
        if (!this.ended && cell.loaded) this.drainMailbox(cell);
        this.wakeIfIdle();
      },
      onUnreadable: (cell, error) => this.unreadable(cell, error),
    });
    this.parked = new Parked({ ...shared, onStored: () => this.wakeIfIdle() });
    this.turns = new Turns({
      ...shared,
      answers: this.answers,
      loader: this.loader,
      dispatch: (actor, work) => this.dispatch(actor, work),
      run: (cell, effect, resumed) => this.run(cell, effect, resumed),
      park: (cell, work, reason) => this.park(cell, work, reason),
      onSettled: () => this.wakeIfIdle(),
    });
    this.catchUps = new CatchUps({ ...shared, loader: this.loader });
    this.unparking = new Unparking({
      ...shared,
      loader: this.loader,
      parked: this.parked,
      catchUps: this.catchUps,
      read: (actor) => this.read(actor),
    });
  }

  /** An input for one actor. Never throws; the answer goes to `work.reply`. */
  dispatch(actor: string, work: Work): void {
    if (this.ended) return work.reply(notOwner);
    this.progress.begin(work.inbox);
    const aside = this.parked.get(actor);
    if (aside) {
      this.parked.letGo(aside, work.inbox);
      work.reply(this.parked.answer(aside));
      return;
    }
    const cell = this.cells.cell(actor);
    // What came first is evaluated first: nothing overtakes the mailbox.
    const inLine = cell.held || cell.mailbox.length > 0;
    if (cell.loaded && !inLine) {
      this.turns.turn(cell, work);
    } else if (!work.mayExist && work.input.kind === "start" && !inLine && !cell.wanted) {
      cell.loaded = true;
      this.turns.turn(cell, work);
    } else {
      enqueue(cell, work);
      void this.loader.load(cell);
    }
  }

  /**
   * The acknowledged state. An actor that is not in memory is loaded, and its open effects are resumed: whoever
   * opened them may be gone. Of a parked actor: its last good state.
   * @param atLeast a sequence at which the actor is known to have a record: an older reading is not believed
   * @throws Unavailable (retryable)
   */
  async read(actor: string, atLeast = 0): Promise<ActorReply> {
    if (this.parked.get(actor)) return await this.lastGood(actor);
    const cell = this.cells.cell(actor);
    if (!cell.loaded) {
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await this.loader.fetch(cell, atLeast);
      } catch (error) {
        if (this.ended) return notOwner;
        if (error instanceof MachineFault) return this.unreadableTold(cell, error);
        // A cell that was only made to be read.
        const needed = cell.loaded || cell.loading || cell.held || cell.wanted || cell.mailbox.length > 0;
        if (!needed && this.cells.isCurrent(cell)) this.cells.delete(actor);
        throw error;
      }
      if (this.ended) return notOwner;
      if (!cell.loaded) return snapshot ? this.answers.ok(snapshot, false) : notFound;
      this.drainMailbox(cell);
    }
    return cell.acked ? this.answers.ok(cell.acked, false) : notFound;
  }

  /** Takes over an actor with open effects, unless it is parked or reads its inbox first. @throws Unavailable */
  async takeUp(actor: string, atLeast: number | undefined): Promise<void> {
    if (!this.parked.get(actor) && !this.cells.peek(actor)?.held) await this.read(actor, atLeast);
  }

  /** An operator tries a parked actor again; see Unparking. */
  resume(actor: string): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.unparking.resume(actor);
  }

  /** An operator drops the input that parked the actor; see Unparking. */
  skip(actor: string, parking: string): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.unparking.skip(actor, parking);
  }

  /** An actor that an earlier owner has parked. */
  foundParked(parking: Parking, sequence: number): void {
    this.parked.found(parking, sequence);
  }

  /** A message about a parking is stored at this sequence. */
  knowsParking(sequence: number): void {
    this.parked.knows(sequence);
  }

  /** An actor whose inbox an earlier owner's floor has passed: what waits there comes first. */
  catchUp(actor: string): void {
    if (!this.parked.get(actor)) void this.catchUps.start(actor, 0);
  }

  /** The actor has a record at this sequence: a reading that is older must not decide anything. */
  knows(actor: string, sequence: number): void {
    this.cells.knows(actor, sequence);
  }

  /** Progress of the inbox consumer: everything up to here has been handed over. */
  saw(sequence: number): void {
    this.progress.saw(sequence);
  }

  /** What the floor may say now. */
  floor(settledThrough: number): FloorState {
    const through = this.progress.through(settledThrough);
    const open = [...this.parked.among("storing")];
    for (const cell of this.cells.values()) {
      if (cell.wanted || (cell.acked?.effects.length ?? 0) > 0) open.push(cell.actor);
    }
    const behind = [...this.catchUps.actors(), ...this.parked.among("newer")];
    return { through, open, behind, parkedAt: this.parked.storedAt() };
  }

  /** Inbox inputs not yet evaluated. */
  backlog(): number {
    return this.progress.backlog();
  }

  /** Actors in memory, and how many are parked. */
  counts(): { readonly actors: number; readonly parked: number } {
    return { actors: this.cells.size, parked: this.parked.count() };
  }

  /** Leaves open effects to the next owner. Resolves when nothing is unsettled any more, or the tenure has ended. */
  idle(): Promise<void> {
    this.starts.close();
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
    this.starts.close();
    this.catchUps.end();
    this.cells.clear();
    this.wakeIdle();
  }

  private drainMailbox(cell: Cell): void {
    while (cell.mailbox.length > 0 && !cell.held && this.cells.isCurrent(cell)) {
      const work = cell.mailbox.shift();
      if (work) this.turns.turn(cell, work);
    }
  }

  /** What waits for a cell that was given up meets the actor as it is now. */
  private remove(cell: Cell): void {
    if (this.cells.isCurrent(cell)) this.cells.delete(cell.actor);
    for (const wake of cell.waiters) wake();
    for (const work of cell.mailbox.splice(0)) this.dispatch(cell.actor, work);
  }

  /** An input that nobody waits for is poisonous. What is known of the actor in memory is given up. */
  private park(cell: Cell, work: Work, reason: string): void {
    const { actor } = cell;
    const version = cell.acked?.version ?? 0;
    this.parked.park({ actor, reason, version, record: cell.sequence }, work);
    this.remove(this.cells.peek(actor) ?? cell);
  }

  private unreadable(cell: Cell, error: MachineFault): void {
    const { actor } = cell;
    this.options.log.error({ err: error, actor }, "actor cannot be read");
    if (error instanceof NewerMachine) {
      this.parked.setAside(actor, error.message);
      this.onNewer();
    } else {
      this.parked.park({ actor, reason: error.message, version: 0, record: 0 }, undefined);
    }
    this.remove(cell);
  }

  private unreadableTold(cell: Cell, error: MachineFault): ActorReply {
    if (!this.parked.get(cell.actor)) this.unreadable(cell, error);
    const aside = this.parked.get(cell.actor);
    return aside ? this.parked.answer(aside) : notOwner;
  }

  private async lastGood(actor: string): Promise<ActorReply> {
    const aside = this.parked.get(actor);
    if (aside?.state === "newer") return this.parked.answer(aside);
    try {
      const { head } = await this.loader.stored(actor, this.cells.knownOf(actor));
      return head ? this.answers.ok(head.snapshot, false) : notFound;
    } catch (error) {
      if (!(error instanceof MachineFault)) throw error;
      return { status: "refused", code: "order_parked", reason: error.message };
    }
  }

  /** Starts or resumes an effect; its outcome is a new input. */
  private run(cell: Cell, effect: OpenEffect, resumed: boolean): void {
    this.starts.start(cell.actor, effect, resumed, (outcome) => {
      const input = { kind: "effect", id: effect.id, generation: effect.generation, outcome } as const;
      this.dispatch(cell.actor, unasked(input));
    });
  }

  private isIdle(): boolean {
    if (!this.parked.isIdle()) return false;
    for (const cell of this.cells.values()) {
      if (cell.unsettled > 0 || cell.ghosts > 0 || cell.mailbox.length > 0) return false;
    }
    return true;
  }

  private wakeIfIdle(): void {
    if (this.idleWaiters.length > 0 && this.isIdle()) this.wakeIdle();
  }

  private wakeIdle(): void {
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const wake of waiters) wake();
  }
}
