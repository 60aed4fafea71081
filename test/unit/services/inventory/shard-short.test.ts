/** A count below what orders hold: the newest reservations give way, and nothing ships that is not there. */
import t from "tap";
import { EUR, type OwnedShard, output, ownedShard, release, reserve, ship } from "./owned-shard.ts";
import { turns } from "./fake-log.ts";

let adjustments = 0;
async function adjust({ shard, settle }: OwnedShard, change: { delta?: number; countedTo?: number }) {
  const id = `adj_${++adjustments}`;
  const adjustment = { reason: "count" as const, ...change };
  return output(
    await settle(shard.answer<"adjust">({ op: "adjust", sku: "A", id, request: "h", adjustment })),
  );
}

const view = async ({ shard }: OwnedShard) => output(await shard.answer<"get">({ op: "get", sku: "A" }));
const shortages = async ({ shard }: OwnedShard) =>
  output(await shard.answer<"shortages">({ op: "shortages", sku: "A" }));
const shipping = async ({ shard, settle }: OwnedShard, id: string) => await settle(shard.answer(ship(id)));
const shipped = { status: "ok", output: { outcome: "shipped" } };
const waits = { status: "refused", code: "inventory_short" };

/** Ten pieces; old holds 4, middle 3, new 3. */
async function sold(): Promise<OwnedShard> {
  const stage = await ownedShard();
  await stage.stock("A", 10);
  for (const [id, pieces] of [
    ["old", 4],
    ["middle", 3],
    ["new", 3],
  ] as const)
    await stage.settle(stage.shard.answer(reserve(id, ["A", pieces])));
  return stage;
}

t.test("a count below what orders hold is accepted, and names the newest orders", async (t) => {
  const stage = await sold();
  const { shard, settle } = stage;
  t.match(await adjust(stage, { countedTo: 6 }), { adjustment: { delta: -4, onHand: 6, short: 4 } });
  t.match(await view(stage), { onHand: 6, reserved: 10, available: -4, short: 4 });
  t.strictSame(await shortages(stage), {
    items: [
      { orderId: "new", quantity: 3, short: 3 },
      { orderId: "middle", quantity: 3, short: 1 },
    ],
    unnamed: 0,
  });
  t.match(output(await settle(shard.answer<"reserve">(reserve("late", ["A", 1])))), {
    outcome: "out_of_stock",
    missing: [{ sku: "A", requested: 1, available: 0 }],
  });
  const put = { op: "put" as const, sku: "A", stock: { onHand: 9, name: "A", price: EUR(1) }, command: "c" };
  t.match(output(await settle(shard.answer<"put">(put))), { status: "below_reserved", reserved: 10 });
});

t.test(
  "while a SKU is short, older orders ship and those that give way wait, until pieces arrive",
  async (t) => {
    const stage = await sold();
    const { takeOver } = stage;
    await adjust(stage, { countedTo: 6 });
    await takeOver();
    for (const id of ["new", "middle"]) t.match(await shipping(stage, id), waits, id);
    t.match(await shipping(stage, "old"), shipped);
    t.match(await view(stage), { onHand: 2, reserved: 6, short: 4 });
    await adjust(stage, { delta: 1 });
    t.match(await shipping(stage, "middle"), shipped, "it gives way no more");
    t.match(await shipping(stage, "new"), waits);
    t.match(await view(stage), { onHand: 0, reserved: 3, available: -3, short: 3 });
    await adjust(stage, { delta: 3 });
    t.match(await shipping(stage, "new"), shipped);
    t.match(await view(stage), { onHand: 0, reserved: 0, available: 0, short: undefined });
  },
);

t.test("an order that ends gives its pieces to the next one that waits", async (t) => {
  const stage = await sold();
  await adjust(stage, { countedTo: 7 });
  t.match(await shortages(stage), { items: [{ orderId: "new", short: 3 }] });
  await stage.settle(stage.shard.answer(release("old")));
  t.strictSame(await shortages(stage), { items: [], unnamed: 0 });
  t.match(await shipping(stage, "new"), shipped);
  t.match(await shipping(stage, "middle"), shipped);
  t.match(await view(stage), { onHand: 1, reserved: 0 });
});

t.test("shipments in flight together never take more than there is", async (t) => {
  const stage = await sold();
  const { shard, relay } = stage;
  await adjust(stage, { countedTo: 0 });
  const asked = ["old", "middle", "new"].map((id) => shard.answer(ship(id)));
  await turns(4);
  t.equal(relay.waiting.length, 0);
  for (const one of await Promise.all(asked)) t.match(one, waits);
});

t.test("a shipment that is asked for during a count waits for it, joined ones as well", async (t) => {
  const stage = await sold();
  const { shard, relay, settle } = stage;
  const request = { op: "adjust" as const, sku: "A", id: "adj_x", request: "h" };
  const counting = shard.answer<"adjust">({ ...request, adjustment: { countedTo: 0, reason: "theft" } });
  await turns(2);
  t.equal(shard.joinShip({ orderId: "old" }), undefined);
  const asked = shard.answer(ship("middle"));
  await turns(2);
  t.equal(relay.waiting.length, 1, "only the count");
  t.match(output(await settle(counting)), { adjustment: { onHand: 0, short: 10 } });
  t.match(await settle(asked), waits);
  t.equal(shard.joinShip({ orderId: "old" }), undefined, "a short SKU is decided by a request");
});

t.test("a reservation that is in flight during a count gives way as the newest", async (t) => {
  const stage = await ownedShard();
  await stage.stock("A", 5);
  const { shard, settle } = stage;
  const reserving = shard.answer<"reserve">(reserve("o1", ["A", 5]));
  await turns(1);
  const counted = adjust(stage, { countedTo: 2 });
  t.match(output(await settle(reserving)), { outcome: "reserved" });
  t.match(await counted, { adjustment: { onHand: 2, short: 3 } });
  t.match(await view(stage), { onHand: 2, reserved: 5, short: 3 });
  t.match(await shortages(stage), { items: [{ orderId: "o1", quantity: 5, short: 3 }] });
  t.match(await shipping(stage, "o1"), waits);
});
