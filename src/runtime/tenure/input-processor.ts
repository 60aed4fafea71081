/**
 * Gives inputs their turns on actors that are in memory, and settles what came of them.
 * Owns: units under way, and what was decided on states that are not acknowledged yet.
 * Does not own: which inputs come and in which order (the tenure), outside calls, who is parked.
 * Invariants: T1, T2 and T3 of the tenure.
 */
import { subjects } from "../../../config/subjects.ts";
import { type Answers, notFound, notOwner, storeRefuses } from "./replies.ts";
import type { Cascade } from "../actor/cascade.ts";
import { type Cell, enqueue, isCalled, type Work } from "./activation.ts";
import { commitUnit } from "../commit/cascade-write-set.ts";
import { decide } from "./decision.ts";
import type { ActorDefinition } from "../definition.ts";
import type { OpenEffect } from "../actor/snapshot.ts";
import type { Loader } from "./loader.ts";
import type { Clock, Ids, Log } from "../ports.ts";
import type { Progress } from "./inbox-progress.ts";
import type { Residents } from "./activation-cache.ts";
import type { LockRef, Outcome, Unit, UnitSink } from "../commit/write-set.ts";

export type TurnsOptions = {
  readonly definition: ActorDefinition;
  readonly sink: UnitSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly node: string;
  readonly partition: number;
  readonly lock: LockRef;
  readonly cells: Residents;
  readonly answers: Answers;
  readonly loader: Loader;
  readonly progress: Progress;
  readonly ended: () => boolean;
  /** Hands an input to its actor again. */
  readonly dispatch: (actor: string, work: Work) => void;
  readonly run: (cell: Cell, effect: OpenEffect, resumed: boolean) => void;
  /** No state can come of this input, which nobody waits for. */
  readonly park: (cell: Cell, work: Work, reason: string) => void;
  /** A unit is settled: perhaps nothing is under way any more. */
  readonly onSettled: () => void;
};

const MOST_ATTEMPTS = 8;

export class Turns {
  private readonly options: TurnsOptions;

  constructor(options: TurnsOptions) {
    this.options = options;
  }

  /** One input on a loaded actor. */
  turn(cell: Cell, work: Work): void {
    const { answers, clock, definition } = this.options;
    const decision = decide(definition, cell, work, clock.now());
    if (decision.kind === "cascade") return this.submit(cell, work, decision.result);
    if (decision.kind === "poisonous") return this.poisonous(cell, work, decision.error);
    if (decision.kind === "ignored" && cell.head && work.inbox > 0) {
      cell.head = { ...cell.head, snapshot: { ...cell.head.snapshot, inbox: work.inbox } };
    }
    // Nothing is written; but the state that it was decided on may yet be dropped.
    this.follow(cell, work, () => {
      this.options.progress.done(work.inbox);
      if (decision.kind === "existing") answers.existing(cell, work, decision.input);
      else if (decision.kind === "repeated") answers.answer(cell, work, true);
      else if (decision.kind === "not_found") work.reply(notFound);
      else if (decision.kind === "ignored" && cell.acked) {
        work.reply({ status: "illegal", snapshot: cell.acked });
      }
    });
  }

  private submit(cell: Cell, work: Work, result: Cascade): void {
    const { ids, lock, node, partition, sink } = this.options;
    const mine: Cell["followers"] = [];
    let unit: Unit;
    try {
      unit = commitUnit(result, work.input, {
        commit: ids.next(),
        actor: cell.actor,
        partition,
        node,
        lock,
        sequence: cell.unsettled > 0 ? undefined : cell.sequence,
        settled: (outcome) => this.settled(cell, work, result, mine, outcome),
      });
    } catch (error) {
      for (const part of result.joined) part.settled(false);
      this.poisonous(cell, work, error);
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
    const { answers, cells, ended, partition, progress } = this.options;
    cell.unsettled--;
    const current = !ended() && cells.isCurrent(cell);
    if (outcome.status === "stored") {
      cell.acked = result.head.snapshot;
      const sequence = outcome.sequences.get(subjects.record(partition, cell.actor));
      if (sequence !== undefined) cell.sequence = sequence;
      progress.done(work.inbox);
      if (current) {
        for (const effect of result.opened) this.options.run(cell, effect, false);
      }
      answers.answer(cell, work, false);
      for (const { confirmed } of followers) confirmed();
      for (const wake of cell.waiters) wake();
      // Somebody wrote behind our record already: what we hold is old.
      if (current && sequence === undefined) this.discard(cell);
    } else if (outcome.status === "dropped") {
      if (current) this.discard(cell);
      const refused = outcome.why === "store_unavailable";
      for (const dropped of [work, ...followers.map((follower) => follower.work)]) {
        if (refused && isCalled(dropped)) dropped.reply(storeRefuses);
        else this.again(cell.actor, dropped, "ownership is changing");
      }
    } else {
      if (current) this.discard(cell);
      const refused = `the server refused the record: ${outcome.code} ${outcome.reason}`;
      this.refused(cell, work, new Error(refused));
      for (const follower of followers) this.again(cell.actor, follower.work, "decided again");
    }
    if (!current) this.laidToRest(cell);
    this.options.onSettled();
  }

  /**
   * One unit less that keeps the cell in this one's place from being loaded: a later unit that the local store refused
   * was told before this one (R5 of the relay), and gave the cell up.
   */
  private laidToRest(cell: Cell): void {
    const next = this.options.cells.peek(cell.actor);
    if (!next || next === cell || next.ghosts === 0) return;
    next.sequence = Math.max(next.sequence, cell.sequence);
    if (--next.ghosts === 0) void this.options.loader.load(next);
  }

  /** Decided without writing: confirmed when the head it was decided on is acknowledged. */
  private follow(cell: Cell, work: Work, confirmed: () => void): void {
    if (cell.unsettled > 0) cell.followers.push({ work, confirmed });
    else confirmed();
  }

  /**
   * Gives up a cell whose head can no longer be trusted, and has the actor read again: there may be effects open
   * that nobody has started. Those under way go on, their results are new inputs.
   */
  private discard(cell: Cell): void {
    const { cells, clock, loader } = this.options;
    if (!cells.isCurrent(cell)) return;
    cells.delete(cell.actor);
    for (const wake of cell.waiters) wake();
    const next = cells.cell(cell.actor);
    next.ghosts = cell.unsettled;
    next.wanted = true;
    next.sequence = cell.sequence;
    for (const work of cell.mailbox.splice(0)) enqueue(next, work);
    clock.after(0, () => void loader.load(next));
  }

  /** Decides an input again on fresh state: soon the first time, then after a pause; callers give up first. */
  private again(actor: string, work: Work, reason: string): void {
    const { cells, dispatch, ended, loader } = this.options;
    if (ended()) {
      work.reply(notOwner);
      return;
    }
    const next = { ...work, attempts: work.attempts + 1, mayExist: true };
    const cell = cells.peek(actor);
    if (isCalled(work) && next.attempts >= MOST_ATTEMPTS) {
      work.reply({ status: "unavailable", reason });
    } else if (!cell || cell.loaded) {
      dispatch(actor, next);
    } else {
      enqueue(cell, next);
      // Keeps the load of the cell back, so that what comes meanwhile waits behind this.
      if (next.attempts > 1) loader.loadAfterPause(cell);
    }
  }

  /**
   * No state can come of this input on this head. What comes from the inbox behind it waits until that is certain:
   * evaluated before, it would take the mark of what is evaluated past this one.
   */
  private poisonous(cell: Cell, work: Work, error: unknown): void {
    if (!isCalled(work)) cell.held = true;
    this.follow(cell, work, () => this.refused(cell, work, error));
  }

  /** A caller is told, anything else parks the actor. */
  private refused(cell: Cell, work: Work, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { kind } = work.input;
    this.options.log.error({ err: error, actor: cell.actor, input: kind }, "input refused");
    if (isCalled(work)) work.reply({ status: "refused", code: "input_refused", reason });
    else this.options.park(cell, work, reason);
  }
}
