/**
 * One ownership of one partition, from the acquired lock to its loss: the actors in memory and the inputs for them.
 * Owns: the activation cache, the inputs under way, the near timers, the partition's progress through its inbox.
 * Does not own: the lock, publishing, calls to providers.
 * Invariants
 *   tenure.T1. After `end`, nothing is submitted any more, and no outcome of an effect is taken.
 *   tenure.T2. The checkpoint passes no inbox input that is not evaluated and acknowledged, unless it lists the actor.
 * How inputs are decided: input-processor.I1 and the following. What one actor in memory may do: activation.A1 and the
 * following.
 * Proved by: test/unit/runtime/tenure/write-set-outcomes.test.ts, test/unit/runtime/tenure/idle.test.ts,
 *   test/unit/runtime/tenure/tenure.test.ts, test/unit/runtime/cluster.test.ts,
 *   test/integration/runtime/runtime.test.ts
 */
import type { Subjects } from "../subjects.ts";
import { limits } from "../limits.ts";
import { dryRun, type PredictedInput } from "../actor/dry-run.ts";
import type {
  ActorReply,
  DryRunOptions,
  DryRunReply,
  UnparkOptions,
  UnreadableActor,
  UnreadableKind,
} from "../actors.ts";
import { ActivationCache } from "./activation-cache.ts";
import { ActorReader } from "./actor-reader.ts";
import { CatchUps } from "./catch-up.ts";
import type { ActorDefinition } from "../definition.ts";
import type { EffectRunner } from "../effects/effect-runner.ts";
import type { Failpoints } from "../failpoints.ts";
import { InboxProgress, type CheckpointState } from "./inbox-progress.ts";
import type { InputTally } from "./input-tally.ts";
import { InputProcessor } from "./input-processor.ts";
import { NearTimers } from "./near-timers.ts";
import { OperatorActions } from "./operator-actions.ts";
import { ParkedRegistry } from "./parked-actors.ts";
import type { Parking } from "../actor/parking-record.ts";
import { fireAndForget, type PendingInput } from "./pending-input.ts";
import type { Clock, Ids, Journal, Log } from "../ports.ts";
import { Replies, notFound, notOwner, refusalOf } from "./replies.ts";
import { Semaphore } from "../semaphore.ts";
import { TenureEffects } from "./tenure-effects.ts";
import type { WriteSetSink } from "../commit/write-set.ts";

/** What a tenure needs. */
export type TenureOptions = {
  readonly subjects: Subjects;
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
  /** Activations per partition that stay in memory although they are idle. */
  readonly idleActors: number;
  readonly failpoints?: Failpoints | undefined;
  /** Whether every present node fires timers that have no schedule; absent: timers have one. */
  readonly mayBeUnscheduled?: () => boolean;
  /** Counts beyond this tenure; absent where they are not read. */
  readonly tally?: InputTally;
};

/** Numbers of actors of one partition. */
export type ActorCounts = {
  readonly actors: number;
  /** Stopped by an input; an operator has to act. */
  readonly parked: number;
} & Readonly<Record<UnreadableKind, number>>;

/** See the top of this file. */
export class Tenure {
  readonly epoch: number;
  readonly partition: number;
  private readonly options: Pick<TenureOptions, "clock" | "definition">;
  private readonly activations: ActivationCache;
  private readonly processor: InputProcessor;
  private readonly reader: ActorReader;
  private readonly parked: ParkedRegistry;
  private readonly catchUps: CatchUps;
  private readonly operatorActions: OperatorActions;
  private readonly progress: InboxProgress;
  private readonly effects: TenureEffects;
  private readonly nearTimers: NearTimers;
  private ended = false;
  private idleWaiters: (() => void)[] = [];

  /** @param onUnreadable this node cannot read the record of an actor */
  constructor(options: TenureOptions, partition: number, epoch: number, onUnreadable: () => void = () => {}) {
    this.options = options;
    this.partition = partition;
    this.epoch = epoch;
    this.progress = new InboxProgress(epoch);
    this.activations = new ActivationCache(options.idleActors);
    this.effects = new TenureEffects(options.effects);
    this.nearTimers = new NearTimers({
      clock: options.clock,
      mayBeUnscheduled: options.mayBeUnscheduled,
      fire: (actor, { generation, id, machine }) =>
        this.dispatch(actor, fireAndForget({ kind: "timer", machine, timer: id, generation })),
    });
    const { nearTimers } = this;
    const replies = new Replies(options.definition, options.clock);
    const shared = {
      ...options,
      partition,
      lock: { subject: options.lock, epoch },
      loads: new Semaphore(limits.partitionLoads),
      activations: this.activations,
      progress: this.progress,
      replies,
      ended: (): boolean => this.ended,
      mayBeIdle: (): void => this.wakeIfIdle(),
    };
    const parked = new ParkedRegistry(shared);
    const processor = new InputProcessor({
      ...shared,
      parked,
      nearTimers,
      tenureEffects: this.effects,
      onUnreadable,
    });
    const { loader } = processor;
    this.parked = parked;
    this.processor = processor;
    this.reader = new ActorReader({ ...shared, processor, parked });
    this.catchUps = new CatchUps({ ...shared, loader, parked });
    const { catchUps, reader } = this;
    this.operatorActions = new OperatorActions({ ...shared, loader, parked, catchUps, reader });
  }

  /** Takes an input for one actor. Never throws; the answer goes to `pending.reply`. */
  dispatch(actor: string, pending: PendingInput): void {
    this.processor.dispatch(actor, pending);
  }

  /** The actor's acknowledged state; see {@link ActorReader.read}. @throws Unavailable (retryable) */
  read(actor: string, atLeast = 0): Promise<ActorReply> {
    return this.reader.read(actor, atLeast);
  }

  /**
   * Predicts what an input does, on the actor's acknowledged state. Of a parked actor: what its callers get.
   * @throws Unavailable (retryable)
   */
  async dryRun(
    actor: string,
    input: PredictedInput,
    outputs: DryRunOptions["outputs"],
  ): Promise<DryRunReply> {
    const quarantined = this.parked.get(actor);
    if (quarantined) return refusalOf(this.parked.reply(quarantined));
    const isNew = input.kind === "start" && !input.mayExist;
    const reply = isNew ? notFound : await this.read(actor);
    if (reply.status !== "ok" && reply.status !== "not_found") return refusalOf(reply);
    const { clock, definition } = this.options;
    const before = reply.status === "ok" ? reply.snapshot : undefined;
    return dryRun(definition, before, input, {
      actor,
      now: clock.now(),
      predict: ({ input: asked, src }, key, facts) => {
        if (outputs?.[src] !== undefined) return { output: outputs[src] };
        const first = before === undefined;
        return definition.effects[src]?.join?.predict?.({ actor, key, input: asked, facts, first });
      },
    });
  }

  /**
   * Loads an actor for open effects and timers without a schedule, unless it is parked or reads its inbox first.
   * @throws Unavailable (retryable)
   */
  async takeUp(actor: string, atLeast: number | undefined): Promise<void> {
    if (this.parked.get(actor) || this.activations.peek(actor)?.phase === "catching-up") return;
    await this.read(actor, atLeast);
  }

  /** An operator tries a parked actor again; see {@link OperatorActions.resume}. */
  resume(actor: string, how?: UnparkOptions): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.operatorActions.resume(actor, how);
  }

  /** An operator drops the input that parked the actor; see {@link OperatorActions.skip}. */
  skip(actor: string, parking: string, how?: UnparkOptions): Promise<ActorReply> {
    return this.ended ? Promise.resolve(notOwner) : this.operatorActions.skip(actor, parking, how);
  }

  /** An earlier owner has parked the actor. */
  foundParked(parking: Parking, sequence: number): void {
    this.parked.found(parking, sequence);
  }

  /** A message about a parking is stored at this sequence. */
  knowsParking(sequence: number): void {
    this.parked.knows(sequence);
  }

  /** An earlier owner's checkpoint has passed the actor's inbox: what waits there is evaluated first. */
  catchUp(actor: string): void {
    if (!this.parked.get(actor)) void this.catchUps.start(actor, 0);
  }

  /** The actor has a record at this sequence: an older reading must not decide anything. */
  knows(actor: string, sequence: number): void {
    this.activations.knows(actor, sequence);
  }

  /** The inbox consumer has handed over everything up to here. */
  saw(sequence: number): void {
    this.progress.saw(sequence);
  }

  /** What the checkpoint may state now. @param resolvedThrough of this node's relay */
  checkpoint(resolvedThrough: number): CheckpointState {
    const through = this.progress.resolvedThrough(resolvedThrough);
    const open = [...this.parked.storing()];
    for (const activation of this.activations.values()) {
      if (activation.hasOpenWork()) open.push(activation.actor);
    }
    const lagging = new Set(this.catchUps.actors());
    for (const { actor } of this.parked.unreadable()) lagging.add(actor);
    return { through, open, lagging: [...lagging], parkedAt: this.parked.storedAt() };
  }

  /** Inbox inputs not yet evaluated. */
  backlog(): number {
    return this.progress.backlog();
  }

  /** Actors in memory, and those that no input reaches. */
  counts(): ActorCounts {
    return { actors: this.activations.size, ...this.parked.counts() };
  }

  /** The actors whose record this node cannot read. */
  unreadable(): Iterable<UnreadableActor> {
    return this.parked.unreadable();
  }

  /** Leaves effects and timers to the next owner. Resolves when every commit is resolved, or the tenure has ended. */
  idle(): Promise<void> {
    this.nearTimers.close();
    this.effects.close();
    if (this.ended || this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** This node does not own the partition any more: forgets everything, answers waiting callers. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    const activations = [...this.activations.values()];
    this.activations.clear();
    for (const activation of activations) {
      for (const pending of activation.takeMailbox()) pending.reply(notOwner);
    }
    this.nearTimers.close();
    this.effects.close();
    this.catchUps.end();
    this.wakeIdle();
  }

  private isIdle(): boolean {
    if (!this.parked.isIdle()) return false;
    for (const activation of this.activations.values()) if (!activation.isIdle()) return false;
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
