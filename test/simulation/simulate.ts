/** Runs one seed. The same seed gives the same run, to the byte. */
import { Customers } from "./customers.ts";
import { Disasters } from "./disasters.ts";
import { checkEnd, unapplied, unfinished } from "./end.ts";
import { type FaultKind, planOf } from "./plan.ts";
import { Staff } from "./staff.ts";
import { World } from "./world.ts";

/** The result of one run. */
export type SimulationRun = {
  readonly seed: number;
  /** The violated invariants; empty when all hold. */
  readonly violations: readonly string[];
  /** Of the whole trace: equal for equal runs. */
  readonly digest: string;
  /** The newest lines of the trace. */
  readonly lines: readonly string[];
  readonly virtualMs: number;
  readonly steps: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** How the orders ended, by status. */
  readonly ends: Readonly<Record<string, number>>;
  readonly replies: number;
  readonly stored: number;
  readonly takeovers: number;
  /** Timers. */
  readonly firedByOwner: number;
  readonly firedBySuccessor: number;
  readonly firedByServer: number;
};

/** Within this virtual time after the last fault everything has to end. */
const CONVERGENCE_MS = 240_000;
const BOOT_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 250;

/** @param keptLines number of lines of the trace that are kept for a reader */
export async function simulate(seed: number, keptLines?: number): Promise<SimulationRun> {
  const plan = planOf(seed);
  const world = new World(plan, keptLines);
  const { violations } = world;
  const onRejection = (error: unknown): void =>
    violations.add(`a process ended with ${error instanceof Error ? error.stack : String(error)}`);
  process.on("unhandledRejection", onRejection);
  const customers = new Customers(world);
  let steps = 0;
  try {
    steps = await play(world, customers);
    if (!violations.any) await checkEnd(world, customers);
  } catch (error) {
    violations.add(`the run ended with ${error instanceof Error ? error.stack : String(error)}`);
  }
  for (const node of world.nodes.values()) node.kill();
  // Node reports unhandled rejections before the next immediate.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onRejection);
  const ends: Record<string, number> = {};
  for (const id of customers.orders.keys()) {
    const status = world.log.order(id)?.status ?? "never stored";
    ends[status] = (ends[status] ?? 0) + 1;
  }
  return {
    seed,
    violations: violations.found,
    digest: world.trace.digest(),
    lines: world.trace.lines(),
    virtualMs: world.now,
    steps,
    faults: world.faults.counts,
    ends,
    replies: world.replies.count,
    stored: world.log.stored,
    takeovers: world.log.takeovers,
    firedByOwner: world.log.firedByOwner,
    firedBySuccessor: world.log.firedBySuccessor,
    firedByServer: world.log.firedByServer,
  };
}

/** @returns the number of steps */
async function play(world: World, customers: Customers): Promise<number> {
  const { cluster, plan, violations } = world;
  const staff = new Staff(world, customers);
  const disasters = new Disasters(world);
  for (const name of plan.nodes) world.boot(name);
  await boot(world);
  await cluster.done(Promise.all(plan.skus.map((sku) => staff.count(sku, plan.stock))));
  let step = 0;
  for (; (step < plan.steps || world.now < world.faultsUntil) && !violations.any; step++) {
    world.providers.changeMood();
    disasters.act();
    customers.act();
    staff.act(false);
    await cluster.clock.advanceUntil(() => violations.any, disasters.length());
    world.checkClocks();
  }
  if (violations.any) return step;
  heal(world);
  for (let left = CONVERGENCE_MS; ; left -= LOOK_EVERY_MS) {
    for (const name of world.wanted)
      if (!world.nodes.has(name) && !world.changing.has(name)) world.boot(name);
    staff.act(true);
    await cluster.clock.advanceUntil(() => violations.any, LOOK_EVERY_MS);
    world.checkClocks();
    if (violations.any) return step;
    const reasons = [...unfinished(world), ...unapplied(world, customers)];
    if (reasons.length === 0) return step;
    if (left > 0) continue;
    for (const reason of reasons) violations.add(`never ended: ${reason}`);
    return step;
  }
}

async function boot(world: World): Promise<void> {
  const { cluster, plan } = world;
  const begun = world.now;
  while (world.nodes.size < plan.nodes.length || world.changing.size > 0) {
    for (const name of plan.nodes) if (!world.nodes.has(name) && !world.changing.has(name)) world.boot(name);
    await cluster.clock.advance(100);
    if (world.now - begun > BOOT_LIMIT_MS) throw new Error("the nodes do not start");
  }
  await cluster.settled();
}

/** The faults are over: everything that began has to end now. */
function heal(world: World): void {
  world.trace.say("*", "the faults are over");
  world.faults.end();
  world.providers.changeMood();
  world.stalledUntil.clear();
  world.cluster.repairDisks();
  for (const { clock, link } of world.nodes.values()) {
    // Clocks stay wrong, to the end.
    clock.resume();
    link.reconnect();
  }
  world.finishRollOut();
}
