/** One simulated shop: the cluster with its nodes, the outside systems, and the audits. */
import { memoryNode } from "../../src/adapters/memory/connection.ts";
import { MemoryWorkQueues } from "../../src/adapters/memory/work-queue.ts";
import type { Actors, ParkedActors } from "../../src/runtime/actors.ts";
import { stopping } from "../../src/runtime/limits.ts";
import { assignment } from "../../src/runtime/cluster/assignment.ts";
import type { Log } from "../../src/runtime/ports.ts";
import type { RunningWorker } from "../../src/runtime/workers/worker.ts";
import type { InventoryClient } from "../../src/services/inventory/client.ts";
import { INVOICE_NUMBERS } from "../../src/services/invoice/subjects.ts";
import { subjects } from "../../src/services/subjects.ts";
import { silent } from "../unit/runtime/commit/relay-stage.ts";
import { type ClusterNode, memoryCluster } from "../unit/runtime/memory-cluster.ts";
import { orderApplication, startWorkers } from "./application.ts";
import { FaultCounter } from "./fault-counter.ts";
import { LogAudit } from "./log-audit.ts";
import { lateDeliveries, networkFaults } from "./network.ts";
import { NAMES, type Plan, skewOf, tuningOf } from "./plan.ts";
import type { Program } from "./probe.ts";
import { Providers } from "./providers.ts";
import { Random } from "./random.ts";
import { ReplyAudit } from "./reply-audit.ts";
import { Trace } from "./trace.ts";
import { Violations } from "./violations.ts";

/** A running node, as the callers of its process see it: their replies are audited. */
export type SimulatedNode = Omit<ClusterNode, "actors" | "parked"> & {
  readonly actors: Actors & ParkedActors;
  readonly inventory: InventoryClient;
  readonly workers: RunningWorker[];
};

const INVENTORY = "inventory.0";
/** A process that does not end by itself is killed after so long, as its parent would do. */
const STOP_LIMIT_MS = stopping.processMs;

/** The longest time without an answer, and a sample: a server's clock that was set is known. */
const FOLLOWED_WITHIN_MS = 10_000;
/** A node's time does not go back by less. */
const HELD_MS = 1_000;

/** See the top of the file. */
export class World {
  readonly plan: Plan;
  readonly violations = new Violations();
  readonly trace: Trace;
  readonly faults: FaultCounter;
  readonly cluster: ReturnType<typeof memoryCluster>;
  readonly providers: Providers;
  readonly log: LogAudit;
  readonly replies: ReplyAudit;
  readonly nodes = new Map<string, SimulatedNode>();
  /** Names of processes that start or stop. */
  readonly changing = new Set<string>();
  /** Names of the nodes that should run. */
  readonly wanted: Set<string>;
  /** Virtual time until which a node's batches are lost. */
  readonly stalledUntil = new Map<string, number>();
  /** What a node runs from its next start on, unless it is the present program. */
  readonly programs = new Map<string, Program>();
  /** What it was started with. */
  private readonly running = new Map<string, Program>();
  /** Some node was to run the newer program: orders may be stored that the present one cannot read. */
  private newerStored = false;
  /** Poisonous inputs that the program takes by now. */
  readonly mended = new Set<string>();
  /** Clients that wait for an answer, or are about to repeat their request. */
  waiting = 0;
  /** Virtual time before which the faults do not end. */
  faultsUntil = 0;
  /** Virtual time at which the clock of the servers was set last. */
  private serverClockSetAt = Number.NEGATIVE_INFINITY;
  /** Orders that customers place at once, besides the planned ones. */
  rush = 0;
  private readonly queues: MemoryWorkQueues;
  private workerIds = 0;

  /** @param keptLines number of lines of the trace that are kept */
  constructor(plan: Plan, keptLines?: number) {
    const { seed } = plan;
    this.plan = plan;
    this.wanted = new Set(plan.nodes);
    this.faults = new FaultCounter(plan, new Random(seed, "faults"));
    const network = new Random(seed, "network");
    this.cluster = memoryCluster({
      partitions: plan.partitions,
      streams: plan.streams,
      latencyMs: () => network.between(1, plan.latencyMs),
      latenessMs: () => network.between(0, plan.latenessMs),
      ...(plan.replicationMs > 0 ? { replicationMs: () => network.between(0, plan.replicationMs) } : {}),
      deliveryDelayMs: lateDeliveries(network, this.faults),
      presenceAgeMs: plan.presenceTtlMs,
      buckets: [INVOICE_NUMBERS],
      // As with nodes of 0.1.0: programs with one version and different states may meet.
      comparesDefinitions: false,
      tuning: (node) => tuningOf(plan, node),
      skewMs: (node) => skewOf(plan, node),
      log: (node) => this.logOf(node),
    });
    const { clock, server } = this.cluster;
    this.trace = new Trace(() => clock.monotonic(), keptLines);
    this.violations.onAdded = (text) => this.trace.say("violated", text);
    this.cluster.faults.push(networkFaults(network, this.faults, this.trace, (node) => this.isStalled(node)));
    const logs = subjects.streams(plan.streams).map((name) => server.log(name));
    this.log = new LogAudit(logs, this.violations, this.trace);
    this.replies = new ReplyAudit(this.log, this.violations);
    this.providers = new Providers({
      clock,
      random: new Random(seed, "outside"),
      faults: this.faults,
      audit: this.log,
      violations: this.violations,
      trace: this.trace,
    });
    this.queues = new MemoryWorkQueues(memoryNode(server, "server").journals, clock, () =>
      this.faults.strikes("item delivered again", 0.3),
    );
  }

  /** ms of virtual time since the start. */
  get now(): number {
    return this.cluster.clock.monotonic();
  }

  /** Starts a process, unless one of this name runs, starts or stops. */
  boot(name: string): void {
    if (this.nodes.has(name) || this.changing.has(name)) return;
    this.changing.add(name);
    this.trace.say(name, "* starts");
    void this.start(name)
      .catch((error: unknown) => this.trace.say(name, `* does not start: ${String(error)}`))
      .finally(() => {
        this.changing.delete(name);
        // It was to run another program while it started.
        if (this.running.get(name) !== this.programOf(name)) this.stop(name);
      });
  }

  private programOf(name: string): Program {
    return this.programs.get(name) ?? "present";
  }

  private async start(name: string): Promise<void> {
    const { cluster, mended, plan, providers } = this;
    let inventory: InventoryClient | undefined;
    const node = await cluster.launch(
      name,
      (host) => {
        const program = this.programOf(name);
        this.running.set(name, program);
        const application = orderApplication(host, plan, providers, mended, program);
        inventory = application.inventory;
        return application;
      },
      (bus) => this.replies.bus(name, bus),
    );
    if (!inventory) throw new Error("the application was not made");
    const workers: RunningWorker[] = [];
    // `Router` is both; its methods do not need each other.
    const router = node.actors as Actors & ParkedActors;
    this.nodes.set(name, { ...node, actors: this.replies.actors(name, router), inventory, workers });
    this.trace.say(name, "* runs");
    if (plan.workers.includes(name)) void this.startWorkers(node, workers);
  }

  private async startWorkers(node: ClusterNode, workers: RunningWorker[]): Promise<void> {
    const ids = { next: () => `worker${++this.workerIds}` };
    const host = { ports: node, clock: node.node.clock, ids, log: silent, queues: this.queues };
    workers.push(...(await startWorkers(host, this.plan, this.providers)));
  }

  /** An operator or a time service sets the clock of the servers, by `ms`. */
  setServerClock(ms: number): void {
    this.trace.say("server", `! its clock is set by ${ms} ms`);
    const { clock, serverClock } = this.cluster;
    serverClock.set(serverClock.now() - clock.now() + ms);
    this.serverClockSetAt = this.now;
    this.log.serverClockSet(ms);
  }

  /** Every node knows the server's time as exactly as it says; some time after the server's clock was set. */
  checkClocks(): void {
    if (this.now - this.serverClockSetAt < FOLLOWED_WITHIN_MS) return;
    const server = this.cluster.serverClock.now();
    for (const [name, { node }] of this.nodes) {
      const { clock } = node;
      const { uncertaintyMs } = clock.state();
      const error = clock.now() - server;
      // While a better sample corrects it, the time does not go back.
      if (error < -uncertaintyMs - 1 || error > uncertaintyMs + HELD_MS)
        this.violations.add(`${name} takes the time for ${error} ms more than it is, +- ${uncertaintyMs} ms`);
    }
  }

  /** The process ends without a word. */
  crash(name: string, losesStore: boolean): void {
    this.trace.say(name, losesStore ? "! crashes, its local store is lost" : "! crashes");
    this.nodes.get(name)?.kill();
    this.nodes.delete(name);
    if (losesStore) this.cluster.loseDisk(name);
  }

  /** As after SIGTERM: the node hands over, as far as the servers answer, and ends. */
  stop(name: string): void {
    const node = this.nodes.get(name);
    if (!node) return;
    this.trace.say(name, "* is asked to stop");
    this.nodes.delete(name);
    this.changing.add(name);
    const stopped = Promise.all([node.node.stop(), ...node.workers.map((worker) => worker.stop())]);
    void Promise.race([stopped, this.cluster.pause(STOP_LIMIT_MS)]).finally(() => {
      node.kill();
      this.trace.say(name, "* has stopped");
      this.changing.delete(name);
    });
  }

  /** The node goes on with another program. */
  changeProgram(name: string, program: Program): void {
    this.trace.say(name, `* is to run the ${program} program`);
    this.programs.set(name, program);
    if (program === "newer") this.newerStored = true;
    this.stop(name);
  }

  /** Every node goes on with a program that can read every order. */
  finishRollOut(): void {
    const last = this.newerStored ? "newer" : "present";
    for (const name of NAMES) {
      if (this.programOf(name) === last) continue;
      this.programs.set(name, last);
      this.stop(name);
    }
  }

  /** A name of no node; one that takes the inventory, and as little as possible of its owner's partitions. */
  newName(): string | undefined {
    const free = NAMES.filter(
      (name) => !this.wanted.has(name) && !this.changing.has(name) && !this.nodes.has(name),
    );
    const present = [...this.nodes.keys()];
    const resources = [
      ...Array.from({ length: this.plan.partitions }, (_, partition) => `partition.${partition}`),
      INVENTORY,
    ];
    const before = assignment(resources, present);
    const owner = before.get(INVENTORY);
    const movedBy = (name: string): number => {
      const after = assignment(resources, [...present, name]);
      const moved = resources.filter(
        (resource) => before.get(resource) === owner && after.get(resource) !== owner,
      );
      return after.get(INVENTORY) === name ? moved.length : resources.length + 1;
    };
    return free.toSorted((a, b) => movedBy(a) - movedBy(b))[0];
  }

  /** Repeats `ask` on nodes that a client meets, until it returns an answer. */
  async insist<T>(
    random: Random,
    tries: number,
    ask: (node: SimulatedNode, attempt: number) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    this.waiting++;
    for (let attempt = 1; attempt <= tries; ) {
      const node = this.nodes.get(random.pick([...this.wanted]));
      // A missing node is no try: the run starts nodes again, and ends before the tries do.
      const answer = node && (await Promise.race([ask(node, attempt++), this.cluster.pause(4000)]));
      if (answer !== undefined) {
        this.waiting--;
        return answer;
      }
      await this.cluster.pause(random.between(20, 120));
    }
    this.waiting--;
    return undefined;
  }

  /** Warnings and errors of a node are lines of the trace. */
  private logOf(node: string): Log {
    const say = (level: string) => (fields: object, message: string) => {
      const { err, ...others } = fields as { readonly err?: unknown };
      const cause = err === undefined ? "" : `: ${err instanceof Error ? err.message : JSON.stringify(err)}`;
      this.trace.say(node, `${level} ${message}${cause} ${JSON.stringify(others)}`);
    };
    const log: Log = { ...silent, warn: say("warning:"), error: say("error:"), child: () => log };
    return log;
  }

  private isStalled(node: string): boolean {
    return (this.stalledUntil.get(node) ?? 0) > this.now;
  }
}
