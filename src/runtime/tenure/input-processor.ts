/**
 * Decides inputs on actors that are in memory, and carries out what becomes of each decision.
 * Owns: write sets under way, and what was decided on states that are not acknowledged yet.
 * Does not own: the phases of an activation, calls to providers, the list of parked actors.
 * Invariants
 *   input-processor.I1. Deciding an input is synchronous: nothing is awaited between reading an actor's head and
 *                       replacing it.
 *   input-processor.I2. Callers and effects only see acknowledged state. What was decided on an unacknowledged head
 *                       waits for the acknowledgement, and is decided again when the head is dropped.
 *   input-processor.I3. An inbox input counts as evaluated only when the state it was decided on is acknowledged.
 * Proved by: test/unit/runtime/tenure/write-set-outcomes.test.ts,
 *   test/unit/runtime/tenure/acknowledged-replies.test.ts, test/unit/runtime/tenure/mailbox-order.test.ts,
 *   test/unit/runtime/tenure/reads.test.ts, test/unit/runtime/tenure/joined-parts.test.ts,
 *   test/unit/runtime/cluster.test.ts
 */
import { type Replies, notFound, notOwner, storeRefuses } from "./replies.ts";
import type { Cascade } from "../actor/cascade.ts";
import type { Activation, Dependent } from "./activation.ts";
import { fireAndForget, hasCaller, type PendingInput } from "./pending-input.ts";
import { cascadeWriteSet } from "../commit/cascade-write-set.ts";
import { decide } from "./decision.ts";
import type { MachineFault } from "../actor/machine.ts";
import type { Facts, OpenEffect, OpenTimer } from "../actor/snapshot.ts";
import { unscheduledOf, withoutSchedules } from "../actor/unscheduled-timers.ts";
import { type LoadEvents, Loader, type LoaderOptions } from "./loader.ts";
import type { NearTimers } from "./near-timers.ts";
import type { ParkedRegistry } from "./parked-actors.ts";
import type { EffectOutcome } from "../actor/input.ts";
import type { Ids } from "../ports.ts";
import type { InputTally } from "./input-tally.ts";
import type { InboxProgress } from "./inbox-progress.ts";
import type { TenureEffects } from "./tenure-effects.ts";
import type { Outcome, WriteSet, WriteSetSink } from "../commit/write-set.ts";

/** What an input processor needs. */
export type InputProcessorOptions = LoaderOptions & {
  readonly sink: WriteSetSink;
  readonly ids: Ids;
  readonly node: string;
  readonly replies: Replies;
  readonly progress: InboxProgress;
  readonly parked: ParkedRegistry;
  readonly tenureEffects: TenureEffects;
  readonly nearTimers: NearTimers;
  readonly tally?: InputTally;
  /** This node cannot read the record of an actor. */
  readonly onUnreadable: () => void;
  /** A write set is resolved, or a load has ended: perhaps nothing is under way any more. */
  readonly mayBeIdle: () => void;
};

const MAX_ATTEMPTS = 8;

/** See the top of this file. */
export class InputProcessor implements LoadEvents {
  readonly loader: Loader;
  private readonly options: InputProcessorOptions;

  constructor(options: InputProcessorOptions) {
    this.options = options;
    this.loader = new Loader(options, this);
  }

  /** Takes an input for one actor. Never throws; the answer goes to `pending.reply`. */
  dispatch(actor: string, pending: PendingInput): void {
    const { activations, ended, parked, progress } = this.options;
    if (ended()) return pending.reply(notOwner);
    progress.begin(pending.inbox);
    const quarantined = parked.get(actor);
    if (quarantined) {
      parked.letGo(quarantined, pending.inbox);
      pending.reply(parked.reply(quarantined));
      return;
    }
    const activation = activations.activation(actor);
    if (activation.canProcess()) {
      this.process(activation, pending);
    } else if (!pending.mayExist && pending.input.kind === "start" && activation.isBlank()) {
      activation.introduce();
      this.process(activation, pending);
    } else {
      activation.enqueue(pending);
      void this.loader.load(activation);
    }
  }

  /** Decides what waits in the mailbox, in order, until it is empty or the activation is not ready any more. */
  drainMailbox(activation: Activation): void {
    for (let pending = activation.next(); pending; pending = activation.next()) {
      this.process(activation, pending);
    }
  }

  /** Resumes the open effects of an activation that was just loaded, and its timers that no schedule fires. */
  loaded(activation: Activation): void {
    const { acked, actor } = activation;
    if (acked) this.options.nearTimers.armed(actor, unscheduledOf(acked));
    for (const effect of activation.effectsToResume())
      this.run(activation, effect, activation.acked?.facts, true);
  }

  loadEnded(activation: Activation): void {
    this.drainMailbox(activation);
    this.options.mayBeIdle();
  }

  loadFailed(): void {
    this.options.mayBeIdle();
  }

  /** Sets the actor apart, without a trace in the stream: an owner with another program can go on with it. */
  unreadable(activation: Activation, error: MachineFault): void {
    const { log, onUnreadable, parked } = this.options;
    const { actor } = activation;
    log.error({ actor, reason: error.message }, "actor cannot be read: it waits for a program that can");
    parked.quarantine(actor, error);
    onUnreadable();
    this.remove(activation);
    this.options.mayBeIdle();
  }

  /** Decides one input on an activation that is ready. */
  private process(activation: Activation, pending: PendingInput): void {
    const { replies, clock, definition, progress } = this.options;
    const decision = decide(definition, activation, pending, clock.now());
    if (decision.kind === "cascade") return this.submit(activation, pending, decision.result);
    if (decision.kind === "poisonous") return this.poisonous(activation, pending, decision.error);
    if (decision.kind === "ignored" && pending.inbox > 0) activation.passOver(pending.inbox);
    if (decision.kind === "ignored" && pending.input.kind === "event") this.options.tally?.ignored();
    // Nothing is written; but the state that the input was decided on may yet be dropped.
    activation.follow(pending, () => {
      progress.done(pending.inbox);
      if (decision.kind === "existing") replies.existing(activation, pending, decision.input);
      else if (decision.kind === "repeated") replies.answer(activation, pending, true);
      else if (decision.kind === "not_found") pending.reply(notFound);
      else if (decision.kind === "ignored" && activation.acked) {
        pending.reply({ status: "illegal", snapshot: activation.acked });
      } else if (decision.kind === "mismatch" && activation.acked) {
        pending.reply({ status: "request_mismatch", snapshot: activation.acked });
      } else if (decision.kind === "changed" && activation.acked) {
        pending.reply({ status: "version_changed", snapshot: activation.acked });
      }
    });
  }

  private submit(activation: Activation, pending: PendingInput, decided: Cascade): void {
    const { ids, lock, nearTimers, node, partition, sink } = this.options;
    const { graced, unscheduled } = nearTimers.choose(decided.armed);
    const result = withoutSchedules(decided, unscheduled);
    const dependents: Dependent[] = [];
    let writeSet: WriteSet;
    try {
      writeSet = cascadeWriteSet(result, pending.input, {
        subjects: this.options.subjects,
        facts: this.options.definition.facts,
        commit: ids.next(),
        actor: activation.actor,
        partition,
        node,
        lock,
        sequence: activation.expectedSequence(),
        graced,
        resolved: (outcome) => {
          if (outcome.status === "stored") this.timersStored(activation.actor, graced, result);
          this.resolved(activation, pending, result, dependents, outcome);
        },
      });
    } catch (error) {
      for (const part of result.joined) part.resolved(false);
      this.poisonous(activation, pending, error);
      return;
    }
    activation.submit(result.head, dependents);
    sink.submit(writeSet);
  }

  private timersStored(
    actor: string,
    graced: readonly OpenTimer[],
    { armed, cancelled, fired }: Cascade,
  ): void {
    const { nearTimers } = this.options;
    nearTimers.over(actor, cancelled);
    nearTimers.over(actor, fired);
    nearTimers.armed(actor, [...graced, ...unscheduledOf({ timers: armed })]);
  }

  private resolved(
    activation: Activation,
    pending: PendingInput,
    result: Cascade,
    dependents: readonly Dependent[],
    outcome: Outcome,
  ): void {
    const current = !activation.isRetired();
    if (outcome.status === "stored") {
      this.stored(activation, pending, result, dependents, outcome.sequences);
    } else {
      activation.notStored();
      if (current) this.discard(activation);
      if (outcome.status === "refused") {
        const refused = `the server refused the record: ${outcome.code} ${outcome.reason}`;
        this.refused(activation, pending, new Error(refused));
        for (const dependent of dependents) this.again(activation.actor, dependent.pending, "decided again");
      } else {
        this.dropped(activation.actor, pending, dependents, outcome.why);
      }
    }
    if (!current) this.predecessorResolved(activation);
    this.options.mayBeIdle();
  }

  private stored(
    activation: Activation,
    pending: PendingInput,
    result: Cascade,
    dependents: readonly Dependent[],
    sequences: ReadonlyMap<string, number>,
  ): void {
    const { partition, progress, replies, tally } = this.options;
    for (const { type } of result.events) tally?.event(type);
    const current = !activation.isRetired();
    const sequence = sequences.get(this.options.subjects.record(partition, activation.actor));
    activation.stored(result.head.snapshot, sequence);
    progress.done(pending.inbox);
    if (current) {
      for (const effect of result.opened) this.run(activation, effect, result.head.snapshot.facts, false);
    }
    replies.answer(activation, pending, false);
    for (const { confirmed } of dependents) confirmed();
    activation.wakeWaiters();
    // Another owner has written after this record already: the state in memory is old.
    if (current && sequence === undefined) this.discard(activation);
  }

  private dropped(
    actor: string,
    pending: PendingInput,
    dependents: readonly Dependent[],
    why: Extract<Outcome, { status: "dropped" }>["why"],
  ): void {
    for (const input of [pending, ...dependents.map((dependent) => dependent.pending)]) {
      if (why === "store_unavailable" && hasCaller(input)) input.reply(storeRefuses);
      else this.again(actor, input, "ownership is changing");
    }
  }

  /**
   * A commit of a retired activation is resolved. Its replacement is loaded after the last one: a later write set that
   * the outbox refused was resolved before earlier ones (relay.R5), and its activation was replaced at that moment.
   */
  private predecessorResolved(activation: Activation): void {
    const next = this.options.activations.peek(activation.actor);
    if (next?.phase !== "replacing") return;
    next.predecessorResolved(activation.sequence);
    // Begins once the last one is resolved.
    void this.loader.load(next);
  }

  /**
   * Replaces an activation whose head cannot be trusted any more, and has the actor read again: there may be open
   * effects that were never started. Effects under way go on, their results are new inputs.
   */
  private discard(activation: Activation): void {
    if (activation.isRetired()) return;
    const { activations, clock } = this.options;
    const next = activations.replace(activation);
    clock.after(0, () => void this.loader.load(next));
  }

  /**
   * Decides an input again on fresh state: soon the first time, then after a pause, for a caller up to `MAX_ATTEMPTS`
   * times.
   */
  private again(actor: string, pending: PendingInput, reason: string): void {
    const { activations, ended } = this.options;
    if (ended()) {
      pending.reply(notOwner);
      return;
    }
    const next = { ...pending, attempts: pending.attempts + 1, mayExist: true };
    const activation = activations.peek(actor);
    if (hasCaller(pending) && next.attempts >= MAX_ATTEMPTS) {
      pending.reply({ status: "unavailable", reason });
    } else if (!activation || activation.isLoaded()) {
      this.dispatch(actor, next);
    } else {
      activation.enqueue(next);
      // Postpones the load, so that later inputs queue after this one.
      if (next.attempts > 1) this.loader.loadAfterPause(activation);
    }
  }

  /**
   * No state can come of this input on this head. Later inputs from the inbox wait until that is certain: decided
   * before that, they would move the inbox offset past this one.
   */
  private poisonous(activation: Activation, pending: PendingInput, error: unknown): void {
    if (!hasCaller(pending)) activation.block();
    activation.follow(pending, () => this.refused(activation, pending, error));
  }

  /** Refuses a caller; an input without a caller parks the actor. */
  private refused(activation: Activation, pending: PendingInput, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const { kind } = pending.input;
    this.options.log.error({ err: error, actor: activation.actor, input: kind }, "input refused");
    if (hasCaller(pending)) pending.reply({ status: "refused", code: "input_refused", reason });
    else this.park(activation, pending, reason);
  }

  /** Parks the actor because of an input without a caller. The actor leaves memory. */
  private park(activation: Activation, pending: PendingInput, reason: string): void {
    const { activations, parked } = this.options;
    const { actor, sequence } = activation;
    const version = activation.acked?.version ?? 0;
    parked.park({ actor, reason, version, record: sequence }, pending);
    this.remove(activations.peek(actor) ?? activation);
  }

  /** Retires the activation. What waits in its mailbox meets the actor as it is now. */
  private remove(activation: Activation): void {
    if (!activation.isRetired()) this.options.activations.delete(activation);
    for (const pending of activation.takeMailbox()) this.dispatch(activation.actor, pending);
  }

  /** Starts or resumes an effect; its outcome is a new input. */
  private run({ actor }: Activation, effect: OpenEffect, facts: Facts | undefined, resumed: boolean): void {
    const done = (outcome: EffectOutcome, durationMs?: number): void => {
      const { generation, id } = effect;
      const took = durationMs === undefined ? {} : { durationMs };
      this.dispatch(actor, fireAndForget({ kind: "effect", id, generation, outcome, ...took }));
    };
    this.options.tenureEffects.start(actor, effect, resumed, done, facts?.data);
  }
}
