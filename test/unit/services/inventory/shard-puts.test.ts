/** Stocking up. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { readItem, readStock } from "../../../../src/services/inventory/stored.ts";
import type { PutStock } from "../../../../src/services/inventory/contract.ts";
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

const putIf = (stock: PutStock, more: { key?: { id: string; request: string }; command?: string } = {}) => ({
  op: "putIf" as const,
  sku: "A",
  stock,
  command: more.command ?? `c${++commands}`,
  ...(more.key && { key: more.key }),
});
let commands = 0;
const key = (id: string, request = "r1") => ({ id, request });

t.test("a put changes what it names and leaves the rest as it is", async (t) => {
  const { shard, settle, log } = await ownedShard();
  const asked = (stock: PutStock) => settle(shard.answer<"putIf">(putIf(stock)));
  t.strictSame(output<"putIf">(await asked({ onHand: 5 })), {
    status: "incomplete",
    missing: ["name", "price"],
  });
  t.equal(log.last(inventorySubjects.item("A")), undefined);
  await asked({ onHand: 5, name: "Shirt", price: EUR(100) });
  t.match(output<"putIf">(await asked({ price: EUR(120) })), {
    stock: { name: "Shirt", price: EUR(120), onHand: 5, listed: true },
  });
  t.match(output<"putIf">(await asked({ listed: false })), {
    stock: { name: "Shirt", price: EUR(120), onHand: 5, listed: false },
  });
  t.match(output<"putIf">(await asked({ onHand: 7 })), { stock: { onHand: 7, listed: false } });
});

t.test("a SKU off sale is reserved by no new order, and orders that hold it go on", async (t) => {
  const { shard, settle, stock, takeOver } = await ownedShard();
  await stock("A", 5);
  await stock("B", 5);
  await settle(shard.answer(reserve("o1", ["A", 2])));
  await settle(shard.answer(putIf({ listed: false })));
  await takeOver();
  const refused = { outcome: "unknown_sku", skus: ["A"], notForSale: true };
  for (let times = 0; times < 2; times++)
    t.strictSame(
      output<"reserve">(await settle(shard.answer<"reserve">(reserve("o2", ["B", 1], ["A", 1])))),
      refused,
    );
  t.strictSame(shard.joinReserve(reserve("o3", ["A", 1]))?.output, refused);
  t.match(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o1", ["A", 2])))), {
    outcome: "reserved",
  });
  t.strictSame(output<"ship">(await settle(shard.answer<"ship">(ship("o1")))), { outcome: "shipped" });
  t.strictSame(output<"known">(await shard.answer<"known">({ op: "known", skus: ["A", "B", "C"] })), {
    unknown: ["C"],
    notForSale: ["A"],
  });
  await settle(shard.answer(putIf({ listed: true })));
  t.match(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o4", ["A", 1])))), {
    outcome: "reserved",
  });
});

t.test(
  "a put under a key is done once, also at the next owner, and the key takes no other put",
  async (t) => {
    const { shard, settle, stock, takeOver } = await ownedShard();
    const asked = (onHand: number, of: ReturnType<typeof key>) =>
      settle(shard.answer<"putIf">(putIf({ onHand, name: "A", price: EUR(100) }, { key: of })));
    t.match(output<"putIf">(await asked(5, key("put_1"))), { status: "stored", stock: { onHand: 5 } });
    await stock("A", 9);
    for (let times = 0; times < 2; times++) {
      t.match(output<"putIf">(await asked(5, key("put_1"))), { status: "stored", stock: { onHand: 9 } });
      const other = output<"putIf">(await asked(6, key("put_1", "r2")));
      t.strictSame(other, { status: "idempotency_key_reused" });
      await takeOver();
    }
  },
);

t.test("the key of a put that changed nothing is taken, without a new version", async (t) => {
  const { shard, settle, stock } = await ownedShard();
  await stock("A", 5);
  const view = async () => output<"get">(await shard.answer<"get">({ op: "get", sku: "A" }));
  const before = await view();
  await settle(shard.answer(putIf({ onHand: 5 }, { key: key("put_1") })));
  t.strictSame(await view(), before);
  await stock("A", 9);
  t.match(output<"putIf">(await settle(shard.answer<"putIf">(putIf({ onHand: 5 }, { key: key("put_1") })))), {
    stock: { onHand: 9 },
  });
});

t.test("a put whose key is stored meanwhile by a put of another SKU is refused", async (t) => {
  const { shard, settle, stock, relay, log } = await ownedShard();
  await stock("A", 5);
  await stock("B", 5);
  const both = Promise.all([
    shard.answer<"putIf">(putIf({ onHand: 6 }, { key: key("put_1") })),
    shard.answer<"putIf">({ ...putIf({ onHand: 7 }, { key: key("put_1", "r2") }), sku: "B" }),
  ]);
  await turns();
  t.equal(relay.waiting.length, 2, "neither knows of the other");
  relay.publish(1);
  relay.answer();
  const [a, b] = await settle(both);
  t.match(a && output<"putIf">(a), { status: "stored" });
  t.strictSame(b && output<"putIf">(b), { status: "idempotency_key_reused" });
  t.match(readStock(log.last(inventorySubjects.stock("B"))?.payload ?? ""), { onHand: 5 });
});

t.test("a dry run of a put states what it would do or why not, and writes nothing", async (t) => {
  const { shard, settle, stock, log } = await ownedShard();
  const tried = async (put: PutStock, more: object = {}) =>
    output<"predictPut">(
      await shard.answer<"predictPut">({ op: "predictPut", sku: "A", stock: put, command: "c", ...more }),
    );
  const whole = { onHand: 5, name: "A", price: EUR(100) };
  const fresh = { onHand: 5, available: 5, listed: true, version: 1 };
  t.match(await tried(whole), { status: "predicted", before: null, after: fresh });
  t.match(await tried({ onHand: 5 }), { before: null, after: null, refusal: { status: "incomplete" } });
  await stock("A", 5);
  await settle(shard.answer(reserve("o1", ["A", 3])));
  await settle(shard.answer(putIf({ listed: true }, { key: key("put_1") })));
  const written = log.messages.length;
  const before = output<"get">(await shard.answer<"get">({ op: "get", sku: "A" }));
  t.match(await tried({ onHand: 4 }), { before, after: { onHand: 4, available: 1, version: 3 } });
  t.strictSame(await tried({ onHand: 5 }), { status: "predicted", before, after: before });
  const refusals = [
    [{ onHand: 2 }, {}, { status: "below_reserved", reserved: 3 }],
    [{ onHand: 9 }, { condition: { match: [1] } }, { status: "version_changed", version: 2 }],
    [{ onHand: 9 }, { condition: { noneMatch: "any" } }, { status: "version_changed", version: 2 }],
    [{ onHand: 9 }, { key: key("put_1", "r2") }, { status: "idempotency_key_reused" }],
  ] as const;
  for (const [put, more, refusal] of refusals)
    t.strictSame(await tried(put, more), { status: "predicted", before, after: before, refusal });
  t.strictSame(await tried({ onHand: 9 }, { key: key("put_1") }), {
    status: "predicted",
    before,
    after: before,
  });
  t.equal(log.messages.length, written);
});

t.test("known returns the SKUs that are not in the catalogue", async (t) => {
  const { shard, stock } = await ownedShard();
  await stock("A", 0);
  t.strictSame(output<"known">(await shard.answer<"known">({ op: "known", skus: ["A", "B"] })), {
    unknown: ["B"],
    notForSale: [],
  });
});
