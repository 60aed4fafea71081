/**
 * Orders and inventory on the same nodes: a reservation is a part of the order's own commit, or a request to the owner.
 */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { RecordHeader } from "../../../src/runtime/actor/snapshot.ts";
import type { PlaceResult } from "../../../src/services/orders/contract.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import {
  cash,
  confirmed,
  count,
  placeAll,
  type Running,
  settled,
  shirt,
  startNode,
} from "../nodes/composed-node.ts";
import { auditLedger } from "./inventory-node.ts";

t.test("on the owner's node a cash order, its hold and the stock are one commit", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  await settled([one]);
  await one.inventory.put("A", { onHand: 5, ...shirt });
  const id = confirmed(await one.orders.place(cash("A", 2), { caller: "test", waitMs: 10_000 }));
  const records = await one.journal.readAll(subjects.record(partitionOf(id, 4), id));
  const hold = await one.journal.readLast(inventorySubjects.hold(id));
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

const at = (amount: number) => ({ ...shirt, onHand: 500, price: { ...shirt.price, amount } });

t.test("no order is confirmed at another total than expected while prices change", async (t) => {
  const { url } = await startNatsServer(t);
  const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")];
  const owner = await settled(nodes);
  const call = { caller: "test", waitMs: 10_000 };
  await owner.inventory.put("A", at(100));
  const expected = { amount: 200, currency: shirt.price.currency };
  const results: PlaceResult[] = [];
  const sell = async (node: Running) => {
    for (let n = 0; n < 30; n++)
      results.push(await node.orders.place({ ...cash("A", 2), expectedTotal: expected }, call));
  };
  const change = async () => {
    for (let n = 0; n < 60; n++) await owner.inventory.put("A", at(n % 2 === 0 ? 5000 : 100));
  };
  await Promise.all([...nodes.map(sell), change()]);
  t.equal(results.length, 60);
  for (const result of results) {
    if (result.status === "placed") t.strictSame(result.order.total, expected);
    else t.match(result, { status: "price_changed", total: { amount: 10_000 } });
  }
  const reserved = count(results, "placed") * 2;
  await waitUntil("all other stock is available", async () => {
    const got = await owner.inventory.get("A");
    return got.status === "found" && got.stock.reserved === reserved;
  });
  await auditLedger(owner.journal);
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
  // A refusal is stored where the request was repeated: the first one may have reached the owner that crashed.
  const held = [...holds.values()].filter(({ state }) => state !== "refused");
  t.strictSame(held.map(({ orderId }) => orderId).toSorted(), placed.toSorted());
});
