/**
 * What a seed decides before its run begins: the size of the cluster, the settings of its nodes, and which kinds of
 * faults it has, each with its strength. Most kinds are off in most seeds, so that rare combinations occur and no kind
 * hides the others.
 */
import { limits } from "../../src/runtime/limits.ts";
import type { NodeTuning } from "../../src/runtime/host-options.ts";
import { Random } from "./random.ts";

/** All kinds of faults. */
export const faultKinds = [
  // Between a node and the server.
  "request lost",
  "answer lost",
  "request late",
  "answer late",
  "answer repeated",
  "message late",
  "reading old",
  "reading partly old",
  // Of a node and its connection.
  "crash",
  "crash with the loss of the local store",
  "pause",
  "partition in both directions",
  "partition, node unheard",
  "partition, node deaf",
  "connection lost",
  "local store full",
  "clock set",
  "batches lost",
  // What operators do to nodes.
  "node stopped",
  "node added",
  "inventory moved",
  // Outside systems.
  "provider call lost",
  "provider answer lost",
  "provider error",
  "payment declined",
  "capture refused",
  "webhook lost",
  "webhook repeated",
  "webhook out of order",
  "item delivered again",
  "document store away",
  "mail server away",
  "poisonous input",
  // Of the servers.
  "server's clock set",
  // A roll-out, and its end.
  "program changed",
] as const;

/** One of {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[number];

/** The plan of one run. Times in ms of virtual time. */
export type Plan = {
  readonly seed: number;
  /** Names of the nodes at the start. */
  readonly nodes: readonly string[];
  readonly maxNodes: number;
  readonly partitions: number;
  readonly streams: number;
  /** 0: one server. */
  readonly replicationMs: number;
  readonly latencyMs: number;
  readonly latenessMs: number;
  readonly steps: number;
  readonly stepMs: number;
  readonly orders: number;
  readonly skus: readonly string[];
  /** Pieces of each SKU at the start. */
  readonly stock: number;
  readonly manualShare: number;
  readonly stepDelayMs: number;
  readonly deadlineMs: number;
  readonly pollMs: number;
  readonly pollMaxMs: number;
  readonly gatewayTimeoutMs: number;
  readonly presenceTtlMs: number;
  readonly breaker: boolean;
  readonly providerConcurrency: number;
  readonly workers: readonly string[];
  /** How strong each kind is, from 0 (off) to 1. */
  readonly strength: Readonly<Record<FaultKind, number>>;
};

/** Names of nodes, also of those that are added. */
export const NAMES = [
  "one",
  "two",
  "three",
  "four",
  ...Array.from({ length: 16 }, (_, index) => `added${index + 1}`),
] as const;

/** The plan of a seed. Pure. */
export function planOf(seed: number): Plan {
  const random = new Random(seed, "plan");
  const nodes = NAMES.slice(0, random.pick([2, 3, 3, 3, 4]));
  const partitions = random.between(1, 5);
  return {
    seed,
    nodes,
    maxNodes: nodes.length + 1,
    partitions,
    streams: Math.min(partitions, random.pick([1, 1, 1, 2, 3])),
    replicationMs: random.chance(0.5) ? random.pick([2, 8, 40]) : 0,
    latencyMs: random.pick([1, 3, 3, 10]),
    latenessMs: random.pick([0, 100, 300]),
    steps: random.between(8, 22),
    stepMs: random.pick([60, 150, 250, 350]),
    orders: random.between(3, 11),
    skus: ["A", "B", "C"].slice(0, random.between(1, 3)),
    stock: random.pick([6, 20, 60]),
    manualShare: random.pick([0, 0.3, 1]),
    // The last one is late enough for a schedule (ADR 17): after a takeover the server fires it.
    stepDelayMs: random.pick([20, 20, 100, 100, 300, 300, limits.unscheduledMs + 1_000]),
    deadlineMs: random.pick([800, 2500]),
    pollMs: random.pick([5, 50]),
    pollMaxMs: random.pick([200, 1000]),
    gatewayTimeoutMs: random.pick([200, 600]),
    presenceTtlMs: random.pick([1600, 2000, 3000]),
    breaker: random.chance(0.3),
    providerConcurrency: random.pick([1, 4, 64]),
    workers: random.chance(0.7) ? nodes : nodes.slice(0, 1),
    strength: strengths(random),
  };
}

function strengths(random: Random): Record<FaultKind, number> {
  const style = random.next();
  // Without any, with one alone, with few, with about a half.
  const share = style < 0.03 ? 0 : style < 0.1 ? 0.06 : style < 0.5 ? 0.25 : 0.5;
  const of = (): number => (random.chance(share) ? random.pick([0.3, 0.6, 1]) : 0);
  return Object.fromEntries(faultKinds.map((kind) => [kind, of()])) as Record<FaultKind, number>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WRONG_MS = [-8 * HOUR_MS, -HOUR_MS, -MINUTE_MS, -700, 700, MINUTE_MS, HOUR_MS, 13 * HOUR_MS] as const;

/** How far the clock of a node's machine is ahead when it starts, ms. Most clocks are right, or all are wrong. */
export function skewOf({ seed }: Plan, node: string): number {
  const isRight = new Random(seed, "clocks").pick([0, 0.3, 0.7, 1]);
  const random = new Random(seed, `clock of ${node}`);
  return random.chance(isRight) ? 0 : random.pick(WRONG_MS);
}

/** The settings of one node; those of two nodes differ. */
export function tuningOf(plan: Plan, node: string): NodeTuning {
  const random = new Random(plan.seed, `settings of ${node}`);
  const { presenceTtlMs } = plan;
  return {
    presenceTtlMs,
    presenceRefreshMs: random.pick([presenceTtlMs / 8, presenceTtlMs / 4]),
    commitTimeoutMs: random.pick([250, 500, 1200]),
    outboxLimit: random.pick([4, 1000, 1000]),
    effectLimit: random.pick([3, 1000, 1000]),
    idleActors: random.pick([plan.partitions, 6, 1000]),
    findOwnerMs: random.pick([300, 2000, 5000]),
  };
}
