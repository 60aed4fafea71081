/** Previews, starts, reads and stops of bulk operations. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { CHUNK_SIZE } from "../../../../src/services/bulk/chunks.ts";
import { bulkLimits } from "../../../../src/services/bulk/contract.ts";
import { TOKEN_LIFE_MS } from "../../../../src/services/bulk/selection-token.ts";
import { knownAt } from "../../../../src/services/bulk/selecting.ts";
import { OrderWorld } from "../orders/order-world.ts";
import { orderInput } from "../../machines/order-input.ts";
import { bulkStage, ended, how, idsOf, plan, startedIn, tokenOf } from "./bulk-stage.ts";

t.test("a key starts one operation, whatever comes again with it", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(20);
  const { bulk } = await stage.start("one");
  const token = await tokenOf(bulk);
  const another = await tokenOf(bulk);
  const [first, second] = await Promise.all([bulk.start(token, how("k1")), bulk.start(token, how("k1"))]);
  const { id } = startedIn(first);
  t.equal(startedIn(second).id, id, "two requests at once start one");
  t.match(id, /^blk_[a-z0-9]{26}$/u);
  await ended(bulk, id);
  t.equal(stage.orders.sent.length, 20);
  t.strictSame(await bulk.start(another, how("k1")), { status: "idempotency_key_reused", bulkId: id });
  t.strictSame(await bulk.start(token, how("k2")), { status: "token_used", bulkId: id });
  stage.time.now += TOKEN_LIFE_MS + 1;
  t.equal(startedIn(await bulk.start(token, how("k1"))).id, id, "also when the token has expired");
  const { caller, ...mine } = how("k1");
  t.strictSame(await bulk.start(token, { ...mine, caller: `${caller}2` }), { status: "token_expired" });
  t.equal(stage.orders.sent.length, 20);
});

t.test("a token lives five minutes, and another text is none", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(2);
  const { bulk } = await stage.start("one");
  const preview = await bulk.preview(plan);
  if (preview.status !== "previewed") throw new Error(preview.status);
  t.match(preview, {
    count: 2,
    exact: true,
    eligible: [{ state: "confirmed", count: 1 }],
    samples: [
      { id: "ord_0", state: "confirmed" },
      { id: "ord_1", state: "confirmed" },
    ],
    asOf: { sequence: 10 },
  });
  t.equal(Date.parse(preview.expiresAt), stage.time.now + TOKEN_LIFE_MS);
  t.strictSame(await bulk.start("made-up", how("k1")), { status: "token_unknown" });
  stage.time.now += TOKEN_LIFE_MS + 1;
  t.strictSame(await bulk.start(preview.token, how("k1")), { status: "token_expired" });
  stage.time.now -= 1;
  t.equal((await bulk.start(preview.token, how("k1"))).status, "started", "at its last moment");
});

t.test(
  "a selection that has grown by more than a tenth is not started, and its token stays free",
  async (t) => {
    const stage = bulkStage(t);
    stage.list.ids = idsOf(20);
    const { bulk } = await stage.start("one");
    const token = await tokenOf(bulk);
    stage.list.ids = idsOf(23);
    t.strictSame(await bulk.start(token, how("k1")), {
      status: "selection_changed",
      previewed: 20,
      count: 23,
    });
    t.equal(stage.orders.sent.length, 0);
    t.equal(stage.store.entries.size, 0, "nothing is stored");
    stage.list.ids = idsOf(22);
    const { count, id } = startedIn(await bulk.start(token, how("k2")));
    t.equal(count, 22);
    await ended(bulk, id);
    t.equal(stage.orders.applied.size, 22);
    const starts = stage.list.asked.filter(({ sort }) => sort === "createdAt");
    t.strictSame(
      starts.map(({ minSequence }) => minSequence),
      [[{ stream: 0, sequence: 10 }], [{ stream: 0, sequence: 10 }]],
      "the start reads no list that is older than the preview's",
    );
  },
);

t.test("a list that does not answer is passed on, and nothing is started", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(CHUNK_SIZE);
  const { bulk } = await stage.start("one");
  const token = await tokenOf(bulk);
  const behind = { status: "behind", retryAfterMs: 1 } as const;
  const { list } = stage.list;
  stage.list.list = async () => behind as never;
  t.strictSame(await bulk.start(token, how("k1")), behind);
  stage.list.list = list;
  stage.store.faults.push("lose-request");
  t.match(await bulk.start(token, how("k1")), { status: "unavailable" });
  t.equal((await bulk.start(token, how("k1"))).status, "started");
});

t.test("a plan for too many orders is neither previewed nor started", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  const many = bulkLimits.orders + 1;
  stage.list.ids = Array.from({ length: many }, (_, n) => `ord_${n}`);
  t.strictSame(await bulk.preview(plan), { status: "selection_too_large", count: many });
});

t.test("ids count once each; the eligible ones are those that take the action", async (t) => {
  const stage = bulkStage(t);
  const { bulk } = await stage.start("one");
  const world = new OrderWorld(orderInput("cash_on_delivery")).start();
  const reply = { status: "ok", snapshot: world.snapshot, settled: true, repeated: false } as ActorReply;
  for (const id of ["ord_1", "ord_2", "ord_3"]) stage.snapshots.set(id, reply);
  stage.parked.add("ord_3");
  const ids = ["ord_1", "ord_2", "ord_1", "ord_3", "ord_none"];
  const state = world.view.status;
  const can = world.view.nextEvents.includes("cancel");
  const of = async (action: "cancel" | "resume") => {
    const preview = await bulk.preview({ action, reason: "closed", ids });
    return preview.status === "previewed" ? [preview.count, preview.eligible] : preview.status;
  };
  t.strictSame(await of("cancel"), [4, can ? [{ state, count: 2 }] : []]);
  t.strictSame(await of("resume"), [4, [{ state, count: 1 }]]);
  stage.snapshots.set("ord_2", { status: "unavailable", reason: "no owner" });
  t.match(await bulk.preview({ action: "cancel", reason: "closed", ids }), { status: "unavailable" });
});

t.test("pages have every order once, by outcome too", async (t) => {
  const stage = bulkStage(t);
  stage.list.ids = idsOf(22 * CHUNK_SIZE + 7);
  const { bulk } = await stage.start("one");
  const illegal = { status: "illegal_transition", state: "shipped", allowedEvents: [], guards: [] } as const;
  stage.orders.script = (id) => (id === "ord_5" || id === "ord_2205" ? illegal : undefined);
  const { id } = startedIn(await bulk.start(await tokenOf(bulk), how("k1")));
  await ended(bulk, id);
  const all = async (outcome?: string) => {
    const found: string[] = [];
    const lengths: number[] = [];
    let after: string | undefined;
    do {
      const page = await bulk.items(id, { limit: 90, ...(outcome && { outcome }), ...(after && { after }) });
      if (page.status !== "found") throw new Error(page.status);
      found.push(...page.items.map(({ orderId }) => orderId));
      lengths.push(page.items.length);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return { found, lengths };
  };
  t.strictSame((await all()).found, stage.list.ids);
  t.strictSame(await all("illegal_transition"), { found: ["ord_5", "ord_2205"], lengths: [1, 1] });
  t.strictSame((await all("pending")).found, []);
  t.equal((await all("done")).found.length, stage.list.ids.length - 2);
  t.strictSame(await bulk.items("blk_none", { limit: 1 }), { status: "not_found" });
  t.strictSame(await bulk.get("blk_none"), { status: "not_found" });
  t.strictSame(await bulk.stop("blk_none", { kind: "anonymous" }), { status: "not_found" });
});

t.test("the positions of a list are read as it states them", (t) => {
  const asOf = { at: "", behindMs: 0 };
  t.strictSame(knownAt({ ...asOf, sequence: 12 }), [{ stream: 0, sequence: 12 }]);
  t.strictSame(knownAt({ ...asOf, sequence: "0.12,1.7" }), [
    { stream: 0, sequence: 12 },
    { stream: 1, sequence: 7 },
  ]);
  t.end();
});
