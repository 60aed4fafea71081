/** Erasures: what they delete and what they keep, beside orders, beside each other, and after a crash anywhere. */
import t from "tap";
import type { Failpoints } from "../../../../src/runtime/failpoints.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { Erasures, type CustomersOrder } from "../../../../src/services/personal/erasure.ts";
import { KeyEntries } from "../../../../src/services/personal/key-entries.ts";
import { ERASED, generationOf } from "../../../../src/services/personal/personal-data.ts";
import { customerEntry } from "../../../../src/services/personal/subjects.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { personalStage, type PersonalStage, sealedOf } from "./stage.ts";

const ADA = { customer: { name: "Ada Byron" } };

/** A shop of some nodes over one bucket, and its orders. */
function shop(failpoints?: Failpoints) {
  const keys = faultyBucket();
  const node = (): PersonalStage => personalStage(keys.bucket, failpoints);
  const nodes = [node(), node()] as const;
  const orders = new Map<string, { text: string; group: string; open: boolean }>();
  const place = async (
    on: PersonalStage,
    customerId: string,
    orderId: string,
    open = false,
  ): Promise<void> => {
    const sealed = await sealedOf(on, customerId, orderId, ADA);
    orders.set(orderId, { ...sealed, open });
  };
  const erasures = (
    on: PersonalStage = nodes[0],
    drained: (hash: string) => Promise<boolean> = async (hash) => {
      for (const { personal } of nodes) await personal.drained(hash);
      return true;
    },
  ): Erasures =>
    new Erasures({
      entries: on.entries,
      keys: on.keys,
      clock: on.clock,
      drained,
      ordersOf: async (hash): Promise<CustomersOrder[]> =>
        [...orders]
          .filter(([, { group }]) => group === hash)
          .map(([orderId, { open, text }]) => ({ orderId, open, generation: generationOf(text) })),
    });
  const read = (orderId: string, on: PersonalStage = nodes[1]): Promise<unknown> =>
    on.personal.open(orderId, orders.get(orderId)?.text ?? "");
  return { keys, nodes, node, orders, place, erasures, read };
}

t.test("after an erasure all orders of the customer read erased, and no others", async (t) => {
  const { nodes, orders, place, erasures, read, keys } = shop();
  await place(nodes[0], "ada", "ord_1");
  await place(nodes[1], "ada", "ord_2");
  await place(nodes[1], "bob", "ord_3");
  t.match(await erasures().erase("ada", "asked by mail"), {
    status: "erased",
    orders: 2,
    reason: "asked by mail",
  });
  t.equal(await read("ord_1"), ERASED);
  t.equal(await read("ord_2", nodes[0]), ERASED);
  t.same(await read("ord_3"), ADA);
  await place(nodes[0], "ada", "ord_4");
  t.same(await read("ord_4"), ADA, "a later order of the same customer");
  const { entry } = await new KeyEntries(keys.bucket).customer(
    customerEntry(await nodes[0].keys.hashOf("ada")),
  );
  t.match(entry, { erasures: [{ reason: "asked by mail" }] });
  t.notOk(entry?.erasing);
  t.equal((await erasures().erase("carol", "asked")).status, "not_found");
  t.match(await erasures().erase("ada", "again"), { status: "erased" });
  await place(nodes[1], "ada", "ord_5");
  t.equal(generationOf(orders.get("ord_5")?.text ?? ""), 3, "no number is used twice");
  for (const id of ["ord_1", "ord_2", "ord_4"]) t.equal(await read(id), ERASED, id);
});

t.test("while an order is open nothing is deleted, and its id is named", async (t) => {
  const { nodes, place, erasures, read, orders, keys } = shop();
  await place(nodes[0], "ada", "ord_1");
  await place(nodes[0], "ada", "ord_2", true);
  t.same(await erasures().erase("ada", "asked"), { status: "orders_open", orders: ["ord_2"], total: 1 });
  t.same(await read("ord_1"), ADA);
  await place(nodes[1], "ada", "ord_3");
  const order = orders.get("ord_2");
  if (order) order.open = false;
  t.match(await erasures().erase("ada", "asked"), { status: "erased", orders: 3 });
  for (const id of ["ord_1", "ord_2", "ord_3"]) t.equal(await read(id), ERASED, id);
  const name = customerEntry(await nodes[0].keys.hashOf("ada"));
  t.equal((await new KeyEntries(keys.bucket).customer(name)).entry?.generations.length, 1);
});

t.test("requests that find open orders do not pile up generations", async (t) => {
  const { nodes, place, erasures, read, keys } = shop();
  await place(nodes[0], "ada", "ord_1", true);
  for (let n = 0; n < 20; n++) t.match(await erasures().erase("ada", "asked"), { status: "orders_open" });
  const name = customerEntry(await nodes[0].keys.hashOf("ada"));
  t.ok(((await new KeyEntries(keys.bucket).customer(name)).entry?.generations.length ?? 0) <= 2);
  t.same(await read("ord_1"), ADA);
});

t.test("an order that is placed while the erasure runs stays readable", async (t) => {
  const { nodes, place, erasures, read } = shop();
  await place(nodes[0], "ada", "ord_1");
  const erasing = erasures(nodes[0], async (hash) => {
    for (const { personal } of nodes) await personal.drained(hash);
    await place(nodes[1], "ada", "ord_2", true);
    return true;
  });
  t.match(await erasing.erase("ada", "asked"), { status: "erased", orders: 1 });
  t.equal(await read("ord_1"), ERASED);
  t.same(await read("ord_2"), ADA);
});

t.test("until every node has confirmed nothing is deleted; the repeated request goes on", async (t) => {
  const { nodes, place, erasures, read } = shop();
  await place(nodes[0], "ada", "ord_1");
  t.match(await erasures(nodes[0], () => Promise.resolve(false)).erase("ada", "first"), {
    status: "unavailable",
  });
  t.same(await read("ord_1"), ADA);
  await place(nodes[1], "ada", "ord_2");
  t.match(await erasures(nodes[1]).erase("ada", "again"), { status: "erased", reason: "first" });
  t.equal(await read("ord_1"), ERASED);
});

t.test(
  "a request that was abandoned long ago is begun anew: what was placed since is erased too",
  async (t) => {
    const { nodes, node, place, erasures, read } = shop();
    await place(nodes[0], "ada", "ord_1");
    await erasures(nodes[0], () => Promise.resolve(false)).erase("ada", "first");
    const later = node();
    await nodes[1].clock.advance(3001);
    await place(nodes[1], "ada", "ord_2");
    await later.clock.advance(11 * 60_000);
    t.match(await erasures(later).erase("ada", "second"), { status: "erased", reason: "second", orders: 2 });
    t.equal(await read("ord_2"), ERASED);
  },
);

t.test("two nodes that erase at once agree, and delete once", async (t) => {
  const { nodes, place, erasures, read, keys } = shop();
  await place(nodes[0], "ada", "ord_1");
  const results = await Promise.all(nodes.map((node) => erasures(node).erase("ada", "asked")));
  for (const { status } of results) t.equal(status, "erased");
  t.equal(await read("ord_1"), ERASED);
  const { entry } = await new KeyEntries(keys.bucket).customer(
    customerEntry(await nodes[0].keys.hashOf("ada")),
  );
  t.equal(entry?.erasures?.length, 1);
});

t.test(
  "a crash at any access to the keys leaves all or nothing, and a repetition ends the same",
  async (t) => {
    for (let hit = 1; ; hit++) {
      const { keys, nodes, node, place, erasures, read } = shop();
      await place(nodes[0], "ada", "ord_1");
      let reached = 0;
      const dying: Bucket = {
        ...keys.bucket,
        get: (key) => (++reached === hit ? new Promise(() => {}) : keys.bucket.get(key)),
        update: async (...write) => {
          reached++;
          const result = await keys.bucket.update(...write);
          return reached === hit ? await new Promise(() => {}) : result;
        },
      };
      const victim = personalStage(dying);
      const ended = await Promise.race([
        erasures(victim).erase("ada", "asked"),
        new Promise<undefined>((resolve) => setImmediate(() => setTimeout(() => resolve(undefined), 20))),
      ]);
      if (ended !== undefined) {
        t.equal(ended.status, "erased");
        t.ok(hit > 4, `${hit - 1} accesses`);
        break;
      }
      await place(node(), "ada", "ord_2");
      t.same(await read("ord_2", node()), ADA, `hit ${hit}: orders go on`);
      const before = await read("ord_1", node());
      t.ok(before === ERASED || JSON.stringify(before) === JSON.stringify(ADA), `hit ${hit}`);
      t.match(await erasures(node()).erase("ada", "asked"), { status: "erased" }, `hit ${hit}`);
      t.equal(await read("ord_1", node()), ERASED, `hit ${hit}`);
    }
  },
);
