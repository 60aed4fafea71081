/** The effect of bulk operations, on the runtime in memory: lost answers, outages, takeovers, stops. */
import t from "tap";
import { CHUNK_SIZE } from "../../../../src/services/bulk/chunks.ts";
import { commandOf } from "../../../../src/services/bulk/send-item.ts";
import { bulkActions } from "../../../../src/services/bulk/contract.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { bulkStage, ended, how, idsOf, plan, startedIn, tokenOf } from "./bulk-stage.ts";

const unavailable = { status: "unavailable", reason: "no owner", retryAfterMs: 1 } as const;

t.test("each order gets its command once, under a key of its own, with who asked and why", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  stage.list.ids = idsOf(2 * CHUNK_SIZE + 30);
  stage.orders.script = (id) => {
    if (id === "ord_7")
      return { status: "illegal_transition", state: "shipped", allowedEvents: [], guards: [] };
    if (id === "ord_150") return { status: "not_found" };
    return id === "ord_229" ? { status: "refused", code: "order_parked", reason: "" } : undefined;
  };
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  t.match(await ended(bulk, id), {
    status: "completed",
    count: 230,
    processed: 230,
    outcomes: [
      { code: "done", count: 227 },
      { code: "illegal_transition", count: 1 },
      { code: "order_not_found", count: 1 },
      { code: "order_parked", count: 1 },
    ],
  });
  t.equal(stage.orders.sent.length, 230, "no order is asked again");
  t.strictSame(
    stage.orders.sent.find((one) => one.id === "ord_42"),
    {
      id: "ord_42",
      command: { type: "cancel", reason: "closed" },
      how: {
        by: { kind: "bulk", id },
        reason: "closed",
        key: { caller: "bulk", idempotencyKey: `blk:${id}:ord_42` },
      },
    },
  );
});

t.test("an order whose answers are lost is asked again, and is reached once", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  stage.list.ids = idsOf(CHUNK_SIZE + 20);
  stage.orders.script = (id, times) => {
    // Within one try of the chunk, and over several of them.
    if (id === "ord_3") return times < 3 ? unavailable : undefined;
    return id === "ord_110" && times < 5 ? unavailable : undefined;
  };
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  t.match(await ended(bulk, id), { status: "completed", outcomes: [{ code: "done", count: 120 }] });
  t.strictSame(new Set(stage.orders.applied.values()), new Set([1]));
  t.equal(stage.orders.applied.size, 120);
  t.equal(stage.orders.sent.filter((one) => one.id === "ord_3").length, 3);
  t.equal(
    stage.orders.sent.filter((one) => one.id === "ord_0").length,
    1,
    "the first chunk is not sent again",
  );
});

t.test("an operation that is stopped while an order gives no answer ends, and says so", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  stage.list.ids = idsOf(CHUNK_SIZE + 20);
  stage.orders.script = (id) => (id === "ord_3" ? unavailable : undefined);
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  t.match(await bulk.stop(id, { kind: "anonymous" }), { status: "found", bulk: { status: "stopping" } });
  t.match(await ended(bulk, id), {
    status: "stopped",
    processed: CHUNK_SIZE,
    outcomes: [
      { code: "done", count: CHUNK_SIZE - 1 },
      { code: "unavailable", count: 1 },
    ],
  });
  t.equal(stage.orders.applied.size, CHUNK_SIZE, "no order of the next chunk was reached");
  t.match(await bulk.stop(id, { kind: "anonymous" }), { status: "found", bulk: { status: "stopped" } });
});

t.test("outcomes that another owner has stored count, and their chunk is not sent again", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(3);
  const { bulk } = await stage.start("one");
  // The answer of the first write of outcomes is lost after the process died: they are stored.
  const original = stage.items.record.bind(stage.items);
  let died = 0;
  stage.items.record = async (...given) => {
    await original(...given);
    if (died++ === 0) throw new Error("died");
    return original(...given);
  };
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  t.match(await ended(bulk, id), { status: "completed", outcomes: [{ code: "done", count: 3 }] });
  t.equal(stage.orders.sent.length, 3);
});

t.test("a node that takes over goes on with the chunk, and no order is reached twice", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(3 * CHUNK_SIZE);
  const first = await stage.start("one");
  const second = await stage.start("two");
  const owner = first.host.status().held.includes("partition.0") ? first : second;
  const other = owner === first ? second : first;
  // The owner never gets all answers of its second chunk.
  stage.orders.script = (id) => (id === "ord_130" && !handedOver ? unavailable : undefined);
  let handedOver = false;
  const { id } = startedIn(await owner.bulk.start(await tokenOf(owner.bulk), how("k1")));
  await waitUntil("it is in its second chunk", async () => {
    const found = await owner.bulk.get(id);
    return found.status === "found" && found.bulk.processed === CHUNK_SIZE;
  });
  await owner.host.stop();
  handedOver = true;
  t.match(await ended(other.bulk, id), { status: "completed", outcomes: [{ code: "done", count: 300 }] });
  t.strictSame(new Set(stage.orders.applied.values()), new Set([1]));
  t.equal(stage.orders.applied.size, 300);
});

t.test("an operation whose list is gone fails", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(CHUNK_SIZE + 1);
  const { bulk } = await stage.start("one");
  stage.orders.script = () => {
    for (const key of stage.store.entries.keys()) if (key.endsWith(".1")) stage.store.entries.delete(key);
    return undefined;
  };
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  await bulk.stop(id, { kind: "anonymous" });
  t.match(await ended(bulk, id), { status: "stopped", processed: CHUNK_SIZE }, "stopped before the chunk");
  t.match(await bulk.items(id, { limit: 200 }), { status: "items_expired" });
});

t.test("a resume goes to the parking, and every action has its command", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  const token = await tokenOf(bulk, { ...plan, action: "resume", ids: ["ord_1", "ord_2", "ord_1"] } as never);
  const { id } = startedIn(await bulk.start(token, how("k1")));
  t.match(await ended(bulk, id), { count: 2, outcomes: [{ code: "not_parked", count: 2 }] });
  t.strictSame(stage.orders.resumed, ["ord_1", "ord_2"]);
  t.match(stage.orders.resumedBy[1], {
    by: { kind: "bulk" },
    key: { caller: "bulk", idempotencyKey: /^blk:.+:ord_2$/u },
  });
  t.equal(stage.orders.sent.length, 0);
  for (const action of bulkActions)
    if (action !== "resume") t.match(commandOf(action, "closed"), { type: action });
  t.strictSame(commandOf("quality-check", "closed"), { type: "quality-check", passed: true });
});
