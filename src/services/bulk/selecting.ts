/**
 * The orders of a plan: what would be reached now, and their ids when the operation starts. By a filter they come from
 * the list of orders, which may lag; by ids from their owners.
 */
import type { Actors } from "../../runtime/actors.ts";
import { allowedCommands, orderMachinesOf, orderStatus } from "../orders/status.ts";
import type { AsOf, Known, NoAnswer, OrderFilter, OrderList } from "../projection/contract.ts";
import { unavailableReply, type UnavailableResult } from "../unavailable.ts";
import {
  type BulkAction,
  bulkLimits,
  type BulkPlan,
  type BulkPreview,
  type StartResult,
} from "./contract.ts";

/** What a plan would reach. */
export type Reach = Pick<BulkPreview, "count" | "exact" | "eligible" | "samples" | "asOf"> & {
  readonly status: "reached";
};

type TooLarge = Extract<StartResult, { readonly status: "selection_too_large" }>;

/** Where orders are found. */
export type SelectionSources = {
  readonly list: Pick<OrderList, "list" | "counts">;
  /** The owners of the orders. */
  readonly actors: Pick<Actors, "read">;
  /** Ids of all parked orders. @throws Unavailable (retryable) */
  readonly parked: () => Promise<ReadonlySet<string>>;
  /** The server's time, ms since the epoch. */
  readonly now: () => number;
};

const SAMPLES = 5;
/** Orders of one page of the list. */
const PAGE = 200;
/** Orders that are read at once. */
const READS = 16;

/** What a plan would reach now. @throws Unavailable (retryable) */
export async function reachOf(
  plan: BulkPlan,
  minSequence: readonly Known[] | undefined,
  sources: SelectionSources,
): Promise<Reach | TooLarge | NoAnswer> {
  return "ids" in plan
    ? await reachOfIds(plan.ids, plan.action, sources)
    : await reachOfFilter(plan.filter, plan.action, minSequence, sources);
}

async function reachOfFilter(
  filter: OrderFilter,
  action: BulkAction,
  minSequence: readonly Known[] | undefined,
  { list }: SelectionSources,
): Promise<Reach | TooLarge | NoAnswer> {
  const known = minSequence ? { minSequence } : {};
  const all = await list.counts({ filter, by: "status", ...known });
  if (all.status !== "counted") return all;
  const count = all.counts.reduce((sum, { value }) => sum + value, 0);
  if (count > bulkLimits.orders) return { status: "selection_too_large", count };
  // What the other answers say is not older.
  const since = { minSequence: knownAt(all.asOf) };
  const able = await list.counts({ filter: { ...filter, can: action }, by: "status", ...since });
  if (able.status !== "counted") return able;
  const page = await list.list({ filter, sort: "-createdAt", limit: SAMPLES, ...since });
  if (page.status !== "found") return page;
  return {
    status: "reached",
    count,
    exact: all.asOf.behindMs === 0,
    eligible: able.counts.map(({ key, value }) => ({ state: key, count: value })),
    samples: page.items.map(({ id, status }) => ({ id, state: status })),
    asOf: all.asOf,
  };
}

async function reachOfIds(
  given: readonly string[],
  action: BulkAction,
  { actors, now, parked }: SelectionSources,
): Promise<Reach | UnavailableResult> {
  const ids = [...new Set(given)];
  const areParked = await parked();
  const found: { readonly id: string; readonly state: string; readonly isEligible: boolean }[] = [];
  let sequence = 0;
  for (let first = 0; first < ids.length; first += READS) {
    const some = ids.slice(first, first + READS);
    const replies = await Promise.all(some.map((id) => actors.read(id)));
    for (const [index, reply] of replies.entries()) {
      const id = some[index]!;
      if (reply.status === "not_found") continue;
      if (reply.status !== "ok") return unavailableReply(reply);
      const machines = orderMachinesOf(reply.snapshot.machines);
      const isEligible =
        action === "resume" || areParked.has(id)
          ? action === "resume" && areParked.has(id)
          : allowedCommands(machines).includes(action);
      found.push({ id, state: orderStatus(machines), isEligible });
      sequence = Math.max(sequence, reply.sequence ?? 0);
    }
  }
  const eligible = Map.groupBy(
    found.filter((one) => one.isEligible),
    ({ state }) => state,
  );
  return {
    status: "reached",
    count: ids.length,
    exact: true,
    eligible: [...eligible]
      .map(([state, orders]) => ({ state, count: orders.length }))
      .toSorted((a, b) => b.count - a.count),
    samples: found.slice(0, SAMPLES).map(({ id, state }) => ({ id, state })),
    asOf: { sequence, at: new Date(now()).toISOString(), behindMs: 0 },
  };
}

/**
 * The ids of a plan's orders now, each once. Orders that begin or cease to fit while the list is read may be among them
 * or not.
 */
export async function idsOf(
  plan: BulkPlan,
  known: readonly Known[],
  list: Pick<OrderList, "list">,
): Promise<{ readonly status: "selected"; readonly ids: readonly string[] } | TooLarge | NoAnswer> {
  if ("ids" in plan) return { status: "selected", ids: [...new Set(plan.ids)] };
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const at = cursor === undefined ? { minSequence: known } : { cursor };
    const page = await list.list({ filter: plan.filter, sort: "createdAt", limit: PAGE, ...at });
    if (page.status !== "found") return page;
    for (const { id } of page.items) ids.add(id);
    if (ids.size > bulkLimits.orders) return { status: "selection_too_large", count: ids.size };
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return { status: "selected", ids: [...ids] };
}

/** The positions that a list knew: `12`, or `0.12,1.7`. */
export function knownAt({ sequence }: AsOf): Known[] {
  return String(sequence)
    .split(",")
    .map((one) => {
      const [first = "", second] = one.split(".");
      return second === undefined
        ? { stream: 0, sequence: Number(first) }
        : { stream: Number(first), sequence: Number(second) };
    });
}
