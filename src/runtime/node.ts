/**
 * One node: everything of the runtime put together. Composition only.
 * Start order: see the others, learn the locks, be seen; stop order: hand over, then presence. A node that is killed leaves its lock
 * entries, its floor entries and an outbox that nobody needs: nothing in it was answered (ADR 1).
 */
import { ofPartition, streamOf } from "./layout.ts";
import { limits, stopping } from "./limits.ts";
import { subjects } from "./subjects.ts";
import type { ActorReply, Actors, ParkedActors } from "./actors.ts";
import { Connectivity } from "./cluster/connectivity.ts";
import type { Failpoints } from "./failpoints.ts";
import type { ActorDefinition } from "./definition.ts";
import { EffectRunner } from "./effects/effect-runner.ts";
import { joinableIn } from "./effects/joinable.ts";
import { storeRefuses } from "./tenure/replies.ts";
import { checkMachine } from "./actor/machine.ts";
import { FailureDetector } from "./cluster/failure-detector.ts";
import { Ownership } from "./cluster/ownership.ts";
import { Partition } from "./partition/partition.ts";
import type { Bucket, Bus, Clock, Ids, Journal, Log, Outbox } from "./ports.ts";
import { type NodeEntry, Presence } from "./cluster/presence.ts";
import type { ProviderStatus } from "./effects/provider-limiter.ts";
import type { RelayState } from "./commit/relay.ts";
import { Relays } from "./commit/relays.ts";
import type { Unverified, OwnedResource } from "./cluster/owned-resource.ts";
import { Router } from "./routing/router.ts";
import type { WriteSetSink } from "./commit/write-set.ts";
import type { ActorRequest } from "./routing/request-codec.ts";

export type NodeOptions = {
  readonly node: string;
  /** What runs here. Whatever it owns besides actors publishes through the same outbox. */
  readonly application: (sink: WriteSetSink, unverified: Unverified) => Application;
  /**
   * Of every stream, by its number. How many there are is equal on all nodes and fixed like the number of partitions:
   * it decides which stream a partition is in.
   */
  readonly journals: readonly Journal[];
  readonly bus: Bus;
  readonly nodes: Bucket;
  readonly checkpoints: Bucket;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Equal on all nodes, fixed when the stream is made. */
  readonly partitions: number;
  readonly presenceTtlMs: number;
  readonly presenceRefreshMs: number;
  readonly commitTimeoutMs: number;
  /** Units in the outbox above which new commands are refused for a while. */
  readonly outboxLimit: number;
  /** Effects under way or in line above which no new actors are started for a while. */
  readonly effectLimit: number;
  /** Actors kept in memory, on the whole node, when nothing is under way for them. */
  readonly idleActors: number;
  /** Time for finding an owner while partitions change hands, ms. */
  readonly findOwnerMs: number;
  /** Shown to the other nodes and to operators. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Tests only: ends the process at a chosen place. */
  readonly failpoints?: Failpoints | undefined;
};

export type Application = {
  readonly definition: ActorDefinition;
  /** Further resources that are owned like partitions (inventory shards). */
  readonly resources: readonly OwnedResource[];
};

export type NodeStatus = {
  readonly connected: boolean;
  readonly present: boolean;
  readonly held: readonly string[];
  readonly owners: readonly { readonly resource: string; readonly node: string; readonly epoch: number }[];
  readonly entries: readonly NodeEntry[];
  readonly relay: RelayState;
  readonly effects: number;
  readonly providers: readonly ProviderStatus[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly open: boolean;
    readonly lag: number;
    readonly actors: number;
    readonly parked: number;
  }[];
};

const FLOOR_EVERY_MS = 1000;

export class RuntimeNode {
  readonly actors: Actors;
  readonly parked: ParkedActors;
  private readonly options: NodeOptions;
  private readonly relays: Relays;
  private readonly effects: EffectRunner;
  private readonly partitions: Partition[];
  private readonly presence: Presence;
  private readonly detector: FailureDetector;
  private readonly connectivity: Connectivity;
  private readonly ownership: Ownership;
  private readonly boot: string;
  private readonly startedAt: number;
  /** Resources with a record that a newer machine than ours has written. */
  private readonly incompatible = new Set<string>();
  private stopped = false;
  private handingOver: Promise<void> | undefined;

  constructor(options: NodeOptions) {
    this.options = options;
    const { journals, bus, clock, ids, log, node, failpoints } = options;
    this.boot = ids.next();
    this.startedAt = clock.now();
    this.relays = new Relays(journals, {
      outbox: options.outbox,
      clock,
      log,
      commitTimeoutMs: options.commitTimeoutMs,
      markEveryMs: FLOOR_EVERY_MS,
      onLockMoved: (lock) => this.ownership.moved(lock),
      failpoints,
    });
    const { definition, resources } = options.application(this.relays, (lock) => this.unverified(lock));
    for (const [name, entry] of Object.entries(definition.machines)) {
      checkMachine(name, entry.machine, Object.keys(definition.effects));
    }
    this.effects = new EffectRunner({
      handlers: definition.effects,
      providers: definition.providers,
      clock,
      log,
      failpoints,
    });
    const definitions = journals.map((_, stream) => joinableIn(stream, definition));
    this.partitions = Array.from(
      { length: options.partitions },
      (_, partition) =>
        new Partition({
          definition: ofPartition(partition, definitions),
          lock: subjects.lock(`partition.${partition}`, streamOf(partition, journals.length)),
          journal: ofPartition(partition, journals),
          sink: this.relays,
          effects: this.effects,
          clock,
          ids,
          log,
          node,
          idleActors: Math.ceil(options.idleActors / options.partitions),
          partition,
          bus,
          checkpoints: options.checkpoints,
          relay: ofPartition(partition, this.relays.all),
          refusal: (op, lock) => this.refusal(op, lock),
          inboxBound: limits.partitionInbox,
          onNewer: (resource) => this.cannotHost(resource),
          failpoints,
        }),
    );
    this.presence = new Presence({
      node,
      nodes: options.nodes,
      clock,
      log,
      ttlMs: options.presenceTtlMs,
      refreshMs: options.presenceRefreshMs,
      entry: () => this.entry(),
      onChange: () => this.ownership.review(),
      onRegained: () => this.ownership.verifyLocks(),
      failpoints,
    });
    this.connectivity = new Connectivity({ bus, clock, presence: this.presence });
    this.detector = new FailureDetector({
      node,
      boot: this.boot,
      bus,
      clock,
      log,
      presence: this.presence,
      presenceRefreshMs: options.presenceRefreshMs,
    });
    this.ownership = new Ownership({
      clock,
      ids,
      log,
      presence: this.presence,
      node,
      boot: this.boot,
      resources: [...this.partitions, ...resources],
      commitTimeoutMs: options.commitTimeoutMs,
      failpoints,
    });
    const router = new Router({
      partitions: options.partitions,
      bus,
      journalOf: (partition) => ofPartition(partition, journals),
      clock,
      local: (partition) => {
        const found = this.partitions[partition];
        return found?.isOpen() ? (request) => found.handle(request) : undefined;
      },
      connectivity: this.connectivity,
      findOwnerMs: options.findOwnerMs,
      failpoints,
    });
    this.actors = router;
    this.parked = router;
  }

  /** @throws Unavailable */
  async start(): Promise<void> {
    const { bus, outbox, log } = this.options;
    const leftover = outbox.leftover();
    if (leftover.length > 0) {
      log.info({ units: leftover.length }, "outbox of an earlier run dropped: nothing in it was answered");
      outbox.remove(leftover);
    }
    bus.onConnectionChange((connected) => {
      log.warn({ connected }, connected ? "connected again" : "connection lost");
      if (!connected) return;
      this.presence.reconnected();
      this.ownership.verifyLocks();
    });
    await this.presence.start();
    await this.detector.start();
    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.presence.announce();
    void this.writeCheckpoints();
  }

  /**
   * Gives everything that this node owns to the others, who take over without waiting. Requests of this node are served
   * on: they find the next owner, and end soon (`stopping.callersMs`). Ends within `stopping.handOverMs`. Calls after the
   * first wait for the same end.
   */
  handOver(): Promise<void> {
    this.handingOver ??= this.leave();
    return this.handingOver;
  }

  private async leave(): Promise<void> {
    this.connectivity.leave();
    await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);
    await this.ownership.stop();
  }

  /** Hands over what has not been, and ends. While the server answers nothing, this waits for it some seconds. */
  async stop(): Promise<void> {
    await this.handOver();
    this.stopped = true;
    this.effects.stop();
    this.relays.stop();
    await Promise.all([this.detector.stop(), this.presence.stop()]);
  }

  /** What the promise gives; `undefined` when it is certain first that this node is cut off. */
  orIsolated<T>(promise: Promise<T>): Promise<T | undefined> {
    return this.connectivity.orIsolated(promise);
  }

  /** Why nothing can be answered right now: this node is cut off. `undefined` while it is in touch. */
  isolation(): string | undefined {
    return this.connectivity.isolation();
  }

  status(): NodeStatus {
    return {
      connected: this.options.bus.connected(),
      present: this.presence.valid(),
      held: this.ownership.held(),
      owners: this.ownership.owners(),
      entries: this.presence.entries(),
      relay: this.relays.state(),
      effects: this.effects.count(),
      providers: this.effects.providers(),
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
    return "this node was cut off and looks whether it still owns what it is asked for";
  }

  /** Why no work is taken right now. Nothing has been written for a request that is refused here. */
  private refusal(op: ActorRequest["op"], lock: string): ActorReply | undefined {
    // What is acknowledged can be read whatever happens to writes, by its owner.
    const reason = op === "read" ? this.unverified(lock) : this.connectivity.isolation();
    if (reason !== undefined) return { status: "unavailable", reason };
    if (op === "read") return undefined;
    const relay = this.relays.state();
    if (relay.storeRefuses) return storeRefuses;
    if (relay.noRoom !== undefined) {
      return { ...storeRefuses, reason: `the journal has no room: ${relay.noRoom}` };
    }
    if (relay.depth >= this.options.outboxLimit) return { status: "overloaded", retryAfterMs: 1000 };
    if (op === "start" && this.effects.count() >= this.options.effectLimit) {
      return { status: "overloaded", retryAfterMs: 1000 };
    }
    return undefined;
  }

  /** For as long as this process runs: it will not learn to read what a newer one has written. */
  private cannotHost(resource: string): void {
    if (this.incompatible.has(resource)) return;
    this.options.log.error(
      { resource },
      "records of a newer version: the partition goes to a node that can read them",
    );
    this.incompatible.add(resource);
    this.presence.refreshSoon();
  }

  private entry(): NodeEntry {
    return {
      ...this.options.details,
      id: this.options.node,
      boot: this.boot,
      startedAt: this.startedAt,
      held: this.ownership.held(),
      outboxDepth: this.relays.state().depth,
      ...(this.incompatible.size > 0 ? { unfit: [...this.incompatible] } : {}),
      lags: Object.fromEntries(
        this.partitions.flatMap((found, partition) => (found.lag() > 0 ? [[partition, found.lag()]] : [])),
      ),
    };
  }

  /** Writes the floors of the open partitions, again and again, until the node stops. */
  private async writeCheckpoints(): Promise<void> {
    const { clock, log } = this.options;
    while (!this.stopped) {
      await clock.sleep(FLOOR_EVERY_MS);
      for (const partition of this.partitions) {
        if (this.stopped || !partition.isOpen()) continue;
        try {
          await partition.writeCheckpoint();
        } catch (error) {
          log.debug({ err: error }, "floor not written; the next one will say more");
          break;
        }
      }
    }
  }
}
