/** Orders and inventory on the same nodes: a reservation is a part of the order's own commit, or asked of the owner. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { loadNodeSettings } from "../../config/settings.ts";
import { partitionOf, subjects } from "../../config/subjects.ts";
import { composeOrders } from "../../nodes/order/compose.ts";
import type { ComposedOrders } from "../../nodes/order/compose.ts";
import { systemClock } from "../../src/adapters/clock.system.ts";
import { connectNats } from "../../src/adapters/connection.nats.ts";
import { randomIds } from "../../src/adapters/ids.random.ts";
import { natsJournal } from "../../src/adapters/journal.nats.ts";
import { sqliteOutbox } from "../../src/adapters/outbox.sqlite.ts";
import { RecordHeader } from "../../src/runtime/envelope.ts";
import type { Journal, Log } from "../../src/runtime/ports.ts";
import type { PlaceOrder, PlaceResult } from "../../src/services/orders/contract.ts";
import { startNatsServer } from "../support/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { auditLedger } from "./inventory-node.ts";

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

type Running = ComposedOrders & { readonly journal: Journal; crash(): Promise<void> };

async function startNode(t: Test, natsUrl: string, nodeId: string): Promise<Running> {
  const home = mkdtempSync(join(tmpdir(), "orderly-orders-"));
  const settings = loadNodeSettings({
    ORDERLY_NODE_ID: nodeId,
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_PARTITIONS: "4",
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
    link,
    outbox,
    log: silent,
    clock: systemClock,
    ids: randomIds(),
  });
  let over = false;
  const crash = async () => {
    if (over) return;
    over = true;
    // Without its connection nothing that the node still does reaches anybody.
    await link.nc.close();
    void composed.node.stop().catch(() => {});
    outbox.close();
    rmSync(home, { recursive: true, force: true });
  };
  t.teardown(crash);
  await composed.node.start();
  return { ...composed, journal: natsJournal(link), crash };
}

/** Waits until everything has an owner, and tells whose inventory it is. */
async function settled(nodes: readonly Running[]): Promise<Running> {
  return waitUntil("every partition and the inventory are owned by a node that works", () => {
    const held = nodes.map(({ node }) => node.status().held);
    return held.flat().length === 5
      ? nodes.find((_, index) => held[index]?.includes("inventory.0"))
      : undefined;
  });
}

const cash = (sku: string, quantity = 1): PlaceOrder => ({
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku, quantity }],
  payment: { method: "cash_on_delivery" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
});
const shirt = { name: "Shirt", price: { amount: 1999, currency: "EUR" } };

/** The id of an order that was confirmed. */
function confirmed(result: PlaceResult): string {
  if (result.status !== "placed") throw new Error(JSON.stringify(result));
  return result.order.id;
}

const count = (results: readonly PlaceResult[], status: PlaceResult["status"]) =>
  results.filter((result) => result.status === status).length;

function placeAll(nodes: readonly Running[], orders: number, sku: string): Promise<PlaceResult[]> {
  return Promise.all(
    Array.from({ length: orders }, (_, n) =>
      (nodes[n % nodes.length] as Running).orders.place(cash(sku), { caller: "test", waitMs: 20_000 }),
    ),
  );
}

t.test("on the owner's node a cash order, its hold and the stock are one commit", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  await settled([one]);
  await one.inventory.put("A", { onHand: 5, ...shirt });
  const id = confirmed(await one.orders.place(cash("A", 2), { caller: "test", waitMs: 10_000 }));
  const records = await one.journal.readAll(subjects.record(partitionOf(id, 4), id));
  const hold = await one.journal.readLast(subjects.hold(id));
  t.equal(records.length, 1, "reserved, created and confirmed at once");
  t.equal(hold?.headers[RecordHeader.commit], records[0]?.headers[RecordHeader.commit]);
  t.match(await one.inventory.get("A"), { stock: { reserved: 2, available: 3 } });
  t.match(await one.orders.place(cash("A", 4), { caller: "test", waitMs: 10_000 }), {
    status: "out_of_stock",
    missing: [{ sku: "A", requested: 4, available: 3 }],
  });
  t.match(await one.orders.command(id, { type: "cancel", reason: "changed my mind" }), { status: "done" });
  await waitUntil("the hold is released", async () => {
    const got = await one.inventory.get("A");
    return got.status === "found" && got.stock.available === 5;
  });
  await auditLedger(one.journal);
});

t.test("orders on two nodes sell a hot SKU exactly as often as it is there", async (t) => {
  const { url } = await startNatsServer(t);
  const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")];
  const owner = await settled(nodes);
  await owner.inventory.put("HOT", { onHand: 20, ...shirt });
  const results = await placeAll(nodes, 120, "HOT");
  t.equal(count(results, "placed"), 20);
  t.equal(count(results, "out_of_stock"), 100);
  const { stock } = await auditLedger(owner.journal);
  t.match(stock.get("HOT"), { onHand: 20, reserved: 20 });
});

t.test("when the inventory's owner crashes, every confirmed order keeps its hold", async (t) => {
  const { url } = await startNatsServer(t);
  const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")];
  const owner = await settled(nodes);
  const survivor = nodes.find((node) => node !== owner) as Running;
  await owner.inventory.put("HOT", { onHand: 150, ...shirt });
  const results: PlaceResult[] = [];
  const crashed = Promise.withResolvers<void>();
  // Ten customers, one order after the other: the crash comes in the middle of it.
  const selling = Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let n = 0; n < 20; n++) {
        if (n === 12) await crashed.promise;
        results.push(...(await placeAll([survivor], 1, "HOT")));
      }
    }),
  );
  await waitUntil("some are sold", () => results.length >= 30);
  const crash = owner.crash();
  crashed.resolve();
  await crash;
  await selling;
  const placed = results.flatMap((result) => (result.status === "placed" ? [result.order.id] : []));
  t.equal(placed.length, 150);
  t.equal(count(results, "out_of_stock"), 50);
  const { stock, holds } = await auditLedger(survivor.journal);
  t.equal(stock.get("HOT")?.reserved, 150);
  t.strictSame([...holds.keys()].toSorted(), placed.toSorted());
});
