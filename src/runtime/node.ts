/**
 * One node: everything of the runtime put together. Composition only.
 * Start order: presence, then locks; stop order: hand over, then presence. A node that is killed leaves its lock
 * entries, its floor entries and an outbox that nobody needs: nothing in it was answered (ADR 1).
 */
import type { ActorReply, Actors } from "./actors.ts";
import type { ActorDefinition } from "./definition.ts";
import { EffectRunner } from "./effects.ts";
import { checkMachine } from "./machine.ts";
import { Ownership } from "./ownership.ts";
import { Partition } from "./partition.ts";
import { pause } from "./pause.ts";
import type { Bucket, Bus, Clock, Ids, Journal, Log, Outbox } from "./ports.ts";
import { type NodeEntry, Presence } from "./presence.ts";
import { Relay, type RelayState } from "./relay.ts";
import type { OwnedResource } from "./resource.ts";
import { Router } from "./router.ts";
import type { UnitSink } from "./unit.ts";

export type NodeOptions = {
  readonly node: string;
  /** What runs here. Whatever it owns besides actors publishes through the same outbox. */
  readonly application: (sink: UnitSink) => Application;
  readonly journal: Journal;
  readonly bus: Bus;
  readonly nodes: Bucket;
  readonly floors: Bucket;
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
  /** Actors kept in memory, on the whole node, when nothing is under way for them. */
  readonly idleActors: number;
  /** Time for finding an owner while partitions change hands, ms. */
  readonly findOwnerMs: number;
  /** Shown to the other nodes and to operators. */
  readonly details: Readonly<Record<string, unknown>>;
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
  readonly partitions: readonly {
    readonly partition: number;
    readonly open: boolean;
    readonly lag: number;
    readonly actors: number;
    readonly parked: number;
  }[];
};

const FLOOR_EVERY_MS = 1000;
const STORE_PROBE_MS = 500;
const INBOX_BOUND = 2000;

export class RuntimeNode {
  readonly actors: Actors;
  private readonly options: NodeOptions;
  private readonly relay: Relay;
  private readonly effects: EffectRunner;
  private readonly partitions: Partition[];
  private readonly presence: Presence;
  private readonly ownership: Ownership;
  private readonly boot: string;
  private readonly startedAt: number;
  private stopped = false;

  constructor(options: NodeOptions) {
    this.options = options;
    const { journal, bus, clock, ids, log, node } = options;
    this.boot = ids.next();
    this.startedAt = clock.now();
    this.relay = new Relay({
      journal,
      outbox: options.outbox,
      clock,
      log,
      commitTimeoutMs: options.commitTimeoutMs,
      markEveryMs: FLOOR_EVERY_MS,
      onLockMoved: (lock) => this.ownership.moved(lock),
    });
    const { definition, resources } = options.application(this.relay);
    for (const [name, entry] of Object.entries(definition.machines)) {
      checkMachine(name, entry.machine, Object.keys(definition.effects));
    }
    this.effects = new EffectRunner({ handlers: definition.effects, clock, log });
    this.partitions = Array.from(
      { length: options.partitions },
      (_, partition) =>
        new Partition({
          definition,
          journal,
          sink: this.relay,
          effects: this.effects,
          clock,
          ids,
          log,
          node,
          idleActors: Math.ceil(options.idleActors / options.partitions),
          partition,
          bus,
          floors: options.floors,
          relay: this.relay,
          refusal: () => this.refusal(),
          inboxBound: INBOX_BOUND,
        }),
    );
    this.presence = new Presence({
      nodes: options.nodes,
      clock,
      log,
      ttlMs: options.presenceTtlMs,
      refreshMs: options.presenceRefreshMs,
      entry: () => this.entry(),
      onChange: () => this.ownership.review(),
    });
    this.ownership = new Ownership({
      journal,
      clock,
      ids,
      log,
      presence: this.presence,
      node,
      boot: this.boot,
      resources: [...this.partitions, ...resources],
      commitTimeoutMs: options.commitTimeoutMs,
    });
    this.actors = new Router({
      partitions: options.partitions,
      bus,
      journal,
      clock,
      local: (partition) => {
        const found = this.partitions[partition];
        return found?.isOpen() ? (request) => found.handle(request) : undefined;
      },
      findOwnerMs: options.findOwnerMs,
    });
  }

  /** @throws Unavailable */
  async start(): Promise<void> {
    const { bus, outbox, log } = this.options;
    const leftover = outbox.leftover();
    if (leftover.length > 0) {
      log.info({ units: leftover.length }, "outbox of an earlier run dropped: nothing in it was answered");
      outbox.settle(
        leftover.map((row) => row.commit),
        leftover.flatMap((row) => (row.snapshot ? [row.snapshot.actor] : [])),
      );
    }
    bus.onConnectionChange((connected) => {
      log.warn({ connected }, connected ? "connected again" : "connection lost");
      if (connected) this.presence.reconnected();
    });
    await this.presence.start();
    await this.ownership.start();
    void this.writeFloors();
  }

  /** Hands over in order: other nodes take over without waiting. Bounded by the drain limits. */
  async stop(): Promise<void> {
    await this.presence.leave();
    await this.ownership.stop();
    this.stopped = true;
    this.effects.stop();
    this.relay.stop();
    await this.presence.stop();
  }

  status(): NodeStatus {
    return {
      connected: this.options.bus.connected(),
      present: this.presence.valid(),
      held: this.ownership.held(),
      owners: this.ownership.owners(),
      entries: this.presence.entries(),
      relay: this.relay.state(),
      effects: this.effects.count(),
      partitions: this.partitions.map((found, partition) => ({
        partition,
        open: found.isOpen(),
        lag: found.lag(),
        ...found.counts(),
      })),
    };
  }

  /** Why no work is taken right now. Nothing has been written for a request that is refused here. */
  private refusal(): ActorReply | undefined {
    if (!this.presence.valid() || !this.options.bus.connected()) {
      return { status: "unavailable", reason: "this node has lost touch with the cluster" };
    }
    const relay = this.relay.state();
    if (relay.storeRefusedMsAgo !== undefined && relay.storeRefusedMsAgo < STORE_PROBE_MS) {
      return { status: "unavailable", reason: "the node's local store cannot be written" };
    }
    if (relay.depth >= this.options.outboxLimit) return { status: "overloaded", retryAfterMs: 1000 };
    return undefined;
  }

  private entry(): NodeEntry {
    return {
      ...this.options.details,
      id: this.options.node,
      boot: this.boot,
      startedAt: this.startedAt,
      held: this.ownership.held(),
      outboxDepth: this.relay.state().depth,
      lags: Object.fromEntries(
        this.partitions.flatMap((found, partition) => (found.lag() > 0 ? [[partition, found.lag()]] : [])),
      ),
    };
  }

  /** Writes the floors of the open partitions, again and again, until the node stops. */
  private async writeFloors(): Promise<void> {
    const { clock, log } = this.options;
    while (!this.stopped) {
      await pause(clock, FLOOR_EVERY_MS);
      for (const partition of this.partitions) {
        if (this.stopped || !partition.isOpen()) continue;
        try {
          await partition.writeFloor();
        } catch (error) {
          log.debug({ err: error }, "floor not written; the next one will say more");
          break;
        }
      }
    }
  }
}
