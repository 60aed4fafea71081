/** Reservations, releases and shipments as the owner answers them. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import { readHold, readStock } from "../../../../src/services/inventory/stored.ts";
import { turns } from "./fake-log.ts";
import { output, ownedShard, type OwnedShard, release, reserve, ship, putBack } from "./owned-shard.ts";

const stockOf = ({ log }: OwnedShard, sku: string) =>
  readStock(log.last(inventorySubjects.stock(sku))?.payload ?? "{}");
const holdOf = ({ log }: OwnedShard, orderId: string) =>
  readHold(log.last(inventorySubjects.hold(orderId))?.payload ?? "{}");

async function shardWith(onHand: number): Promise<OwnedShard> {
  const owned = await ownedShard();
  await owned.stock("A", onHand);
  await owned.stock("B", onHand);
  return owned;
}

t.test(
  "a reservation is answered only after it is stored, with the hold and the stock in one batch",
  async (t) => {
    const owned = await shardWith(10);
    const { shard, relay, log } = owned;
    let answered = false;
    const asked = shard.answer<"reserve">(reserve("o1", ["A", 2], ["B", 1])).finally(() => (answered = true));
    await turns();
    const before = log.messages.length;
    t.equal(answered, false);
    relay.publish(1);
    await turns();
    t.equal(answered, false, "in the log is not enough: the answer counts");
    relay.answer();
    const reply = output<"reserve">(await asked);
    t.match(reply, { outcome: "reserved", total: { amount: 300, currency: "EUR" } });
    const written = log.messages.slice(before);
    t.strictSame(
      written.map(({ subject }) => subject),
      [inventorySubjects.hold("o1"), inventorySubjects.stock("A"), inventorySubjects.stock("B")],
    );
    t.match(written[0]?.headers[RecordHeader.commit], /^commit/);
    t.match(stockOf(owned, "A"), { onHand: 10, reserved: 2 });
  },
);

t.test("a write set names its lock and has a precondition on the hold", async (t) => {
  const { shard, relay, log } = await shardWith(10);
  void shard.answer(reserve("o1", ["A", 2]));
  await turns();
  const [unit] = relay.waiting;
  const lock = subjects.lock("inventory.0");
  t.strictSame(unit?.locks, [{ subject: lock, epoch: log.last(lock)?.sequence }]);
  t.strictSame(unit?.preconditions, [{ subject: inventorySubjects.hold("o1"), sequence: 0 }]);
});

t.test(
  "a repeated reservation finds the first result without another write, also at the next owner",
  async (t) => {
    const owned = await shardWith(10);
    const { shard, settle, relay, log } = owned;
    const first = await settle(shard.answer<"reserve">(reserve("o1", ["A", 2])));
    const before = log.messages.length;
    t.strictSame(await shard.answer<"reserve">(reserve("o1", ["A", 2])), first);
    t.equal(log.messages.length, before);
    await owned.stock("A", 10, { price: { amount: 1, currency: "EUR" } });
    await owned.takeOver();
    t.strictSame(
      await shard.answer<"reserve">(reserve("o1", ["A", 2])),
      first,
      "the price stays the first one",
    );
    t.equal(relay.waiting.length, 0);
  },
);

t.test("two equal reservations at once take the stock once", async (t) => {
  const owned = await shardWith(10);
  const { shard, settle, relay } = owned;
  const both = Promise.all([1, 2].map(() => shard.answer<"reserve">(reserve("o1", ["A", 2]))));
  await turns();
  t.equal(relay.waiting.length, 1, "the second waits for the first");
  const [first, second] = await settle(both);
  t.strictSame(first, second);
  t.equal(stockOf(owned, "A").reserved, 2);
});

t.test("a hot SKU is sold exactly as often as it is there, with one stock message a batch", async (t) => {
  const owned = await shardWith(10);
  const { shard, relay, log, settle } = owned;
  const before = log.messages.length;
  const asked = Array.from({ length: 500 }, (_, n) => shard.answer<"reserve">(reserve(`o${n}`, ["A", 1])));
  const outcomes = (await settle(Promise.all(asked))).map((reply) => output<"reserve">(reply).outcome);
  t.equal(outcomes.filter((outcome) => outcome === "reserved").length, 10);
  t.equal(outcomes.filter((outcome) => outcome === "out_of_stock").length, 490);
  const written = log.messages
    .slice(before)
    .filter(({ subject }) => subject === inventorySubjects.stock("A"));
  t.equal(written.length, 1);
  t.equal(stockOf(owned, "A").reserved, 10);
  t.equal(relay.waiting.length, 0);
});

t.test("a released hold gives its pieces back and stays released", async (t) => {
  const owned = await shardWith(10);
  const { shard, settle } = owned;
  await settle(shard.answer(reserve("o1", ["A", 4])));
  t.strictSame(output<"release">(await settle(shard.answer<"release">(release("o1")))), {
    outcome: "released",
  });
  t.match(stockOf(owned, "A"), { onHand: 10, reserved: 0, shipped: 0 });
  t.match(holdOf(owned, "o1"), { state: "released", lines: [{ sku: "A", quantity: 4 }] });
  t.strictSame(output<"ship">(await settle(shard.answer<"ship">(ship("o1")))), { outcome: "released" });
  t.strictSame(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o1", ["A", 4])))), {
    outcome: "closed",
    as: "released",
  });
});

t.test("a shipped hold lowers onHand and reserved together, once", async (t) => {
  const owned = await shardWith(10);
  const { shard, settle } = owned;
  await settle(shard.answer(reserve("o1", ["A", 4])));
  const shipped = await settle(Promise.all([1, 2].map(() => shard.answer<"ship">(ship("o1")))));
  t.strictSame(shipped.map(output<"ship">), [{ outcome: "shipped" }, { outcome: "shipped" }]);
  t.match(stockOf(owned, "A"), { onHand: 6, reserved: 0, shipped: 4, received: 10 });
  t.strictSame(output<"release">(await settle(shard.answer<"release">(release("o1")))), {
    outcome: "shipped",
  });
});

t.test("a release without a hold leaves a tombstone that refuses a late reservation", async (t) => {
  const owned = await shardWith(10);
  const { shard, settle, relay } = owned;
  await settle(shard.answer(release("o1")));
  t.match(holdOf(owned, "o1"), { state: "released", lines: [] });
  t.match(output<"reserve">(await shard.answer<"reserve">(reserve("o1", ["A", 1]))), { outcome: "closed" });
  await owned.takeOver();
  const late = shard.answer<"reserve">({ ...reserve("o1", ["A", 1]), fresh: true });
  t.match(output<"reserve">(await settle(late)), { outcome: "closed" }, "a wrong guess is refused and read");
  t.equal(relay.waiting.length, 0);
});

t.test("shipping what was never reserved is refused", async (t) => {
  const { shard } = await shardWith(10);
  t.match(await shard.answer(ship("o1")), { status: "refused", code: "no_hold" });
});

t.test("a dropped reservation is available for the next one and answered as retryable", async (t) => {
  const owned = await shardWith(1);
  const { shard, relay, settle } = owned;
  const first = shard.answer(reserve("o1", ["A", 1]));
  await turns();
  const refused = shard.answer<"reserve">(reserve("o2", ["A", 1]));
  await turns();
  relay.drop(1, { status: "dropped", why: "store_unavailable" });
  t.match(await first, { status: "unavailable" });
  t.match(output<"reserve">(await settle(refused)), { outcome: "out_of_stock" });
  t.match(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o3", ["A", 1])))), {
    outcome: "reserved",
  });
});

t.test("a decision that is overtaken repeatedly fails after a bounded number of attempts", async (t) => {
  const { shard, relay } = await ownedShard({ attempts: 3 });
  const asked = shard.answer(release("o1"));
  for (let attempt = 1; attempt <= 3; attempt++) {
    await turns();
    t.equal(relay.waiting.length, 1);
    relay.drop(1, { status: "dropped", why: "fenced" });
  }
  t.match(await asked, { status: "unavailable", reason: /overtaken 3 times/ });
  t.equal(relay.waiting.length, 0);
});

t.test("what was shipped comes back into stock once, also at the next owner", async (t) => {
  const owned = await shardWith(10);
  const { shard, settle, log } = owned;
  await settle(shard.answer(reserve("o1", ["A", 2], ["B", 1])));
  t.match(
    await settle(shard.answer(putBack("o1"))),
    { status: "refused", code: "not_shipped" },
    "not before",
  );
  await settle(shard.answer(ship("o1")));
  t.match(stockOf(owned, "A"), { onHand: 8, received: 10, shipped: 2 });
  t.strictSame(output<"return">(await settle(shard.answer<"return">(putBack("o1")))), {
    outcome: "returned",
  });
  t.match(stockOf(owned, "A"), { onHand: 10, reserved: 0, received: 12, shipped: 2 });
  t.match(stockOf(owned, "B"), { onHand: 10, reserved: 0, received: 11, shipped: 1 });
  t.match(holdOf(owned, "o1"), { state: "shipped", returned: true });
  for (const next of [false, true]) {
    if (next) await owned.takeOver();
    const written = log.messages.length;
    t.strictSame(output<"return">(await settle(shard.answer<"return">(putBack("o1")))), {
      outcome: "returned",
    });
    t.strictSame(output<"ship">(await settle(shard.answer<"ship">(ship("o1")))), { outcome: "shipped" });
    t.equal(log.messages.length, written, "nothing is written");
  }
});

t.test("what was released, refused or never reserved does not come back", async (t) => {
  const { shard, settle } = await shardWith(1);
  await settle(shard.answer(reserve("o1", ["A", 1])));
  await settle(shard.answer(release("o1")));
  await settle(shard.answer(reserve("o2", ["A", 9])));
  for (const id of ["o1", "o2", "o3"])
    t.match(await settle(shard.answer(putBack(id))), { status: "refused", code: "not_shipped" }, id);
});

t.test("pieces that come back may be promised once that is acknowledged, not before", async (t) => {
  const owned = await shardWith(2);
  const { shard, settle, relay } = owned;
  await settle(shard.answer(reserve("o1", ["A", 2])));
  await settle(shard.answer(ship("o1")));
  const asked = shard.answer<"return">(putBack("o1"));
  await turns();
  const early = shard.joinReserve(reserve("o2", ["A", 1]));
  t.match(early?.output, { outcome: "out_of_stock" });
  early?.resolved(false);
  relay.flush();
  await asked;
  t.match(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o3", ["A", 2])))), {
    outcome: "reserved",
  });
});

t.test("beyond its bounds the owner rejects callers", async (t) => {
  const { shard, relay } = await ownedShard({ unresolved: 2, waiting: 1 });
  const first = [1, 2].map(() => shard.answer(release("o1")));
  t.strictSame(await shard.answer(release("o1")), { status: "overloaded" }, "one holds the key, one waits");
  void shard.answer(release("o2"));
  await turns();
  t.strictSame(await shard.answer(release("o3")), { status: "overloaded" }, "two write sets are in flight");
  t.equal(shard.joinReserve(reserve("o4", ["A", 1])), undefined);
  relay.flush();
  t.strictSame(
    (await Promise.all(first)).map(({ status }) => status),
    ["ok", "ok"],
  );
});

t.test("impossible lines are refused, not decided", async (t) => {
  const { shard } = await shardWith(10);
  t.match(await shard.answer(reserve("o1", ["A", 1], ["A", 2])), {
    status: "refused",
    code: "invalid_reservation",
  });
  t.equal(shard.joinReserve(reserve("o1", ["A", 0])), undefined);
});
