/**
 * Follows the list of orders for all clients of a node together: while a client follows, it reads the newest changes a
 * few times a second, once for all.
 * Owns: the position of each client, the reading.  Does not own: the projection, connections to clients.
 * Invariants
 *   live-list.L1. A change of an order after the position of a client is passed on, or `more` says that changes are
 *                 left out: at most `PAGE` orders are in one frame.
 *   live-list.L2. No client follows: nothing is read.
 * Proved by: test/unit/services/live-list.test.ts, test/fault/order-stream.test.ts
 */
import type { Clock } from "../../runtime/ports.ts";
import type { OrderCounts, OrderList, OrderPage, OrderSummary } from "../projection/contract.ts";
import type { LiveList, OrdersListener } from "./contract.ts";

/** Orders of one frame. */
const PAGE = 200;
const READ_EVERY_MS = 250;
/** Readings between two of the counts. */
const COUNT_EVERY = 4;
/** Pause while there is no list. */
const AGAIN_MS = 1_000;

/** Sequences by stream. */
type Position = readonly number[];

type Watch = { position: Position | undefined; counted: string; readonly listener: OrdersListener };

/** See {@link LiveList}. */
export class SharedLiveList implements LiveList {
  private readonly list: Pick<OrderList, "list" | "counts">;
  private readonly clock: Pick<Clock, "after">;
  private readonly watches = new Set<Watch>();
  private reading = false;
  private readings = 0;
  private counts: OrderCounts | undefined;

  constructor(list: Pick<OrderList, "list" | "counts">, clock: Pick<Clock, "after">) {
    this.list = list;
    this.clock = clock;
  }

  follow(after: string | undefined, listener: OrdersListener): () => void {
    const watch: Watch = {
      position: after === undefined ? undefined : positionOf(after),
      counted: "",
      listener,
    };
    this.watches.add(watch);
    if (!this.reading) void this.read();
    return () => void this.watches.delete(watch);
  }

  /** One reading; the next one follows while a client does. */
  private async read(): Promise<void> {
    this.reading = true;
    const found = await this.readOnce();
    if (this.watches.size > 0) this.clock.after(found ? READ_EVERY_MS : AGAIN_MS, () => void this.read());
    else this.reading = false;
  }

  private async readOnce(): Promise<boolean> {
    const page = await this.list.list({ filter: {}, sort: "-updatedAt", limit: PAGE });
    if (page.status !== "found") return false;
    if (this.readings++ % COUNT_EVERY === 0 || !this.counts) {
      const counts = await this.list.counts({ filter: {}, by: "status" });
      if (counts.status === "counted") this.counts = counts;
    }
    for (const watch of this.watches) this.pass(watch, page);
    return true;
  }

  private pass(watch: Watch, page: OrderPage): void {
    const reached = positionOf(String(page.asOf.sequence));
    const before = watch.position ?? reached;
    // The list may come from another node, which has not come as far.
    watch.position = reached.map((sequence, stream) => Math.max(sequence, before[stream] ?? 0));
    const items = page.items.filter((order) => isAfter(order, before));
    const more = items.length === PAGE;
    if (items.length > 0)
      watch.listener.changed({ items, more, position: textOf(watch.position), asOf: page.asOf });
    if (!this.counts) return;
    const { asOf, counts } = this.counts;
    const text = JSON.stringify(counts);
    if (text === watch.counted) return;
    watch.counted = text;
    watch.listener.counted({ counts, asOf, position: textOf(watch.position) });
  }
}

const isAfter = ({ partition, sequence }: OrderSummary, position: Position): boolean =>
  sequence > (position[partition % position.length] ?? 0);

/** `12`, or `0.12,1.7`. */
function positionOf(text: string): Position {
  const sequences: (number | undefined)[] = [];
  for (const part of text.split(",")) {
    const [first = "", second] = part.split(".");
    if (second === undefined) sequences[0] = Number(first);
    else sequences[Number(first)] = Number(second);
  }
  return Array.from(sequences, (sequence = 0) => sequence);
}

function textOf(position: Position): string {
  if (position.length === 1) return String(position[0]);
  return position.map((sequence, stream) => `${stream}.${sequence}`).join(",");
}
