/** A refusal is believed by the order for good: it must not be told to one that holds stock already. */
import t from "tap";
import { subjects } from "../../../config/subjects.ts";
import { inventoryEffects } from "../../../src/services/inventory/effects.ts";
import { output, ownedShard, reserve } from "./owned-shard.ts";

/** `o1` holds the last piece, and this owner of the shard has never heard of it. */
async function lastPieceHeld() {
  const owned = await ownedShard();
  await owned.stock("A", 1);
  output(await owned.settle(owned.shard.answer<"reserve">(reserve("o1", ["A", 1]))));
  await owned.takeOver();
  return owned;
}

t.test(
  "an order that may hold stock from an earlier try is not refused on a guess when it joins",
  async (t) => {
    const { shard } = await lastPieceHeld();
    t.equal(shard.joinReserve(reserve("o1", ["A", 1]), false), undefined, "ask instead");
    t.match(shard.joinReserve(reserve("o2", ["A", 1]), true)?.output, { outcome: "out_of_stock" });
  },
);

t.test("an order that holds stock from an earlier try is not refused on a guess when it asks", async (t) => {
  const owned = await lastPieceHeld();
  const asked = owned.shard.answer<"reserve">({ ...reserve("o1", ["A", 1]), fresh: true });
  t.match(output(await owned.settle(asked)), { outcome: "reserved" }, "the hold is found");
  const other = owned.shard.answer<"reserve">({ ...reserve("o2", ["A", 1]), fresh: true });
  t.match(output(await owned.settle(other)), { outcome: "out_of_stock" });
  t.equal(owned.log.messages.filter(({ subject }) => subject === subjects.hold("o1")).length, 1);
});

t.test("the first cascade of an order may be refused at once, a later one not", async (t) => {
  const { shard } = await lastPieceHeld();
  const { reserveInventory } = inventoryEffects(undefined as never, shard);
  const context = { actor: "o2", key: "k", input: { orderId: "o2", lines: [{ sku: "A", quantity: 1 }] } };
  t.match(reserveInventory.join?.({ ...context, first: true })?.output, { outcome: "out_of_stock" });
  t.equal(reserveInventory.join?.(context), undefined);
});
