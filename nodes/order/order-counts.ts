/**
 * Orders by status for the metrics, asked of the node's own list when they are read.
 * Owns: the newest counts.  Does not own: the list.
 * Invariants
 *   order-counts.C1. A reading waits for nothing: it has the newest answer of the list, and asks for the next one when
 *       that is older than `EVERY_MS` and none is under way.
 * Proved by: test/unit/nodes/order-counts.test.ts
 */
import type { Clock } from "../../src/runtime/ports.ts";
import { orderStatuses } from "../../src/services/orders/contract.ts";
import type { OrderCounts as Answer } from "../../src/services/projection/contract.ts";
import type { LocalProjection } from "../../src/services/projection/order-list.ts";
import type { Selection } from "../../src/services/projection/selection.ts";

/** Of every status, 0 included. */
export type CountedOrders = {
  readonly byStatus: Readonly<Record<string, number>>;
  readonly stuck: Readonly<Record<string, number>>;
};

/** An order that has not ended is stuck when it has not changed for this long. */
export const STUCK_MS = 3_600_000;
const EVERY_MS = 10_000;

/** See the top of the file. */
export class OrderCounts {
  private readonly list: Pick<LocalProjection, "ask" | "state">;
  private readonly clock: Pick<Clock, "now" | "monotonic">;
  private askedAt = Number.NEGATIVE_INFINITY;
  private isAsking = false;
  private newest: CountedOrders | undefined;

  /** @param clock the server's time */
  constructor(list: Pick<LocalProjection, "ask" | "state">, clock: Pick<Clock, "now" | "monotonic">) {
    this.list = list;
    this.clock = clock;
  }

  /** The newest counts; undefined: the node has no list, its list does not know all orders yet, or has not answered. */
  read(): CountedOrders | undefined {
    const { clock, list } = this;
    if (list.state().status !== "following") return (this.newest = undefined);
    if (!this.isAsking && clock.monotonic() - this.askedAt >= EVERY_MS) void this.ask();
    return this.newest;
  }

  private async ask(): Promise<void> {
    const { clock, list } = this;
    const count = (selection: Selection) => list.ask({ op: "counts", by: "status", selection });
    this.isAsking = true;
    this.askedAt = clock.monotonic();
    const [all, stuck] = await Promise.all([count({}), count({ stuckSince: clock.now() - STUCK_MS })]);
    this.isAsking = false;
    // One that is built anew meanwhile says so.
    if (all.status !== "counted" || stuck.status !== "counted") return;
    this.newest = { byStatus: filled(all), stuck: filled(stuck) };
  }
}

function filled({ counts }: Answer): Record<string, number> {
  const found = new Map(counts.map(({ key, value }) => [key, value]));
  return Object.fromEntries(orderStatuses.map((status) => [status, found.get(status) ?? 0]));
}
