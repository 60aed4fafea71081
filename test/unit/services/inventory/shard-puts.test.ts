/** Stocking up. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { readItem, readStock } from "../../../../src/services/inventory/stored.ts";
import { turns } from "./fake-log.ts";
import { EUR, output, ownedShard, reserve, ship } from "./owned-shard.ts";

const put = (onHand: number, command: string, name = "A") => ({
  op: "put" as const,
  sku: "A",
  stock: { onHand, name, price: EUR(100) },
  command,
});

t.test(
  "every put writes stock and catalogue with a precondition, so that the second copy of one write is refused",
  async (t) => {
    const { shard, settle, log, relay } = await ownedShard();
    const item = () => log.last(inventorySubjects.item("A"));
    t.match(output<"put">(await settle(shard.answer<"put">(put(5, "p1")))), {
      status: "stored",
      stock: { sku: "A", name: "A", onHand: 5, reserved: 0, available: 5 },
    });
    t.strictSame(readItem(item()?.payload ?? ""), { sku: "A", name: "A", price: EUR(100) });
    const first = item()?.sequence;
    const second = shard.answer(put(9, "p2"));
    await turns(1);
    t.strictSame(relay.waiting[0]?.preconditions, [
      { subject: inventorySubjects.item("A"), sequence: first },
    ]);
    await settle(second);
    t.match(readStock(log.last(inventorySubjects.stock("A"))?.payload ?? ""), {
      onHand: 9,
      received: 9,
      put: "p2",
    });
    await settle(shard.answer(put(9, "p3", "Shirt")));
    t.equal(readItem(item()?.payload ?? "").name, "Shirt");
  },
);

t.test("a put that changes nothing writes nothing", async (t) => {
  const { shard, settle, log, relay } = await ownedShard();
  await settle(shard.answer(put(5, "p1")));
  const before = log.messages.length;
  t.match(output<"put">(await shard.answer<"put">(put(5, "p2"))), { status: "stored", stock: { onHand: 5 } });
  t.equal(log.messages.length, before);
  t.equal(relay.waiting.length, 0);
});

t.test(
  "a repeated put is not counted again after something was shipped, also at the next owner",
  async (t) => {
    const { shard, settle, takeOver } = await ownedShard();
    await settle(shard.answer(put(5, "p1")));
    await settle(shard.answer(reserve("o1", ["A", 2])));
    await settle(shard.answer(ship("o1")));
    t.match(output<"put">(await settle(shard.answer<"put">(put(5, "p1")))), { stock: { onHand: 3 } });
    await takeOver();
    t.match(output<"put">(await settle(shard.answer<"put">(put(5, "p1")))), { stock: { onHand: 3 } });
    t.match(output<"put">(await settle(shard.answer<"put">(put(5, "p2")))), { stock: { onHand: 5 } });
  },
);

t.test("a put below what is reserved is refused, reservations under way included", async (t) => {
  const { shard, settle, relay } = await ownedShard();
  await settle(shard.answer(put(5, "p1")));
  const asked = shard.answer(reserve("o1", ["A", 3]));
  await turns();
  t.strictSame(output<"put">(await shard.answer<"put">(put(2, "p2"))), {
    status: "below_reserved",
    reserved: 3,
  });
  relay.flush();
  await asked;
  t.strictSame(output<"put">(await shard.answer<"put">(put(2, "p3"))), {
    status: "below_reserved",
    reserved: 3,
  });
  t.match(output<"put">(await settle(shard.answer<"put">(put(3, "p4")))), { stock: { available: 0 } });
});

t.test("puts of one SKU run one after the other", async (t) => {
  const { shard, settle, relay } = await ownedShard();
  const both = Promise.all([put(5, "p1"), put(7, "p2")].map((request) => shard.answer<"put">(request)));
  await turns();
  t.equal(relay.waiting.length, 1);
  relay.flush();
  const [first, second] = await settle(both);
  t.match(
    [first, second].map((reply) => reply && output<"put">(reply)),
    [{ stock: { onHand: 5 } }, { stock: { onHand: 7 } }],
  );
});

t.test("a put outside the bounds is refused", async (t) => {
  const { shard } = await ownedShard();
  t.match(await shard.answer(put(-1, "p1")), { status: "refused", code: "invalid_stock" });
});

t.test("a dropped put leaves the SKU unchanged, and the next one reads the catalogue entry", async (t) => {
  const { shard, settle, relay } = await ownedShard();
  const dropped = shard.answer(put(5, "p1"));
  await turns();
  relay.drop(1, { status: "dropped", why: "store_unavailable" });
  t.match(await dropped, { status: "unavailable" });
  t.equal(output<"get">(await shard.answer<"get">({ op: "get", sku: "A" })), null);
  t.match(output<"put">(await settle(shard.answer<"put">(put(5, "p1")))), { status: "stored" });
});

t.test("a SKU that the load had missed is taken in, with its stock, by the put that is fenced", async (t) => {
  const { shard, settle, log, takeOver } = await ownedShard();
  await settle(shard.answer(put(5, "p1")));
  await settle(shard.answer(reserve("o1", ["A", 4])));
  const read = log.journal.readLastPerSubject.bind(log.journal);
  log.journal.readLastPerSubject = async () => [];
  await takeOver();
  log.journal.readLastPerSubject = read;
  const asked = shard.answer<"put">(put(3, "p2"));
  t.strictSame(output<"put">(await settle(asked)), { status: "below_reserved", reserved: 4 });
});

t.test("known returns the SKUs that are not in the catalogue", async (t) => {
  const { shard, stock } = await ownedShard();
  await stock("A", 0);
  t.strictSame(output<"known">(await shard.answer<"known">({ op: "known", skus: ["A", "B"] })), {
    unknown: ["B"],
  });
});
