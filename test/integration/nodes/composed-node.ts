/** The order application on one node in this process, on a real server; a crash loses everything in its memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { loadNodeSettings } from "../../../config/settings.ts";
import { type ComposedOrders, composeOrders } from "../../../nodes/order/compose.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { sqliteOutbox } from "../../../src/adapters/local/sqlite-outbox.ts";
import type { Journal } from "../../../src/runtime/ports.ts";
import { instantCarrier } from "../../support/instant-carrier.ts";
import { masterKeysOf } from "../../support/master-keys.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { PlaceOrder, PlaceResult } from "../../../src/services/orders/contract.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

/** A node whose parts a test can inspect. */
export type Running = ComposedOrders & {
  /** The first stream, which has the inventory. */
  readonly journal: Journal;
  /** Every stream, by its number. */
  readonly journals: readonly Journal[];
  crash(): Promise<void>;
};

export const PARTITIONS = 4;

/** Four partitions in `streams` streams; disconnected and dropped when the test is over. */
export async function startNode(t: Test, natsUrl: string, nodeId: string, streams = 1): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), "orderly-orders-"));
  const settings = loadNodeSettings({
    ORDERLY_NODE_ID: nodeId,
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_PARTITIONS: String(PARTITIONS),
    ORDERLY_STREAMS: String(streams),
    ORDERLY_PRESENCE_TTL_MS: "1000",
    ORDERLY_PRESENCE_REFRESH_MS: "200",
    ORDERLY_FULFILLMENT: "manual",
    NATS_URL: natsUrl,
    ORDERLY_HOME: home,
  });
  const link = await connectNats({ servers: [natsUrl], name: nodeId, connectTimeoutMs: 5000 });
  const outbox = sqliteOutbox({ path: join(home, "outbox.sqlite") });
  const composed = await composeOrders({
    settings,
    program: { version: "0.0.0-test" },
    link,
    masterKeys: masterKeysOf(),
    outbox,
    log: quietLog,
    clock: systemClock,
    ids: randomIds(),
    carrier: instantCarrier,
  });
  let over = false;
  const crash = async () => {
    if (over) return;
    over = true;
    // Without its connection nothing that the node still does reaches the server.
    await link.nc.close();
    void composed.node.stop().catch(() => {});
    outbox.close();
    rmSync(home, { recursive: true, force: true });
  };
  t.teardown(crash);
  await composed.node.start();
  const journals = subjects.streams(streams).map((stream) => natsJournal(link, stream));
  return { ...composed, journal: natsJournal(link, subjects.stream(0)), journals, crash };
}

/** Waits until every resource has an owner, and returns the owner of the inventory. */
export async function settled(nodes: readonly Running[]): Promise<Running> {
  return waitUntil("every partition and the inventory are owned by a node that works", () => {
    const held = nodes.map(({ node }) => node.status().held);
    return held.flat().length === 5
      ? nodes.find((_, index) => held[index]?.includes("inventory.0"))
      : undefined;
  });
}

/** A cash order of one line. */
export const cash = (sku: string, quantity = 1): PlaceOrder => ({
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku, quantity }],
  payment: { method: "cash_on_delivery" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
});
export const shirt = { name: "Shirt", price: { amount: 1999, currency: "EUR" } };

/** Checks that the order is confirmed, and returns its id. */
export function confirmed(result: PlaceResult): string {
  if (result.status !== "placed") throw new Error(JSON.stringify(result));
  return result.order.id;
}

export const count = (results: readonly PlaceResult[], status: PlaceResult["status"]) =>
  results.filter((result) => result.status === status).length;

/** Orders of one piece each, on the nodes in turn. */
export function placeAll(nodes: readonly Running[], orders: number, sku: string): Promise<PlaceResult[]> {
  return Promise.all(
    Array.from({ length: orders }, (_, n) =>
      (nodes[n % nodes.length] as Running).orders.place(cash(sku), { caller: "test", waitMs: 20_000 }),
    ),
  );
}
