/**
 * One node: every part of the runtime put together. Composition only.
 * Start order: read the server's clock and the other nodes, wait until no other process has the id of this one, learn
 * the locks, announce this node. Stop order: hand over, then presence.
 * A node that is killed leaves its lock entries, its checkpoints and an outbox that is dropped at the next start: no
 * caller was answered for anything in it (ADR 1).
 */
import { ofPartition, streamOf } from "./layout.ts";
import { limits, stopping } from "./limits.ts";
import type { Actors, DryRuns, ParkedActors } from "./actors.ts";
import { Connectivity } from "./cluster/connectivity.ts";
import type { ActorDefinition } from "./definition.ts";
import { EffectRunner } from "./effects/effect-runner.ts";
import { joinableIn } from "./effects/joinable.ts";
import { type VersionedPart, versionedParts } from "./actor/fingerprint.ts";
import { checkListeners, checkMachine } from "./actor/machine.ts";
import { registerDefinition } from "./cluster/definition-registry.ts";
import { FailureDetector } from "./cluster/failure-detector.ts";
import { ServerClock } from "./cluster/server-clock.ts";
import { LogWatch } from "./cluster/log-watch.ts";
import { Ownership } from "./cluster/ownership.ts";
import type { NodeOptions } from "./node-options.ts";
import type { NodeStatus } from "./node-status.ts";
import { Placement } from "./cluster/placement.ts";
import { CheckpointWriter } from "./partition/checkpoint-writer.ts";
import { Partition } from "./partition/partition.ts";
import { Membership } from "./cluster/membership.ts";
import type { NodeEntry, Presence } from "./cluster/presence.ts";
import { dropLeftover } from "./commit/leftover.ts";
import { Relays } from "./commit/relays.ts";
import { type NodeCondition, refusal } from "./routing/admission-control.ts";
import { UnreadableEntries } from "./unreadable.ts";
import { Router } from "./routing/router.ts";

export type { NodeStatus };

/** Pause between two checkpoints of a partition, and between two marks of time in the log, ms. */
const CHECKPOINT_EVERY_MS = 1000;

/** A node of the runtime. `start` once, `stop` once; `actors` and `parked` may be used between the two. */
export class RuntimeNode {
  readonly actors: Actors & DryRuns;
  /** The stored entries that this process could not read. */
  readonly unreadable: UnreadableEntries;
  readonly parked: ParkedActors;
  /** The server's time, once the node has started: for everything that is stored or compared with another process. */
  readonly clock: ServerClock;
  /** What operators have asked of this node. */
  readonly placement: Placement;
  private readonly options: NodeOptions;
  private readonly relays: Relays;
  private readonly effects: EffectRunner;
  private readonly partitions: readonly Partition[];
  private readonly membership: Membership;
  private readonly presence: Presence;
  private readonly detector: FailureDetector;
  private readonly connectivity: Connectivity;
  private readonly logs: LogWatch;
  private readonly ownership: Ownership;
  private readonly checkpointWriter: CheckpointWriter;
  private readonly parts: readonly VersionedPart[];
  private readonly boot: string;
  private startedAt = 0;
  private readonly definition: number;
  /** Resources with a record that this program cannot read. */
  private readonly incompatible = new Set<string>();
  private stopped = false;
  private handingOver: Promise<void> | undefined;

  /**
   * @throws Error when a machine uses what the runtime cannot keep, or an `invoke` has no effect; DefinitionChanged
   *   when a version stands for another definition than the committed one
   */
  constructor(given: NodeOptions) {
    const clock = new ServerClock({ ...given, everyMs: given.presenceRefreshMs });
    this.clock = clock;
    // Everything below decides by the server's time.
    const options = { ...given, clock };
    this.options = options;
    const { bus, log } = options;
    this.boot = options.ids.next();
    this.logs = new LogWatch({
      ...options,
      checkMs: options.presenceRefreshMs,
      onLost: (reason) => this.logLost(reason),
    });
    this.unreadable = new UnreadableEntries(options.log);
    this.relays = this.makeRelays();
    const { definition, resources } = options.application(
      this.relays,
      (lock) => this.unverified(lock),
      clock,
    );
    for (const [name, entry] of Object.entries(definition.machines)) {
      checkMachine(name, entry.machine, Object.keys(definition.effects));
    }
    checkListeners(definition);
    this.definition = definition.version ?? 1;
    this.parts = versionedParts(definition);
    this.effects = new EffectRunner({
      ...options,
      handlers: definition.effects,
      providers: definition.providers,
    });
    this.partitions = this.makePartitions(definition);
    this.checkpointWriter = new CheckpointWriter({
      partitions: this.partitions,
      clock,
      log,
      everyMs: CHECKPOINT_EVERY_MS,
    });
    this.membership = new Membership({
      ...options,
      boot: this.boot,
      unreadable: this.unreadable,
      entry: () => this.entry(),
      onChange: () => this.ownership.review(),
      onRegained: () => this.ownership.verifyLocks(),
    });
    this.presence = this.membership.presence;
    this.placement = new Placement(clock, () => this.presence.refreshSoon());
    const { boot, presence } = this;
    this.connectivity = new Connectivity({ bus, clock, presence, ended: () => this.logs.lost() });
    this.detector = new FailureDetector({ ...options, presence, boot });
    this.ownership = new Ownership({
      ...options,
      presence,
      boot,
      resources: [...this.partitions, ...resources],
    });
    const router = this.makeRouter(definition);
    this.actors = router;
    this.parked = router;
  }

  private makeRelays(): Relays {
    return new Relays(this.logs.guarded(), {
      ...this.options,
      markEveryMs: CHECKPOINT_EVERY_MS,
      onLockMoved: (lock) => this.ownership.moved(lock),
    });
  }

  private makePartitions(definition: ActorDefinition): Partition[] {
    const { options } = this;
    const { journals, subjects } = options;
    const definitions = journals.map((_, stream) => joinableIn(stream, definition, subjects));
    const condition = this.condition();
    return Array.from(
      { length: options.partitions },
      (_, partition) =>
        new Partition({
          ...options,
          definition: ofPartition(partition, definitions),
          lock: subjects.lock(`partition.${partition}`, streamOf(partition, journals.length)),
          journal: ofPartition(partition, journals),
          history: this.logs.history(streamOf(partition, journals.length)),
          sink: this.relays,
          effects: this.effects,
          idleActors: Math.ceil(options.idleActors / options.partitions),
          partition,
          relay: ofPartition(partition, this.relays.all),
          refusal: (op, lock) => refusal(condition, op, lock),
          inboxBound: limits.partitionInbox,
          mayBeUnscheduled: () => this.presence.fireUnscheduled(),
          unreadable: this.unreadable,
          onUnreadable: (resource) => this.cannotHost(resource),
        }),
    );
  }

  private makeRouter(definition: ActorDefinition): Router {
    return new Router({
      ...this.options,
      definition,
      journalOf: (partition) => ofPartition(partition, this.options.journals),
      local: (partition) => this.partitions[partition]?.whenOpen(),
      connectivity: this.connectivity,
      unreadable: this.unreadable,
    });
  }

  private condition(): NodeCondition {
    return {
      isolation: () => this.connectivity.isolation(),
      unverified: (lock) => this.unverified(lock),
      relay: () => this.relays.state(),
      effects: () => this.effects.count(),
      outboxLimit: this.options.outboxLimit,
      effectLimit: this.options.effectLimit,
    };
  }

  /**
   * Resolves when the node takes part: it is seen by the others and takes over what falls to it.
   * @throws Unavailable (retryable); IdentityTaken; SettingsDiffer; DefinitionChanged
   */
  async start(): Promise<void> {
    const { bus, log } = this.options;
    bus.onConnectionChange((connected) => {
      if (this.stopped) return;
      log.warn({ connected }, connected ? "connected again" : "connection lost");
      this.logs.interrupted(connected);
      if (!connected) return;
      this.presence.reconnected();
      this.ownership.verifyLocks();
    });
    await this.clock.start();
    this.startedAt = this.clock.now();
    await this.logs.start();
    await this.membership.enter();
    await registerDefinition(this.parts, this.options);
    dropLeftover(this.options);
    // From here on this process answers for the id.
    await this.detector.start();
    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.membership.announce();
    this.checkpointWriter.start();
  }

  /**
   * Hands over everything that this node owns: the others take over without waiting. Requests of this node are still
   * served: they find the next owner, and end soon (`stopping.callersMs`). Ends within `stopping.handOverMs`. Calls
   * after the first wait for the same end.
   */
  handOver(): Promise<void> {
    this.handingOver ??= this.leave();
    return this.handingOver;
  }

  private async leave(): Promise<void> {
    this.connectivity.leave();
    if (this.logs.lost() !== undefined) return;
    await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);
    await this.ownership.stop();
  }

  /** Hands over, unless that is done, and ends. While the server answers nothing, this waits for it some seconds. */
  async stop(): Promise<void> {
    await this.handOver();
    this.stopped = true;
    await this.stopParts();
  }

  private async stopParts(): Promise<void> {
    this.logs.stop();
    this.checkpointWriter.stop();
    this.effects.stop();
    this.relays.stop();
    this.clock.stop();
    await Promise.all([this.detector.stop(), this.membership.stop()]);
  }

  /** Ends all tenures without a write: memory, consumers and checkpoints belong to the log before. */
  private logLost(reason: string): void {
    void this.ownership.stop(false);
    void this.stopParts();
    this.connectivity.abandon();
    this.options.onLost?.(reason);
  }

  /** What the promise gives; `undefined` when this node is isolated first. */
  orIsolated<T>(promise: Promise<T>): Promise<T | undefined> {
    return this.connectivity.orIsolated(promise);
  }

  /** Why this node can answer nothing now: it is isolated. `undefined` while it is connected. */
  isolation(): string | undefined {
    return this.connectivity.isolation();
  }

  /** The node as it is now. */
  status(): NodeStatus {
    return {
      connected: this.options.bus.connected(),
      present: this.presence.valid(),
      logLost: this.logs.lost(),
      unreadable: this.unreadable.counts(),
      taken: this.membership.taken(),
      settings: this.membership.settings(),
      held: this.ownership.held(),
      owners: this.ownership.owners(),
      takeovers: this.ownership.takeovers(),
      unclaimed: this.ownership.share.unclaimed(),
      entries: this.presence.entries(),
      drained: this.placement.drainedBy(),
      relay: this.relays.state(),
      commitDurations: this.relays.commitDurations(),
      definition: this.definition,
      clock: this.clock.state(),
      effects: this.effects.count(),
      providers: this.effects.providers(),
      effectDurations: this.effects.durations(),
      partitions: this.partitions.map((found, partition) => ({
        partition,
        open: found.isOpen(),
        lag: found.lag(),
        ...found.counts(),
      })),
    };
  }

  private unverified(lock: string): string | undefined {
    const lost = this.connectivity.isolation();
    if (lost !== undefined || this.ownership.isVerified(lock)) return lost;
    return "this node was isolated and is verifying its locks";
  }

  /** Until this process ends: its program does not change. */
  private cannotHost(resource: string): void {
    if (this.incompatible.has(resource)) return;
    this.options.log.error(
      { resource },
      "records that this program cannot read: the partition goes to a node that can",
    );
    this.incompatible.add(resource);
    this.presence.refreshSoon();
  }

  private entry(): NodeEntry {
    const own = this.ownership.owners().filter(({ node }) => node === this.options.node);
    const relay = this.relays.state();
    return {
      ...this.options.details,
      id: this.options.node,
      boot: this.boot,
      startedAt: this.startedAt,
      definition: this.definition,
      held: this.ownership.held(),
      outboxDepth: relay.depth,
      commits: relay.writeSets,
      commitMs: this.relays.commitMs(),
      lanes: this.effects.providers().map(({ breaker, busy, limit, provider, waiting }) => ({
        provider,
        busy,
        limit,
        waiting,
        breaker,
      })),
      clockOffsetMs: this.clock.state().offsetMs,
      ...this.placement.details(new Set(own.map(({ resource }) => resource))),
      ...(this.incompatible.size > 0 ? { unfit: [...this.incompatible] } : {}),
      lags: Object.fromEntries(
        this.partitions.flatMap((found, partition) => (found.lag() > 0 ? [[partition, found.lag()]] : [])),
      ),
    };
  }
}
