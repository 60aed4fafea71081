/**
 * Orders by status for the metrics, asked of the node's own list when they are read.
 * Owns: the newest counts.  Does not own: the list.
 * Invariants
 *   order-counts.C1. A reading asks the list at most once in `EVERY_MS`, and waits for it at most `WAIT_MS`: metrics
 *       are answered while the list is busy, with the counts before.
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
const WAIT_MS = 500;

/** See the top of the file. */
export class OrderCounts {
  private readonly list: Pick<LocalProjection, "ask" | "state">;
  private readonly clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  private askedAt = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> = Promise.resolve();
  private newest: CountedOrders | undefined;

  /** @param clock the server's time */
  constructor(
    list: Pick<LocalProjection, "ask" | "state">,
    clock: Pick<Clock, "now" | "monotonic" | "sleep">,
  ) {
    this.list = list;
    this.clock = clock;
  }

  /** The newest counts; undefined: the node has no list, or its list does not know all orders yet. */
  async read(): Promise<CountedOrders | undefined> {
    const { clock, list } = this;
    if (list.state().status !== "following") return (this.newest = undefined);
    if (clock.monotonic() - this.askedAt >= EVERY_MS) {
      this.askedAt = clock.monotonic();
      this.asking = this.ask();
    }
    await Promise.race([this.asking, clock.sleep(WAIT_MS)]);
    return this.newest;
  }

  private async ask(): Promise<void> {
    const count = (selection: Selection) => this.list.ask({ op: "counts", by: "status", selection });
    const stuckSince = this.clock.now() - STUCK_MS;
    const [all, stuck] = await Promise.all([count({}), count({ stuckSince })]);
    // One that is built anew meanwhile says so.
    if (all.status !== "counted" || stuck.status !== "counted") return;
    this.newest = { byStatus: filled(all), stuck: filled(stuck) };
  }
}

function filled({ counts }: Answer): Record<string, number> {
  const found = new Map(counts.map(({ key, value }) => [key, value]));
  return Object.fromEntries(orderStatuses.map((status) => [status, found.get(status) ?? 0]));
}
