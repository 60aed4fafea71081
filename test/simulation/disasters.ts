/** Faults of nodes and their connections, and what operators do to nodes. */
import { stopping } from "../../src/runtime/limits.ts";
import type { FaultKind } from "./plan.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

/** How long one lasts at most, ms: longer than the life of a presence entry. */
const LONGEST_MS = 4500;
/** Orders that come in while the inventory moves: some wait in the outbox of its owner then. */
const RUSH = 4;
const SETTLING_MS = 300;
const HOUR_MS = 3_600_000;
/** Of a node's machine: far enough to see any use of its clock. */
const CLOCK_STEPS_MS = [-HOUR_MS, -10_000, -700, 0, 700, 3000, HOUR_MS, 30 * 24 * HOUR_MS];
/** Of the servers: the timers that are armed are late or early by as much. */
const SERVER_STEPS_MS = [-20_000, -2000, -300, 300, 2000, 20_000];

/** See the top of the file. */
export class Disasters {
  private readonly world: World;
  private readonly random: Random;

  constructor(world: World) {
    this.world = world;
    this.random = new Random(world.plan.seed, "disasters");
  }

  /** What happens within one step. */
  act(): void {
    const { faults, nodes, changing, wanted } = this.world;
    // A supervisor starts what does not run, sooner or later.
    for (const name of wanted) {
      if (!nodes.has(name) && !changing.has(name) && this.random.chance(0.3)) this.world.boot(name);
    }
    for (const [kind, share, strike] of this.kinds) {
      const name = this.random.pick([...wanted]);
      if (nodes.has(name) && faults.strikes(kind, share)) strike(name);
    }
  }

  /** Of this step, ms. */
  length(): number {
    return this.random.between(0, this.world.plan.stepMs);
  }

  private readonly kinds: readonly (readonly [FaultKind, number, (name: string) => void])[] = [
    ["crash", 0.15, (name) => this.world.crash(name, false)],
    ["crash with the loss of the local store", 0.15, (name) => this.world.crash(name, true)],
    ["pause", 0.2, (name) => this.pause(name)],
    ["partition in both directions", 0.2, (name) => this.link(name, "cut", (link) => link.cut())],
    [
      "partition, node unheard",
      0.2,
      (name) => this.link(name, "unheard", (link) => link.cutOneWay("sending")),
    ],
    ["partition, node deaf", 0.2, (name) => this.link(name, "deaf", (link) => link.cutOneWay("hearing"))],
    ["connection lost", 0.2, (name) => this.link(name, "disconnected", (link) => link.disconnect())],
    ["local store full", 0.2, (name) => this.fill(name)],
    ["clock set", 0.2, (name) => this.setClock(name)],
    ["server's clock set", 0.1, () => this.world.setServerClock(this.random.pick(SERVER_STEPS_MS))],
    ["batches lost", 0.2, (name) => this.stall(this.random.chance(0.5) ? this.inventoryOwner(name) : name)],
    ["node stopped", 0.12, (name) => this.world.stop(name)],
    ["node added", 0.1, () => this.add()],
    ["program changed", 0.15, (name) => this.changeProgram(name)],
    ["inventory moved", 0.15, () => this.moveInventory()],
  ];

  private later(run: () => void): void {
    this.world.cluster.clock.after(this.random.between(50, LONGEST_MS), run);
  }

  private pause(name: string): void {
    const node = this.world.nodes.get(name);
    this.world.trace.say(name, "! is paused");
    node?.clock.pause();
    this.later(() => {
      this.world.trace.say(name, "* goes on");
      node?.clock.resume();
    });
  }

  private link(name: string, what: string, strike: (link: Link) => void): void {
    const link = this.world.nodes.get(name)?.link;
    if (!link || link.state !== "up") return;
    this.world.trace.say(name, `! is ${what}`);
    strike(link);
    this.later(() => {
      this.world.trace.say(name, "* is connected again");
      if (this.world.nodes.get(name)?.link === link) link.reconnect();
    });
  }

  private fill(name: string): void {
    const outbox = this.world.nodes.get(name)?.outbox;
    this.world.trace.say(name, "! local store is full");
    outbox?.failWith("disk full");
    this.later(() => outbox?.failWith(undefined));
  }

  private setClock(name: string): void {
    const ms = this.random.pick(CLOCK_STEPS_MS);
    this.world.trace.say(name, `! clock is set by ${ms} ms`);
    this.world.nodes.get(name)?.clock.set(ms);
    // What judges a lease by it shows when the node is alone meanwhile.
    if (this.random.chance(0.5)) this.link(name, "cut, with its clock set", (link) => link.cut());
  }

  private stall(name: string, leastMs = 300): void {
    const ms = this.random.between(leastMs, LONGEST_MS);
    this.world.trace.say(name, `! batches are lost for ${ms} ms`);
    this.world.stalledUntil.set(name, this.world.now + ms);
  }

  /** Starts a node that takes the inventory, or another part. False when there are enough. */
  private add(): boolean {
    const { world } = this;
    const name = world.newName();
    if (name === undefined || world.wanted.size >= world.plan.maxNodes) return false;
    world.wanted.add(name);
    world.boot(name);
    return true;
  }

  /** The inventory alone changes hands while its owner's batches are lost; the owner keeps its partitions. */
  private moveInventory(): void {
    const { world } = this;
    const owner = this.inventoryOwner("");
    if (world.wanted.size >= world.plan.maxNodes) {
      // The first one stays: it always has workers.
      const last = [...world.wanted].slice(1).findLast((name) => world.nodes.has(name));
      if (last === undefined) return;
      world.stop(last);
      world.wanted.delete(last);
      return;
    }
    // Longer than the owner waits for its write sets before it releases the lock.
    if (!this.add() || owner === "") return;
    this.stall(owner, stopping.drainMs);
    // Once: the faults have to end.
    if (world.faultsUntil === 0) world.faultsUntil = (world.stalledUntil.get(owner) ?? 0) + SETTLING_MS;
    world.rush = RUSH;
  }

  private changeProgram(name: string): void {
    this.world.changeProgram(name, this.random.pick(["narrow", "narrow", "newer", "present"] as const));
  }

  private inventoryOwner(otherwise: string): string {
    const owner = this.world.log.owner("$KV.ORDERS.inventory.0");
    return this.world.nodes.has(owner) ? owner : otherwise;
  }
}

type Link = NonNullable<ReturnType<World["nodes"]["get"]>>["link"];
