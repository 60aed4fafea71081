/** Adjustments, and puts with a condition: no change is written over, and nothing is done twice. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type {
  AdjustStock,
  Movement,
  MovementCursor,
  StockCondition,
} from "../../../../src/services/inventory/contract.ts";
import type { InventoryRequest } from "../../../../src/services/inventory/protocol.ts";
import { readStock } from "../../../../src/services/inventory/stored.ts";
import { EUR, type OwnedShard, output, ownedShard, release, reserve, ship } from "./owned-shard.ts";
import { turns } from "./fake-log.ts";

const adjust = (adjustment: Partial<AdjustStock>, id = "adj_1", request = "hash", sku = "A") => ({
  op: "adjust" as const,
  sku,
  id,
  request,
  adjustment: { reason: "count" as const, ...adjustment },
});
const putIf = (onHand: number | undefined, condition?: StockCondition, command = "p1") => ({
  op: "putIf" as const,
  sku: "A",
  stock: { name: "A", price: EUR(100), ...(onHand !== undefined && { onHand }) },
  command,
  ...(condition && { condition }),
});
const get = { op: "get" as const, sku: "A" };
const movements = (limit = 100) => ({ op: "movements" as const, sku: "A", limit });

async function stocked(onHand = 10): Promise<OwnedShard> {
  const stage = await ownedShard();
  await stage.stock("A", onHand);
  return stage;
}

const view = async ({ shard }: OwnedShard) => output(await shard.answer<"get">(get));
const version = async (stage: OwnedShard): Promise<number> => (await view(stage))?.version ?? 0;

t.test("a clerk who read the stock before a shipment writes nothing over it", async (t) => {
  const stage = await stocked(10);
  const { shard, settle } = stage;
  await settle(shard.answer(reserve("o1", ["A", 1])));
  const read = await version(stage);
  await settle(shard.answer(ship("o1")));
  const refused = output(await settle(shard.answer<"putIf">(putIf(15, { match: [read] }))));
  t.strictSame(refused, { status: "version_changed", version: await version(stage) });
  t.match(await view(stage), { onHand: 9, reserved: 0 });
  const now = await version(stage);
  t.match(output(await settle(shard.answer<"putIf">(putIf(14, { match: [now] })))), { status: "stored" });
  t.match(await view(stage), { onHand: 14 });
});

t.test("a condition waits for what is in flight, and is compared with its outcome", async (t) => {
  for (const fate of ["stored", "dropped"] as const) {
    const stage = await stocked(10);
    const { shard, settle, relay } = stage;
    const read = await version(stage);
    const reserving = shard.answer<"reserve">(reserve("o1", ["A", 1]));
    await turns(1);
    const putting = shard.answer<"putIf">(putIf(15, { match: [read] }));
    await turns(1);
    t.equal(relay.waiting.length, 1, "the put is not decided yet");
    if (fate === "stored") relay.flush();
    else relay.drop(1, { status: "dropped", why: "store_unavailable" });
    const answer = output(await settle(putting));
    t.equal(answer.status, fate === "stored" ? "version_changed" : "stored", fate);
    await settle(reserving);
    t.match(await view(stage), fate === "stored" ? { onHand: 10, reserved: 1 } : { onHand: 15, reserved: 0 });
  }
});

t.test(
  "every change has another version, also with the next owner; equal values have the same",
  async (t) => {
    const stage = await stocked(10);
    const { shard, settle, takeOver } = stage;
    const seen = [await version(stage)];
    for (const request of [
      reserve("o1", ["A", 1]),
      reserve("o2", ["A", 1]),
      release("o1"),
      ship("o2"),
      adjust({ delta: 1 }),
      putIf(undefined, undefined, "p2"),
      putIf(30, undefined, "p3"),
    ]) {
      if (request.op === "putIf" && request.command === "p2") request.stock.name = "Another name";
      await settle(shard.answer(request as never));
      seen.push(await version(stage));
      await takeOver();
      t.equal(await version(stage), seen.at(-1), `${request.op}, after a takeover`);
    }
    t.equal(new Set(seen).size, seen.length);
    await settle(shard.answer<"putIf">(putIf(30, undefined, "p4")));
    t.equal(await version(stage), seen.at(-1));
  },
);

t.test("a version after messages of version 0.1.0 is above all before", async (t) => {
  const stage = await stocked(10);
  const { shard, settle, takeOver, log } = stage;
  const before = await version(stage);
  const stored = readStock(log.last(inventorySubjects.stock("A"))?.payload ?? "");
  const { version: _, moves: __, ...earlier } = stored;
  log.store({ subject: inventorySubjects.stock("A"), payload: JSON.stringify({ ...earlier, put: "0.1.0" }) });
  await takeOver();
  const loaded = await version(stage);
  t.ok(loaded > before);
  await settle(shard.answer(reserve("o1", ["A", 1])));
  t.equal(await version(stage), loaded + 1);
});

t.test("a put may ask that the SKU does not exist, or does", async (t) => {
  const stage = await ownedShard();
  const { shard, settle } = stage;
  const put = async (condition: StockCondition, onHand: number) =>
    output(await settle(shard.answer<"putIf">(putIf(onHand, condition, `p${onHand}`))));
  t.strictSame(await put({ match: "any" }, 1), { status: "version_changed" });
  t.strictSame(await put({ match: [1] }, 2), { status: "version_changed" });
  t.match(await put({ noneMatch: "any" }, 3), { status: "stored", stock: { onHand: 3 } });
  t.strictSame(await put({ noneMatch: "any" }, 4), { status: "version_changed", version: 1 });
  t.strictSame(await put({ noneMatch: [1] }, 5), { status: "version_changed", version: 1 });
  t.match(await put({ match: "any" }, 6), { status: "stored", stock: { onHand: 6 } });
});

t.test("a put without a count changes name and price, and keeps what ships meanwhile", async (t) => {
  const stage = await stocked(10);
  const { shard, settle } = stage;
  await settle(shard.answer(reserve("o1", ["A", 2])));
  const shipping = shard.answer(ship("o1"));
  const request = putIf(undefined);
  request.stock.price = EUR(250);
  t.match(output(await settle(shard.answer<"putIf">(request))), { stock: { price: EUR(250) } });
  await settle(shipping);
  t.match(await view(stage), { onHand: 8, reserved: 0, price: EUR(250) });
  const fresh = { ...putIf(undefined, undefined, "p9"), sku: "NEW" };
  t.match(output(await settle(shard.answer<"putIf">(fresh))), { stock: { onHand: 0, available: 0 } });
});

t.test("an adjustment changes the count by its difference, whatever ships meanwhile", async (t) => {
  const stage = await stocked(10);
  const { shard, settle } = stage;
  await settle(shard.answer(reserve("o1", ["A", 3])));
  const shipping = shard.answer(ship("o1"));
  const adjusting = shard.answer<"adjust">(adjust({ delta: 5, reason: "received", reference: "PO-1" }));
  await settle(shipping);
  const done = output(await settle(adjusting));
  t.strictSame(done, {
    status: "adjusted",
    adjustment: {
      reason: "received",
      reference: "PO-1",
      id: "adj_1",
      sku: "A",
      delta: 5,
      onHand: 12,
      short: 0,
    },
  });
  t.match(await view(stage), { onHand: 12, reserved: 0, available: 12 });
});

t.test("an expected count is compared with every shipment before, those in flight as well", async (t) => {
  const stage = await stocked(10);
  const { shard, settle, relay } = stage;
  await settle(shard.answer(reserve("o1", ["A", 1])));
  const shipping = shard.answer(ship("o1"));
  await turns(1);
  const counting = shard.answer<"adjust">(adjust({ countedTo: 15, expected: 10 }));
  await turns(1);
  t.equal(relay.waiting.length, 1, "the count waits for the shipment");
  await settle(shipping);
  t.strictSame(output(await settle(counting)), { status: "stock_changed", onHand: 9 });
  const next = output(await settle(shard.answer<"adjust">(adjust({ countedTo: 15, expected: 9 }, "adj_2"))));
  t.match(next, { status: "adjusted", adjustment: { delta: 6, onHand: 15, countedTo: 15 } });
});

t.test("a shipment that begins during a count is counted once, before it or after it", async (t) => {
  const stage = await stocked(10);
  const { shard, settle } = stage;
  for (const id of ["o1", "o2", "o3"]) await settle(shard.answer(reserve(id, ["A", 1])));
  const first = shard.answer(ship("o1"));
  await turns(1);
  const counting = shard.answer<"adjust">(adjust({ countedTo: 20 }));
  await turns(1);
  const later = [shard.answer(ship("o2")), shard.answer(ship("o3"))];
  await settle(first);
  t.match(output(await settle(counting)), { adjustment: { delta: 11, onHand: 20 } });
  for (const one of later) await settle(one);
  t.match(await view(stage), { onHand: 18, reserved: 0 });
});

t.test("a repeated adjustment has the same answer, and is done once; another body is refused", async (t) => {
  const stage = await stocked(10);
  const { shard, settle, takeOver } = stage;
  const request = adjust({ delta: -2, reason: "damaged", note: "wet" });
  const [first, second] = [shard.answer<"adjust">(request), shard.answer<"adjust">(request)];
  const done = output(await settle(first));
  t.strictSame(output(await settle(second)), done);
  await settle(shard.answer(reserve("o1", ["A", 8])));
  await takeOver();
  t.strictSame(output(await settle(shard.answer<"adjust">(request))), done, "by the next owner");
  const reused = { status: "idempotency_key_reused" };
  for (const other of [adjust({ delta: -3 }, "adj_1", "other"), adjust({ delta: -2 }, "adj_1", "other", "B")])
    t.strictSame(output(await settle(shard.answer<"adjust">(other))), reused);
  t.match(await view(stage), { onHand: 8, reserved: 8 });
});

t.test("an adjustment that was stored without an answer is found by its repetition", async (t) => {
  const stage = await stocked(10);
  const { shard, relay, takeOver, settle } = stage;
  void shard.answer<"adjust">(adjust({ delta: 4 }));
  await turns(2);
  relay.publish(1);
  await takeOver();
  t.match(output(await settle(shard.answer<"adjust">(adjust({ delta: 4 })))), { adjustment: { onHand: 14 } });
  t.match(await view(stage), { onHand: 14 });
});

t.test("an adjustment never leaves less than nothing, and refuses what it does not know", async (t) => {
  const stage = await stocked(3);
  const { shard, settle } = stage;
  const ask = async (adjustment: Partial<AdjustStock>, sku = "A") =>
    await settle(
      shard.answer<"adjust">(adjust(adjustment, `adj_${Math.abs(adjustment.delta ?? 0)}x`, "h", sku)),
    );
  t.strictSame(output(await ask({ delta: -4 })), { status: "below_zero", onHand: 3 });
  t.strictSame(output(await ask({ delta: 1 }, "NONE")), { status: "not_found" });
  for (const bad of [{}, { delta: 0 }, { delta: 1, countedTo: 1 }, { delta: 1e13 }])
    t.match(await ask(bad), { status: "refused", code: "invalid_adjustment" }, JSON.stringify(bad));
  t.match(output(await ask({ delta: -3 })), { adjustment: { onHand: 0 } });
  t.match(await view(stage), { onHand: 0, available: 0 });
});

t.test("the movements of a SKU name each change with its cause, newest first, in pages", async (t) => {
  const stage = await stocked(10);
  const { shard, settle, relay } = stage;
  const both = [shard.answer(reserve("o1", ["A", 2])), shard.answer(reserve("o2", ["A", 3]))];
  await turns(1);
  relay.flush();
  await Promise.all(both);
  await settle(shard.answer(ship("o1")));
  await settle(shard.answer(release("o2")));
  await settle(shard.answer(adjust({ delta: -1, reason: "theft", reference: "R7", note: "at night" })));
  const all = output(await shard.answer<"movements">(movements()));
  t.match(all?.items, [
    {
      kind: "adjusted",
      onHand: -1,
      adjustmentId: "adj_1",
      reason: "theft",
      reference: "R7",
      note: "at night",
    },
    { kind: "released", onHand: 0, reserved: -3, orderId: "o2" },
    { kind: "shipped", onHand: -2, reserved: -2, orderId: "o1" },
    { kind: "reserved", onHand: 0, reserved: 3, orderId: "o2" },
    { kind: "reserved", onHand: 0, reserved: 2, orderId: "o1" },
    { kind: "put", onHand: 10, reserved: 0 },
  ]);
  t.equal(all?.next, null);
  t.match(all?.items[0]?.at, /^\d{4}-/u);
  const paged: Movement[] = [];
  let before: MovementCursor | null = null;
  do {
    const request: InventoryRequest<"movements"> = { ...movements(1), ...(before && { before }) };
    const page = output(await shard.answer<"movements">(request));
    paged.push(...(page?.items ?? []));
    before = page?.next ?? null;
  } while (before && paged.length < 10);
  t.strictSame(paged, all?.items, "one by one, also within one batch");
  const none = await shard.answer<"movements">({ ...movements(), sku: "NONE" });
  t.equal(output(none), null);
});

t.test("what version 0.1.0 changed is a movement without a cause", async (t) => {
  const stage = await stocked(10);
  const { shard, log, takeOver } = stage;
  const earlier = { sku: "A", onHand: 8, reserved: 3, received: 10, shipped: 2, put: "put1" };
  log.store({ subject: inventorySubjects.stock("A"), payload: JSON.stringify(earlier) });
  await takeOver();
  const { items } = output(await shard.answer<"movements">(movements())) ?? {};
  t.match(items, [
    { kind: "unrecorded", onHand: -2, reserved: 3 },
    { kind: "put", onHand: 10 },
  ]);
});

t.test("a tenure that ends while a count waits answers it at once", async (t) => {
  const stage = await stocked(10);
  const { shard, settle } = stage;
  await settle(shard.answer(reserve("o1", ["A", 1])));
  void shard.answer(ship("o1"));
  await turns(1);
  const counting = shard.answer(adjust({ countedTo: 3 }));
  const putting = shard.answer<"putIf">(putIf(4, { match: "any" }));
  await turns(1);
  shard.revoke();
  t.strictSame(await counting, { status: "not_owner" });
  t.strictSame(await putting, { status: "not_owner" });
});
