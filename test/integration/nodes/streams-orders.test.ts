/** Orders of all partitions, divided over three streams with the inventory in the first. */
import { Kvm } from "@nats-io/kv";
import t from "tap";
import { ofPartition, streamOf } from "../../../src/runtime/layout.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { RecordHeader } from "../../../src/runtime/actor/snapshot.ts";
import type { LockEntry } from "../../../src/runtime/cluster/lock-entry.ts";
import type { PlaceResult } from "../../../src/services/orders/contract.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import {
  cash,
  confirmed,
  count,
  PARTITIONS,
  placeAll,
  type Running,
  settled,
  shirt,
  startNode,
} from "./composed-node.ts";
import { auditLedger } from "../services/inventory-node.ts";

const STREAMS = 3;

t.test(
  "an order is in its partition's stream; it joins the stock of the first stream, and requests it from the others",
  async (t) => {
    const { url } = await startNatsServer(t);
    const one = await startNode(t, url, "one", STREAMS);
    await settled([one]);
    await one.inventory.put("A", { onHand: 100, ...shirt });
    const placed = (await placeAll([one], 40, "A")).map(confirmed);
    const partitions = new Set<number>();
    for (const id of placed) {
      const partition = partitionOf(id, PARTITIONS);
      partitions.add(partition);
      const subject = subjects.record(partition, id);
      const stored = await Promise.all(one.journals.map((journal) => journal.readAll(subject)));
      const hold = await one.journal.readLast(inventorySubjects.hold(id));
      const commits = (stored[streamOf(partition, STREAMS)] ?? []).map(
        ({ headers }) => headers[RecordHeader.commit],
      );
      const joined = streamOf(partition, STREAMS) === 0;
      t.equal(stored.flat().length, commits.length, "no other stream has a record of it");
      t.equal(commits.length, joined ? 1 : 2, `commits of an order in partition ${partition}`);
      t.equal(commits.includes(hold?.headers[RecordHeader.commit]), joined, "one commit with its hold");
      const history = await one.orders.history(id);
      t.equal(history.status === "found" && history.items.length, commits.length, "the history is found");
    }
    t.equal(partitions.size, PARTITIONS, "every partition has orders");
    const [cancelled] = placed.filter((id) => streamOf(partitionOf(id, PARTITIONS), STREAMS) === 1);
    t.match(await one.orders.command(cancelled ?? "", { type: "cancel", reason: "no need" }), {
      status: "done",
    });
    await waitUntil("its piece is back", async () => {
      const got = await one.inventory.get("A");
      return got.status === "found" && got.stock.available === 61;
    });
    const { holds } = await auditLedger(one.journal);
    t.equal(holds.size, 40);
  },
);

t.test("each stream opens as a bucket that shows the owners of its partitions", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one", STREAMS);
  await settled([one]);
  const link = await connectNats({ servers: [url], name: "kv", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  const shown: string[] = [];
  for (let stream = 0; stream < STREAMS; stream++) {
    const kv = await new Kvm(link.nc).open(subjects.lockBucket(stream));
    for await (const key of await kv.keys()) {
      const entry = (await kv.get(key))?.json<LockEntry>();
      shown.push(`${subjects.lockBucket(stream)} ${key} ${entry?.node}`);
    }
  }
  t.same(shown.toSorted(), [
    "ORDERS inventory.0 one",
    "ORDERS partition.0 one",
    "ORDERS partition.3 one",
    "ORDERS_1 partition.1 one",
    "ORDERS_2 partition.2 one",
  ]);
});

t.test(
  "while nodes join, leave and crash, every confirmed order of three streams keeps its hold",
  async (t) => {
    const { url } = await startNatsServer(t);
    const nodes = [await startNode(t, url, "one", STREAMS), await startNode(t, url, "two", STREAMS)];
    const owner = await settled(nodes);
    const survivor = nodes.find((node) => node !== owner) as Running;
    await owner.inventory.put("HOT", { onHand: 100, ...shirt });
    const results: PlaceResult[] = [];
    // Eight customers, one order after the other, while the cluster changes.
    const selling = Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = 0; n < 20; n++) results.push(...(await placeAll([survivor], 1, "HOT")));
      }),
    );
    await waitUntil("some are sold", () => results.length >= 10);
    const three = await startNode(t, url, "three", STREAMS);
    await waitUntil("a partition was handed to the third node", () => three.node.status().held.length > 0);
    await owner.crash();
    await waitUntil("everything is owned by those who are left", () => {
      const held = [survivor, three].map(({ node }) => node.status().held.length);
      return held.reduce((sum, mine) => sum + mine, 0) === PARTITIONS + 1;
    });
    await three.node.stop();
    await selling;
    const placed = results.flatMap((result) => (result.status === "placed" ? [result.order.id] : []));
    t.equal(placed.length, 100);
    t.equal(count(results, "out_of_stock"), 60);
    const { stock, holds } = await auditLedger(survivor.journal);
    t.equal(stock.get("HOT")?.reserved, 100);
    const reserved = [...holds.values()].filter(({ state }) => state === "reserved");
    t.strictSame(reserved.map(({ orderId }) => orderId).toSorted(), placed.toSorted());
    for (const { order } of results.flatMap((result) => (result.status === "placed" ? result : []))) {
      const partition = partitionOf(order.id, PARTITIONS);
      const records = await ofPartition(partition, survivor.journals).readAll(
        subjects.record(partition, order.id),
      );
      t.ok(records.length > 0, `${order.id} is in its stream`);
    }
    t.match(await survivor.orders.place(cash("HOT"), { caller: "test", waitMs: 10_000 }), {
      status: "out_of_stock",
    });
  },
);
