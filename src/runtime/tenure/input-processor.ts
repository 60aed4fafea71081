/**
 * Gives inputs their turns on actors that are in memory, and settles what came of them.
 * Owns: units under way, and what was decided on states that are not acknowledged yet.
 * Does not own: which inputs come and in which order (the tenure), outside calls, who is parked.
 * Invariants: T1, T2 and T3 of the tenure.
 */
import { subjects } from "../subjects.ts";
import { type Replies, notFound, notOwner, storeRefuses } from "./replies.ts";
import type { Cascade } from "../actor/cascade.ts";
import { type Activation, enqueue, hasCaller, type PendingInput } from "./activation.ts";
import { cascadeWriteSet } from "../commit/cascade-write-set.ts";
import { decide } from "./decision.ts";
import type { ActorDefinition } from "../definition.ts";
import type { OpenEffect } from "../actor/snapshot.ts";
import type { Loader } from "./loader.ts";
import type { Clock, Ids, Log } from "../ports.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import type { ActivationCache } from "./activation-cache.ts";
import type { LockRef, Outcome, WriteSet, WriteSetSink } from "../commit/write-set.ts";

export type InputProcessorOptions = {
  readonly definition: ActorDefinition;
  readonly sink: WriteSetSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly node: string;
  readonly partition: number;
  readonly lock: LockRef;
  readonly activations: ActivationCache;
  readonly replies: Replies;
  readonly loader: Loader;
  readonly progress: InboxProgress;
  readonly ended: () => boolean;
  /** Hands an input to its actor again. */
  readonly dispatch: (actor: string, work: PendingInput) => void;
  readonly run: (activation: Activation, effect: OpenEffect, resumed: boolean) => void;
  /** No state can come of this input, which nobody waits for. */
  readonly park: (activation: Activation, work: PendingInput, reason: string) => void;
  /** A unit is settled: perhaps nothing is under way any more. */
  readonly onResolved: () => void;
};

const MOST_ATTEMPTS = 8;

export class InputProcessor {
  private readonly options: InputProcessorOptions;

  constructor(options: InputProcessorOptions) {
    this.options = options;
  }

  /** One input on a loaded actor. */
  process(activation: Activation, work: PendingInput): void {
    const { replies, clock, definition } = this.options;
    const decision = decide(definition, activation, work, clock.now());
    if (decision.kind === "cascade") return this.submit(activation, work, decision.result);
    if (decision.kind === "poisonous") return this.poisonous(activation, work, decision.error);
    if (decision.kind === "ignored" && activation.head && work.inbox > 0) {
      activation.head = { ...activation.head, snapshot: { ...activation.head.snapshot, inbox: work.inbox } };
    }
    // Nothing is written; but the state that it was decided on may yet be dropped.
    this.follow(activation, work, () => {
      this.options.progress.done(work.inbox);
      if (decision.kind === "existing") replies.existing(activation, work, decision.input);
      else if (decision.kind === "repeated") replies.answer(activation, work, true);
      else if (decision.kind === "not_found") work.reply(notFound);
      else if (decision.kind === "ignored" && activation.acked) {
        work.reply({ status: "illegal", snapshot: activation.acked });
      }
    });
  }

  private submit(activation: Activation, work: PendingInput, result: Cascade): void {
    const { ids, lock, node, partition, sink } = this.options;
    const mine: Activation["dependents"] = [];
    let writeSet: WriteSet;
    try {
      writeSet = cascadeWriteSet(result, work.input, {
        commit: ids.next(),
        actor: activation.actor,
        partition,
        node,
        lock,
        sequence: activation.pendingCommits > 0 ? undefined : activation.sequence,
        resolved: (outcome) => this.resolved(activation, work, result, mine, outcome),
      });
    } catch (error) {
      for (const part of result.joined) part.resolved(false);
      this.poisonous(activation, work, error);
      return;
    }
    activation.head = result.head;
    activation.pendingCommits++;
    activation.dependents = mine;
    sink.submit(writeSet);
  }

  private resolved(
    activation: Activation,
    work: PendingInput,
    result: Cascade,
    dependents: Activation["dependents"],
    outcome: Outcome,
  ): void {
    const { replies, activations, ended, partition, progress } = this.options;
    activation.pendingCommits--;
    const current = !ended() && activations.isCurrent(activation);
    if (outcome.status === "stored") {
      activation.acked = result.head.snapshot;
      const sequence = outcome.sequences.get(subjects.record(partition, activation.actor));
      if (sequence !== undefined) activation.sequence = sequence;
      progress.done(work.inbox);
      if (current) {
        for (const effect of result.opened) this.options.run(activation, effect, false);
      }
      replies.answer(activation, work, false);
      for (const { confirmed } of dependents) confirmed();
      for (const wake of activation.waiters) wake();
      // Somebody wrote behind our record already: what we hold is old.
      if (current && sequence === undefined) this.discard(activation);
    } else if (outcome.status === "dropped") {
      if (current) this.discard(activation);
      const refused = outcome.why === "store_unavailable";
      for (const dropped of [work, ...dependents.map((dependent) => dependent.work)]) {
        if (refused && hasCaller(dropped)) dropped.reply(storeRefuses);
        else this.again(activation.actor, dropped, "ownership is changing");
      }
    } else {
      if (current) this.discard(activation);
      const refused = `the server refused the record: ${outcome.code} ${outcome.reason}`;
      this.refused(activation, work, new Error(refused));
      for (const dependent of dependents) this.again(activation.actor, dependent.work, "decided again");
    }
    if (!current) this.predecessorCommitResolved(activation);
    this.options.onResolved();
  }

  /**
   * One unit less that keeps the cell in this one's place from being loaded: a later unit that the local store refused
   * was told before this one (R5 of the relay), and gave the cell up.
   */
  private predecessorCommitResolved(activation: Activation): void {
    const next = this.options.activations.peek(activation.actor);
    if (!next || next === activation || next.predecessorCommits === 0) return;
    next.sequence = Math.max(next.sequence, activation.sequence);
    if (--next.predecessorCommits === 0) void this.options.loader.load(next);
  }

  /** Decided without writing: confirmed when the head it was decided on is acknowledged. */
  private follow(activation: Activation, work: PendingInput, confirmed: () => void): void {
    if (activation.pendingCommits > 0) activation.dependents.push({ work, confirmed });
    else confirmed();
  }

  /**
   * Gives up a cell whose head can no longer be trusted, and has the actor read again: there may be effects open
   * that nobody has started. Those under way go on, their results are new inputs.
   */
  private discard(activation: Activation): void {
    const { activations, clock, loader } = this.options;
    if (!activations.isCurrent(activation)) return;
    activations.delete(activation.actor);
    for (const wake of activation.waiters) wake();
    const next = activations.activation(activation.actor);
    next.predecessorCommits = activation.pendingCommits;
    next.wanted = true;
    next.sequence = activation.sequence;
    for (const work of activation.mailbox.splice(0)) enqueue(next, work);
    clock.after(0, () => void loader.load(next));
  }

  /** Decides an input again on fresh state: soon the first time, then after a pause; callers give up first. */
  private again(actor: string, work: PendingInput, reason: string): void {
    const { activations, dispatch, ended, loader } = this.options;
    if (ended()) {
      work.reply(notOwner);
      return;
    }
    const next = { ...work, attempts: work.attempts + 1, mayExist: true };
    const activation = activations.peek(actor);
    if (hasCaller(work) && next.attempts >= MOST_ATTEMPTS) {
      work.reply({ status: "unavailable", reason });
    } else if (!activation || activation.loaded) {
      dispatch(actor, next);
    } else {
      enqueue(activation, next);
      // Keeps the load of the cell back, so that what comes meanwhile waits behind this.
      if (next.attempts > 1) loader.loadAfterPause(activation);
    }
  }

  /**
   * No state can come of this input on this head. What comes from the inbox behind it waits until that is certain:
   * evaluated before, it would take the mark of what is evaluated past this one.
   */
  private poisonous(activation: Activation, work: PendingInput, error: unknown): void {
    if (!hasCaller(work)) activation.held = true;
    this.follow(activation, work, () => this.refused(activation, work, error));
  }

  /** A caller is told, anything else parks the actor. */
  private refused(activation: Activation, work: PendingInput, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { kind } = work.input;
    this.options.log.error({ err: error, actor: activation.actor, input: kind }, "input refused");
    if (hasCaller(work)) work.reply({ status: "refused", code: "input_refused", reason });
    else this.options.park(activation, work, reason);
  }
}
