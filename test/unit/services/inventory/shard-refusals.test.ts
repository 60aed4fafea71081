/** A refusal is final for an order: an order that holds stock already must not get one. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { inventoryEffects } from "../../../../src/services/inventory/inventory-effects.ts";
import { turns } from "./fake-log.ts";
import { output, ownedShard, release, reserve, ship } from "./owned-shard.ts";

/** `o1` holds the last piece, and this owner of the shard has no memory of it. */
async function lastPieceHeld() {
  const owned = await ownedShard();
  await owned.stock("A", 1);
  output(await owned.settle(owned.shard.answer<"reserve">(reserve("o1", ["A", 1]))));
  await owned.takeOver();
  return owned;
}

t.test(
  "an order that holds stock from an earlier try is not refused on a guess when it joins: the precondition fails",
  async (t) => {
    const { shard } = await lastPieceHeld();
    const part = shard.joinReserve(reserve("o1", ["A", 1]), false);
    t.match(part?.messages, [{ subject: inventorySubjects.hold("o1"), fence: { sequence: 0 } }]);
    const first = shard.joinReserve(reserve("o2", ["A", 1]), true);
    t.match(first?.output, { outcome: "out_of_stock" });
    t.strictSame(first?.messages, [], "no try can precede the first record");
  },
);

t.test(
  "an order that holds stock from an earlier try is not refused on a guess when it sends a request",
  async (t) => {
    const owned = await lastPieceHeld();
    const asked = owned.shard.answer<"reserve">({ ...reserve("o1", ["A", 1]), fresh: true });
    t.match(output(await owned.settle(asked)), { outcome: "reserved" }, "the hold is found");
    const other = owned.shard.answer<"reserve">({ ...reserve("o2", ["A", 1]), fresh: true });
    t.match(output(await owned.settle(other)), { outcome: "out_of_stock" });
    t.equal(owned.log.messages.filter(({ subject }) => subject === inventorySubjects.hold("o1")).length, 1);
  },
);

t.test(
  "a refusal is final: a try that arrives late gets the same answer, however much stock arrived since",
  async (t) => {
    const owned = await ownedShard();
    const { shard, settle, relay } = owned;
    await owned.stock("A", 1);
    const refused = output<"reserve">(await settle(shard.answer<"reserve">(reserve("o1", ["A", 2]))));
    t.strictSame(refused, { outcome: "out_of_stock", missing: [{ sku: "A", requested: 2, available: 1 }] });
    await owned.stock("A", 10);
    t.strictSame(output(await shard.answer<"reserve">(reserve("o1", ["A", 2]))), refused);
    await owned.takeOver();
    const late = shard.answer<"reserve">({ ...reserve("o1", ["A", 2]), fresh: true });
    t.strictSame(output(await settle(late)), refused);
    t.strictSame(output(await shard.answer<"release">(release("o1"))), { outcome: "released" });
    t.match(await shard.answer(ship("o1")), { status: "refused", code: "no_hold" });
    t.equal(relay.waiting.length, 0, "nothing is held, so there is nothing to write");
  },
);

t.test("a hold that may be stored is read, also for an order that says it is new", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 1);
  const request = { ...reserve("o1", ["A", 1]), fresh: true };
  const unknown = owned.shard.answer<"reserve">(request);
  await turns();
  owned.relay.drop(1, { status: "dropped", why: "store_unavailable" });
  t.match(await unknown, { status: "unavailable" });
  const before = owned.log.reads;
  t.match(output(await owned.settle(owned.shard.answer<"reserve">(request))), { outcome: "reserved" });
  t.equal(owned.log.reads - before, 1);
});

t.test("the first cascade of an order may be refused without a record, a later one not", async (t) => {
  const { shard } = await lastPieceHeld();
  const { reserveInventory } = inventoryEffects(undefined as never, shard);
  const context = { actor: "o2", key: "k", input: { orderId: "o2", lines: [{ sku: "A", quantity: 1 }] } };
  t.match(reserveInventory.join?.decide({ ...context, first: true })?.output, { outcome: "out_of_stock" });
  t.equal(reserveInventory.join?.decide(context)?.messages.length, 1, "a later one needs a stored proof");
});
