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
import { limits } from "../limits.ts";
import type { ActorReply } from "../actors.ts";
import { Replies, notFound, notOwner } from "./replies.ts";
import { CatchUps } from "./catch-up.ts";
import { type Activation, effectsToResume, enqueue, fireAndForget, type PendingInput } from "./activation.ts";
import type { ActorDefinition } from "../definition.ts";
import { TenureEffects } from "./tenure-effects.ts";
import type { EffectRunner } from "../effects/effect-runner.ts";
import type { OpenEffect, Snapshot } from "../actor/snapshot.ts";
import { Semaphore } from "../semaphore.ts";
import { Loader, type LoaderOptions } from "./loader.ts";
import { MachineFault, NewerMachine } from "../actor/machine.ts";
import { ParkedRegistry } from "./parked-actors.ts";
import type { Parking } from "../actor/parking-record.ts";
import type { Clock, Ids, Journal, Log } from "../ports.ts";
import { InboxProgress, type CheckpointState } from "./inbox-progress.ts";
import { ActivationCache } from "./activation-cache.ts";
import { InputProcessor } from "./input-processor.ts";
import type { WriteSetSink } from "../commit/write-set.ts";
import { OperatorActions } from "./operator-actions.ts";

export type TenureOptions = Pick<LoaderOptions, "failpoints"> & {
  readonly definition: ActorDefinition;
  /** Subject of the partition's lock; it is in the stream that `journal` reads. */
  readonly lock: string;
  readonly journal: Journal;
  readonly sink: WriteSetSink;
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
  private readonly activations: ActivationCache;
  private readonly replies: Replies;
  private readonly loader: Loader;
  private readonly processor: InputProcessor;
  private readonly parked: ParkedRegistry;
  private readonly catchUps: CatchUps;
  private readonly operatorActions: OperatorActions;
  private readonly progress: InboxProgress;
  private readonly effects: TenureEffects;
  private ended = false;
  private idleWaiters: (() => void)[] = [];

  /** @param onNewer an actor was stored by a newer machine than this node runs */
  constructor(options: TenureOptions, partition: number, epoch: number, onNewer: () => void = () => {}) {
    this.options = options;
    this.partition = partition;
    this.epoch = epoch;
    this.onNewer = onNewer;
    this.progress = new InboxProgress(epoch);
    this.activations = new ActivationCache(options.idleActors);
    const { activations, progress } = this;
    const ended = (): boolean => this.ended;
    const lock = { subject: options.lock, epoch };
    const loads = new Semaphore(limits.partitionLoads);
    const shared = { ...options, partition, lock, loads, activations, progress, ended };
    this.replies = new Replies(
      options.definition,
      options.clock,
      (activation) => !this.ended && activations.isCurrent(activation),
    );
    this.effects = new TenureEffects(options.effects);
    this.loader = new Loader({
      ...shared,
      onState: (activation) => {
        for (const effect of effectsToResume(activation)) this.run(activation, effect, true);
      },
      onEnd: (activation) => {
        if (!this.ended && activation.loaded) this.drainMailbox(activation);
        this.wakeIfIdle();
      },
      onUnreadable: (activation, error) => this.unreadable(activation, error),
    });
    this.parked = new ParkedRegistry({ ...shared, onStored: () => this.wakeIfIdle() });
    this.processor = new InputProcessor({
      ...shared,
      replies: this.replies,
      loader: this.loader,
      dispatch: (actor, work) => this.dispatch(actor, work),
      run: (activation, effect, resumed) => this.run(activation, effect, resumed),
      park: (activation, work, reason) => this.park(activation, work, reason),
      onResolved: () => this.wakeIfIdle(),
    });
    this.catchUps = new CatchUps({ ...shared, loader: this.loader });
    this.operatorActions = new OperatorActions({
      ...shared,
      loader: this.loader,
      parked: this.parked,
      catchUps: this.catchUps,
      read: (actor) => this.read(actor),
    });
  }

  /** An input for one actor. Never throws; the answer goes to `work.reply`. */
  dispatch(actor: string, work: PendingInput): void {
    if (this.ended) return work.reply(notOwner);
    this.progress.begin(work.inbox);
    const quarantined = this.parked.get(actor);
    if (quarantined) {
      this.parked.letGo(quarantined, work.inbox);
      work.reply(this.parked.reply(quarantined));
      return;
    }
    const activation = this.activations.activation(actor);
    // What came first is evaluated first: nothing overtakes the mailbox.
    const inLine = activation.held || activation.mailbox.length > 0;
    if (activation.loaded && !inLine) {
      this.processor.process(activation, work);
    } else if (!work.mayExist && work.input.kind === "start" && !inLine && !activation.wanted) {
      activation.loaded = true;
      this.processor.process(activation, work);
    } else {
      enqueue(activation, work);
      void this.loader.load(activation);
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
    const activation = this.activations.activation(actor);
    if (!activation.loaded) {
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await this.loader.fetch(activation, atLeast);
      } catch (error) {
        if (this.ended) return notOwner;
        if (error instanceof MachineFault) return this.unreadableReply(activation, error);
        // A cell that was only made to be read.
        const needed =
          activation.loaded ||
          activation.loading ||
          activation.held ||
          activation.wanted ||
          activation.mailbox.length > 0;
        if (!needed && this.activations.isCurrent(activation)) this.activations.delete(actor);
        throw error;
      }
      if (this.ended) return notOwner;
      if (!activation.loaded) return snapshot ? this.replies.ok(snapshot, false) : notFound;
      this.drainMailbox(activation);
    }
    return activation.acked ? this.replies.ok(activation.acked, false) : notFound;
  }

  /** Takes over an actor with open effects, unless it is parked or reads its inbox first. @throws Unavailable */
  async takeUp(actor: string, atLeast: number | undefined): Promise<void> {
    if (!this.parked.get(actor) && !this.activations.peek(actor)?.held) await this.read(actor, atLeast);
  }

  /** An operator tries a parked actor again; see Unparking. */
  resume(actor: string): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.operatorActions.resume(actor);
  }

  /** An operator drops the input that parked the actor; see Unparking. */
  skip(actor: string, parking: string): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.operatorActions.skip(actor, parking);
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
    this.activations.knows(actor, sequence);
  }

  /** Progress of the inbox consumer: everything up to here has been handed over. */
  saw(sequence: number): void {
    this.progress.saw(sequence);
  }

  /** What the floor may say now. */
  checkpoint(resolvedThrough: number): CheckpointState {
    const through = this.progress.resolvedThrough(resolvedThrough);
    const open = [...this.parked.among("storing")];
    for (const activation of this.activations.values()) {
      if (activation.wanted || (activation.acked?.effects.length ?? 0) > 0) open.push(activation.actor);
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
    return { actors: this.activations.size, parked: this.parked.count() };
  }

  /** Leaves open effects to the next owner. Resolves when nothing is unsettled any more, or the tenure has ended. */
  idle(): Promise<void> {
    this.effects.close();
    if (this.ended || this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** The partition is no longer ours: forgets everything, answers waiting callers. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const activation of this.activations.values()) {
      for (const work of activation.mailbox) work.reply(notOwner);
      for (const wake of activation.waiters) wake();
    }
    this.effects.close();
    this.catchUps.end();
    this.activations.clear();
    this.wakeIdle();
  }

  private drainMailbox(activation: Activation): void {
    while (activation.mailbox.length > 0 && !activation.held && this.activations.isCurrent(activation)) {
      const work = activation.mailbox.shift();
      if (work) this.processor.process(activation, work);
    }
  }

  /** What waits for a cell that was given up meets the actor as it is now. */
  private remove(activation: Activation): void {
    if (this.activations.isCurrent(activation)) this.activations.delete(activation.actor);
    for (const wake of activation.waiters) wake();
    for (const work of activation.mailbox.splice(0)) this.dispatch(activation.actor, work);
  }

  /** An input that nobody waits for is poisonous. What is known of the actor in memory is given up. */
  private park(activation: Activation, work: PendingInput, reason: string): void {
    const { actor } = activation;
    const version = activation.acked?.version ?? 0;
    this.parked.park({ actor, reason, version, record: activation.sequence }, work);
    this.remove(this.activations.peek(actor) ?? activation);
  }

  private unreadable(activation: Activation, error: MachineFault): void {
    const { actor } = activation;
    this.options.log.error({ err: error, actor }, "actor cannot be read");
    if (error instanceof NewerMachine) {
      this.parked.quarantine(actor, error.message);
      this.onNewer();
    } else {
      this.parked.park({ actor, reason: error.message, version: 0, record: 0 }, undefined);
    }
    this.remove(activation);
  }

  private unreadableReply(activation: Activation, error: MachineFault): ActorReply {
    if (!this.parked.get(activation.actor)) this.unreadable(activation, error);
    const quarantined = this.parked.get(activation.actor);
    return quarantined ? this.parked.reply(quarantined) : notOwner;
  }

  private async lastGood(actor: string): Promise<ActorReply> {
    const quarantined = this.parked.get(actor);
    if (quarantined?.state === "newer") return this.parked.reply(quarantined);
    try {
      const { head } = await this.loader.stored(actor, this.activations.knownOf(actor));
      return head ? this.replies.ok(head.snapshot, false) : notFound;
    } catch (error) {
      if (!(error instanceof MachineFault)) throw error;
      return { status: "refused", code: "order_parked", reason: error.message };
    }
  }

  /** Starts or resumes an effect; its outcome is a new input. */
  private run(activation: Activation, effect: OpenEffect, resumed: boolean): void {
    this.effects.start(activation.actor, effect, resumed, (outcome) => {
      const input = { kind: "effect", id: effect.id, generation: effect.generation, outcome } as const;
      this.dispatch(activation.actor, fireAndForget(input));
    });
  }

  private isIdle(): boolean {
    if (!this.parked.isIdle()) return false;
    for (const activation of this.activations.values()) {
      if (activation.pendingCommits > 0 || activation.predecessorCommits > 0 || activation.mailbox.length > 0)
        return false;
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
