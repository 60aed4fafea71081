/**
 * Finds orders for HTTP: asks the projection of this node, or one of another node while this one has none that answers.
 * Owns: nothing.  Does not own: the projections, which nodes are present.
 * Proved by: test/unit/services/projection/order-list.test.ts
 */
import { isObject, parseObject } from "../../runtime/json.ts";
import type { Bus, Subscription } from "../../runtime/ports.ts";
import type {
  CountQuery,
  ListQuery,
  NoAnswer,
  OrderCounts,
  OrderFilter,
  OrderList,
  OrderPage,
  ProjectionState,
} from "./contract.ts";
import type { ProjectionQuery } from "./projection.ts";
import type { Selection } from "./selection.ts";
import { isState } from "./shape.ts";

/** The projection of this node. */
export type LocalProjection = {
  ask(query: ProjectionQuery): Promise<OrderPage | OrderCounts | NoAnswer>;
  state(): ProjectionState;
  /** False: it is switched off. */
  rebuild(): boolean;
};

/** What finding orders needs of its node. */
export type OrderListOptions = {
  readonly node: string;
  readonly local: LocalProjection;
  readonly bus: Bus;
  /** Present nodes that have a projection. */
  readonly projecting: () => readonly string[];
  /** The owner of each partition, by number; undefined: none. */
  readonly owners: () => ReadonlyMap<number, string>;
  /** The server's time, ms since the epoch. */
  readonly now: () => number;
};

/** Longer than a projection waits for a position. */
const ANSWER_MS = 8_000;
/** Other nodes that are asked for one answer. */
const ASKED_MAX = 3;

const subjectOf = (node: string): string => `projection.${node}`;

/** The projection of this node answers the other nodes from now on. */
export function serveProjectionOf(bus: Bus, node: string, local: LocalProjection): Promise<Subscription> {
  return bus.serve(subjectOf(node), async (payload) => {
    const query = parseObject(payload);
    const answer =
      query && isObject(query["selection"]) ? await local.ask(query as unknown as ProjectionQuery) : OFF;
    return JSON.stringify(answer);
  });
}

const OFF: NoAnswer = { status: "projection_off" };

/** See the top of the file. */
export class ProjectedOrders implements OrderList {
  private readonly options: OrderListOptions;

  constructor(options: OrderListOptions) {
    this.options = options;
  }

  async list({ filter, minSequence, ...how }: ListQuery): Promise<OrderPage | NoAnswer> {
    const answer = await this.answer(filter, { op: "list", ...how, ...(minSequence && { minSequence }) });
    if (answer.status === "counted") throw new Error("a list was answered by counts");
    return answer;
  }

  async counts({ by, filter, minSequence }: CountQuery): Promise<OrderCounts | NoAnswer> {
    const answer = await this.answer(filter, { op: "counts", by, ...(minSequence && { minSequence }) });
    if (answer.status === "found") throw new Error("counts were answered by a list");
    return answer;
  }

  projection(): ProjectionState {
    return this.options.local.state();
  }

  rebuild(): Promise<boolean> {
    return Promise.resolve(this.options.local.rebuild());
  }

  private async answer(
    filter: OrderFilter,
    query: DistributedOmit<ProjectionQuery, "selection">,
  ): Promise<OrderPage | OrderCounts | NoAnswer> {
    const unknown = filter.in?.find((state) => !isState(state));
    if (unknown !== undefined)
      return {
        status: "invalid",
        field: "in",
        reason: `has a state that no machine has: ${unknown.slice(0, 60)}`,
      };
    const asked: ProjectionQuery = { ...query, selection: this.selectionOf(filter) };
    const { local } = this.options;
    let last: NoAnswer = OFF;
    if (local.state().status !== "off") {
      const own = await local.ask(asked);
      if (own.status !== "behind" || own.progress === undefined) return own;
      last = own;
    }
    return await this.fromOthers(asked, last);
  }

  /** @param last the answer when no node has another one */
  private async fromOthers(
    query: ProjectionQuery,
    last: NoAnswer,
  ): Promise<OrderPage | OrderCounts | NoAnswer> {
    const { bus, node, projecting } = this.options;
    const others = projecting().filter((other) => other !== node);
    let answer: OrderPage | OrderCounts | NoAnswer = last;
    for (const other of others.slice(0, ASKED_MAX)) {
      const reply = await bus.request(subjectOf(other), JSON.stringify(query), ANSWER_MS);
      if (reply.status !== "answered") continue;
      const read = parseObject(reply.payload) as OrderPage | OrderCounts | NoAnswer | undefined;
      if (read && read.status !== "projection_off" && read.status !== "unavailable") answer = read;
      if (answer.status !== "projection_off" && answer.status !== "behind") break;
    }
    return answer;
  }

  /** A filter as every node understands it: with the partitions of nodes, and with moments in place of durations. */
  private selectionOf({ node, stuckFor, ...filter }: OrderFilter): Selection {
    const { now, owners } = this.options;
    if (node === undefined && stuckFor === undefined) return filter;
    const stuck = stuckFor === undefined ? {} : { stuckSince: now() - stuckFor };
    if (node === undefined) return { ...filter, ...stuck };
    const { partition } = filter;
    const owned = [...owners()].filter(([number, owner]) => {
      return node.includes(owner) && (partition?.includes(number) ?? true);
    });
    return { ...filter, ...stuck, partition: owned.map(([number]) => number) };
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
