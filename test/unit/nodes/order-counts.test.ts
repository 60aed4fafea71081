/** Orders by status, as the metrics ask for them. */
import t from "tap";
import { OrderCounts, STUCK_MS } from "../../../nodes/order/order-counts.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import type { NoAnswer, OrderCounts as Answer } from "../../../src/services/projection/contract.ts";
import type { ProjectionQuery } from "../../../src/services/projection/projection.ts";
import { noProjection } from "../../support/http-services.ts";

const counted = (counts: Answer["counts"]): Answer => ({
  status: "counted",
  counts,
  asOf: { sequence: 1, at: "", behindMs: 0 },
});

function stage() {
  const clock = new VirtualClock();
  const asked: ProjectionQuery[] = [];
  const list = {
    status: "following" as "following" | "building",
    delayMs: 0,
    all: counted([{ key: "confirmed", value: 7 }]) as Answer | NoAnswer,
    stuck: counted([{ key: "ready", value: 2 }]) as Answer | NoAnswer,
  };
  const counts = new OrderCounts(
    {
      state: () => ({ ...noProjection, status: list.status }),
      ask: async (query) => {
        asked.push(query);
        if (list.delayMs > 0) await clock.sleep(list.delayMs);
        return query.selection.stuckSince === undefined ? list.all : list.stuck;
      },
    },
    clock,
  );
  return { asked, clock, counts, list };
}

/** What a reading has after the list has answered the one before it. */
const readAfter = async ({ clock, counts }: ReturnType<typeof stage>) => {
  counts.read();
  await clock.advance(0);
  return counts.read();
};

t.test("orders are counted by status, those without a change for an hour apart", async (t) => {
  const all = stage();
  const read = await readAfter(all);
  t.match(read, { byStatus: { confirmed: 7, ready: 0 }, stuck: { ready: 2, confirmed: 0 } });
  t.equal(all.asked[1]?.selection.stuckSince, all.clock.now() - STUCK_MS);
});

t.test("the list is asked once in ten seconds, however often metrics are read", async (t) => {
  const all = stage();
  const { asked, clock, counts, list } = all;
  await readAfter(all);
  await clock.advance(9_999);
  list.all = counted([{ key: "confirmed", value: 8 }]);
  t.equal((await readAfter(all))?.byStatus["confirmed"], 7);
  t.equal(asked.length, 2);
  await clock.advance(1);
  t.equal(counts.read()?.byStatus["confirmed"], 7);
  await clock.advance(0);
  t.equal(counts.read()?.byStatus["confirmed"], 8);
  t.equal(asked.length, 4);
});

t.test(
  "metrics wait for nothing: while the list is busy they have the counts before, and ask no more",
  async (t) => {
    const all = stage();
    const { asked, clock, counts, list } = all;
    await readAfter(all);
    list.delayMs = 60_000;
    list.all = counted([{ key: "confirmed", value: 8 }]);
    for (let reading = 0; reading < 5; reading++) {
      await clock.advance(10_000);
      t.equal(counts.read()?.byStatus["confirmed"], 7);
    }
    t.equal(asked.length, 4);
    await clock.advance(60_000);
    t.equal(counts.read()?.byStatus["confirmed"], 8);
  },
);

t.test("a list that is built has no counts, and one that cannot answer keeps those before", async (t) => {
  const all = stage();
  const { clock, counts, list } = all;
  list.status = "building";
  t.equal(await readAfter(all), undefined);
  list.status = "following";
  t.ok(await readAfter(all));
  await clock.advance(10_000);
  list.stuck = { status: "behind", retryAfterMs: 1 };
  t.equal((await readAfter(all))?.stuck["ready"], 2);
  list.status = "building";
  t.equal(counts.read(), undefined);
});
