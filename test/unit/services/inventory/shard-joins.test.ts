/** Decisions that join an order's own commit. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type { Joined } from "../../../../src/runtime/definition.ts";
import { readHold } from "../../../../src/services/inventory/stored.ts";
import { turns } from "./fake-log.ts";
import { output, ownedShard, type OwnedShard, release, reserve, ship, putBack } from "./owned-shard.ts";

/** What the runtime does with it: fences become preconditions of the order's write set. */
function submit({ relay }: OwnedShard, part: Joined | undefined, sequencesTold = true): void {
  if (!part) throw new Error("did not join");
  relay.submit({
    commit: "order",
    locks: [part.lock],
    messages: part.messages.map(({ fence: _fence, ...message }) => message),
    preconditions: part.messages.flatMap(({ fence }) => fence ?? []),
    ...(part.delta && { deltas: [part.delta] }),
    resolved: (outcome) => {
      if (outcome.status !== "stored") part.resolved(false);
      else if (sequencesTold) part.resolved(true, outcome.sequences);
      else part.resolved(true);
    },
  });
}

async function shardWith(onHand: number): Promise<OwnedShard> {
  const owned = await ownedShard();
  await owned.stock("A", onHand);
  return owned;
}

t.test("a reservation joins at once and counts at once", async (t) => {
  const owned = await shardWith(3);
  const part = owned.shard.joinReserve(reserve("o1", ["A", 2]));
  t.match(part?.output, { outcome: "reserved", total: { amount: 200 } });
  t.strictSame(part?.lock, {
    subject: subjects.lock("inventory.0"),
    epoch: owned.log.last(subjects.lock("inventory.0"))?.sequence,
  });
  t.match(part?.messages, [
    { subject: inventorySubjects.hold("o1"), fence: { subject: inventorySubjects.hold("o1"), sequence: 0 } },
  ]);
  t.match(owned.shard.joinReserve(reserve("o2", ["A", 2]))?.output, {
    outcome: "out_of_stock",
    missing: [{ sku: "A", requested: 2, available: 1 }],
  });
  t.match(owned.shard.joinReserve(reserve("o3", ["NO", 1]))?.output, { outcome: "unknown_sku" });
});

t.test("a refusal joins without messages and has no effect", async (t) => {
  const owned = await shardWith(0);
  const part = owned.shard.joinReserve(reserve("o1", ["A", 1]));
  t.strictSame(part?.messages, []);
  t.equal(part?.delta, undefined);
  submit(owned, part);
  owned.relay.flush();
  await owned.shard.drain();
  t.equal(owned.log.last(inventorySubjects.hold("o1")), undefined);
});

t.test("while a joined decision is in flight the order's next one does not join", async (t) => {
  const owned = await shardWith(3);
  const { shard, relay, log } = owned;
  submit(owned, shard.joinReserve(reserve("o1", ["A", 2])));
  t.equal(shard.joinReserve(reserve("o1", ["A", 2])), undefined);
  t.equal(shard.joinRelease(release("o1")), undefined);
  const asked = shard.answer<"release">(release("o1"));
  await turns();
  t.equal(relay.waiting.length, 1, "a requested one waits");
  relay.flush();
  await turns();
  relay.flush();
  t.strictSame(output<"release">(await asked), { outcome: "released" });
  t.equal(readHold(log.last(inventorySubjects.hold("o1"))?.payload ?? "").state, "released");
});

t.test("a hold that joined can be ended by joining, without a read", async (t) => {
  const owned = await shardWith(3);
  const { shard, relay, log } = owned;
  submit(owned, shard.joinReserve(reserve("o1", ["A", 2])));
  relay.flush();
  const reserved = log.last(inventorySubjects.hold("o1"))?.sequence;
  const part = shard.joinShip(ship("o1"));
  t.strictSame(part?.output, { outcome: "shipped" });
  t.equal(part?.messages[0]?.fence?.sequence, reserved);
  submit(owned, part);
  relay.flush();
  t.equal(log.reads, 0);
  t.match(output<"get">(await shard.answer<"get">({ op: "get", sku: "A" })), { onHand: 1, reserved: 0 });
});

t.test("a hold whose sequence is unknown is read before it is ended", async (t) => {
  const owned = await shardWith(3);
  const { shard, relay, log, settle } = owned;
  submit(owned, shard.joinReserve(reserve("o1", ["A", 2])), false);
  relay.flush();
  t.equal(shard.joinShip(ship("o1")), undefined);
  t.strictSame(output<"ship">(await settle(shard.answer<"ship">(ship("o1")))), { outcome: "shipped" });
  t.equal(log.reads, 1);
});

t.test(
  "a joined reservation for an order with a forgotten hold is fenced, and the next try reads",
  async (t) => {
    const owned = await shardWith(5);
    const { shard, relay, settle } = owned;
    const first = output<"reserve">(await settle(shard.answer<"reserve">(reserve("o1", ["A", 2]))));
    await owned.takeOver();
    submit(owned, shard.joinReserve(reserve("o1", ["A", 2])));
    relay.flush();
    t.equal(shard.joinReserve(reserve("o1", ["A", 2])), undefined, "it needs a read now");
    t.strictSame(output<"reserve">(await settle(shard.answer<"reserve">(reserve("o1", ["A", 2])))), first);
    t.match(output<"get">(await shard.answer<"get">({ op: "get", sku: "A" })), { reserved: 2, available: 3 });
  },
);

t.test("a dropped order releases what had joined", async (t) => {
  const owned = await shardWith(3);
  owned.shard.joinReserve(reserve("o1", ["A", 3]))?.resolved(false);
  const other = owned.shard.joinReserve(reserve("o2", ["A", 3]));
  t.match(other?.output, { outcome: "reserved" });
  other?.resolved(false);
  const again = owned.settle(owned.shard.answer<"reserve">(reserve("o1", ["A", 2])));
  t.match(
    output(await again),
    { lines: [{ sku: "A", quantity: 2 }] },
    "decided anew, not repeated from memory",
  );
});

t.test("ending a hold that is not remembered, or was never taken, does not join", async (t) => {
  const owned = await shardWith(3);
  await owned.settle(owned.shard.answer(reserve("o1", ["A", 2])));
  await owned.takeOver();
  t.equal(owned.shard.joinRelease(release("o1")), undefined);
  t.equal(owned.shard.joinShip(ship("o2")), undefined);
});

t.test("the return of a remembered hold joins, once", async (t) => {
  const owned = await shardWith(3);
  const { shard, relay } = owned;
  await owned.settle(shard.answer(reserve("o1", ["A", 2])));
  t.equal(shard.joinReturn(putBack("o1")), undefined, "nothing was shipped");
  await owned.settle(shard.answer(ship("o1")));
  const joined = shard.joinReturn(putBack("o1"));
  t.strictSame(joined?.output, { outcome: "returned" });
  t.equal(shard.joinReturn(putBack("o1")), undefined, "a decision about the order is in flight");
  submit(owned, joined);
  relay.flush();
  t.match(output<"get">(await shard.answer<"get">({ op: "get", sku: "A" })), { onHand: 3, available: 3 });
  t.strictSame(shard.joinReturn(putBack("o1"))?.messages, [], "a repeat writes nothing");
});
