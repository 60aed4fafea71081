/** The list of orders is followed for all clients together: positions, frames that are full, counts, silence. */
import t from "tap";
import { SharedLiveList } from "../../../src/services/live/live-list.ts";
import type { ChangedOrders } from "../../../src/services/live/contract.ts";
import type { NoAnswer, OrderPage, OrderSummary } from "../../../src/services/projection/contract.ts";

const summary = (id: string, sequence: number, partition = 0): OrderSummary => ({
  id,
  version: 1,
  sequence,
  status: "confirmed",
  customer: { id: "cus_1" },
  lines: [],
  total: null,
  payment: { method: "credit_card", status: "authorized" },
  fulfillment: { status: "stored", trackingNumber: null },
  invoice: null,
  waitsFor: [],
  parked: false,
  partition,
  createdAt: "2026-11-22T10:00:00.000Z",
  updatedAt: "2026-11-22T10:00:00.000Z",
});

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A list that the test writes, and a clock that it moves. */
function stage() {
  const state = {
    items: [] as OrderSummary[],
    sequence: 10 as number | string,
    counts: [{ key: "confirmed", value: 1 }],
    off: false,
    reads: 0,
  };
  let due: (() => void) | undefined;
  const asOf = () => ({ sequence: state.sequence, at: "2026-11-22T10:00:00.000Z", behindMs: 0 });
  const off: NoAnswer = { status: "projection_off" };
  const list = new SharedLiveList(
    {
      list: async ({ limit, sort }) => {
        t.equal(sort, "-updatedAt");
        state.reads++;
        if (state.off) return off;
        const page: OrderPage = {
          status: "found",
          items: state.items.slice(0, limit),
          nextCursor: null,
          previousCursor: null,
          total: { value: 0, exact: true },
          asOf: asOf(),
        };
        return page;
      },
      counts: async () =>
        state.off ? off : { status: "counted" as const, counts: state.counts, asOf: asOf() },
    },
    {
      after: (_ms, run) => {
        due = run;
        return () => undefined;
      },
    },
  );
  const tick = async () => {
    const run = due;
    due = undefined;
    run?.();
    await settle();
  };
  const follow = (after?: string) => {
    const frames: ChangedOrders[] = [];
    const counts: unknown[] = [];
    const end = list.follow(after, {
      changed: (frame) => frames.push(frame),
      counted: (frame) => counts.push(frame),
    });
    const ids = () => frames.map(({ items }) => items.map(({ id }) => id));
    return { frames, counts, end, ids };
  };
  return { state, follow, tick };
}

t.test("only changes after the position are passed on, each once", async (t) => {
  const { follow, state, tick } = stage();
  state.items = [summary("b", 10), summary("a", 9)];
  const now = follow();
  const from = follow("9");
  await settle();
  t.strictSame(now.ids(), [], "what there is already is no change");
  t.strictSame(from.ids(), [["b"]]);
  t.equal(from.frames[0]?.position, "10");
  state.items = [summary("a", 12), summary("c", 11), summary("b", 10)];
  state.sequence = 12;
  await tick();
  t.strictSame(now.ids(), [["a", "c"]]);
  t.strictSame(from.ids(), [["b"], ["a", "c"]]);
  await tick();
  t.equal(now.frames.length, 1, "nothing has changed");
  now.end();
  state.items = [summary("d", 13)];
  state.sequence = 13;
  await tick();
  t.equal(now.frames.length, 1, "a client that has ended");
  t.equal(from.frames.length, 3);
});

t.test("a full frame says that there are more", async (t) => {
  const { follow, state, tick } = stage();
  const one = follow();
  await settle();
  state.items = Array.from({ length: 300 }, (_, n) => summary(`o${n}`, 1000 - n));
  state.sequence = 1000;
  await tick();
  t.equal(one.frames[0]?.items.length, 200);
  t.equal(one.frames[0]?.more, true);
  state.items = [summary("x", 1001), ...state.items];
  state.sequence = 1001;
  await tick();
  t.match(one.frames[1], { more: false, items: [{ id: "x" }], position: "1001" });
});

t.test("positions of several streams count by stream", async (t) => {
  const { follow, state } = stage();
  state.sequence = "0.50,1.7";
  state.items = [summary("a", 50, 0), summary("b", 7, 1), summary("c", 6, 3), summary("d", 49, 2)];
  const one = follow("0.49,1.6");
  await settle();
  t.strictSame(one.ids(), [["a", "b"]]);
  t.equal(one.frames[0]?.position, "0.50,1.7");
});

t.test("a list that goes back, from another node, repeats nothing", async (t) => {
  const { follow, state, tick } = stage();
  state.items = [summary("a", 10)];
  const one = follow("5");
  await settle();
  state.sequence = 8;
  state.items = [summary("z", 8)];
  await tick();
  state.sequence = 11;
  state.items = [summary("b", 11), summary("a", 10), summary("z", 8)];
  await tick();
  t.strictSame(one.ids(), [["a"], ["b"]]);
});

t.test("counts come first with a position, and again when one has changed", async (t) => {
  const { follow, state, tick } = stage();
  const one = follow();
  await settle();
  t.match(one.counts, [{ counts: [{ key: "confirmed", value: 1 }], position: "10" }]);
  for (let n = 0; n < 8; n++) await tick();
  t.equal(one.counts.length, 1);
  state.counts = [{ key: "confirmed", value: 2 }];
  for (let n = 0; n < 4; n++) await tick();
  t.equal(one.counts.length, 2);
  const late = follow();
  await tick();
  t.equal(late.counts.length, 1, "a later client gets them as well");
});

t.test("nothing is read while no client follows, and a list that is away is tried again", async (t) => {
  const { follow, state, tick } = stage();
  t.equal(state.reads, 0);
  state.off = true;
  const one = follow("3");
  await settle();
  state.off = false;
  state.items = [summary("a", 9)];
  await tick();
  t.strictSame(one.ids(), [["a"]]);
  one.end();
  await tick();
  const { reads } = state;
  await tick();
  t.equal(state.reads, reads);
  const again = follow("3");
  await settle();
  t.strictSame(again.ids(), [["a"]]);
});
