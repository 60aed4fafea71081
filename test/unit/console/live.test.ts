/** The live connection: its states, its tries, and the positions that it resumes from. */
import t from "tap";
import {
  idle,
  type LiveEvent,
  type LiveState,
  liveWords,
  nextLive,
  retryAfterMs,
} from "../../../console/src/live/live-state.ts";
import { reachedBy, resumeAt } from "../../../console/src/live/positions.ts";

const after = (...events: LiveEvent[]): LiveState => events.reduce(nextLive, idle);
const words = (state: LiveState, now: number) => liveWords(state, now, (at) => `t${at}`);

t.test("a connection that opens is live, and says nothing about what was before", async (t) => {
  const state = after({ type: "followed", at: 1 }, { type: "failed", at: 5 }, { type: "opened" });
  t.strictSame(state, { phase: "live", failures: 0 });
  t.equal(words(state, 9), "live");
});

t.test("a connection that fails again and again is stale since its first failure", async (t) => {
  const state = after(
    { type: "followed", at: 1 },
    { type: "opened" },
    { type: "failed", at: 1000 },
    { type: "followed", at: 2000 },
    { type: "failed", at: 3000 },
  );
  t.match(state, { phase: "reconnecting", failures: 2, since: 1000 });
  t.equal(words(state, 3000), "reconnecting");
  t.equal(words(state, 6000), "stale since t1000");
});

t.test("a paused connection stays paused until it is resumed", async (t) => {
  const paused = after({ type: "followed", at: 1 }, { type: "opened" }, { type: "paused", at: 7 });
  for (const event of [
    { type: "followed", at: 8 },
    { type: "opened" },
    { type: "failed", at: 8 },
    { type: "unfollowed" },
    { type: "paused", at: 9 },
  ] as const)
    t.equal(nextLive(paused, event), paused, event.type);
  t.match(nextLive(paused, { type: "resumed" }), { phase: "connecting", since: 7 });
});

t.test("a failure of a page that follows nothing changes nothing", async (t) => {
  t.equal(nextLive(idle, { type: "failed", at: 1 }), idle);
  t.equal(nextLive(idle, { type: "resumed" }), idle);
  t.strictSame(nextLive(after({ type: "followed", at: 1 }), { type: "unfollowed" }), idle);
});

t.test("tries come later and later, with a spread and an end", async (t) => {
  t.equal(retryAfterMs(1, 0), 500);
  t.equal(retryAfterMs(2, 0), 1000);
  t.equal(retryAfterMs(99, 0), 10_000);
  t.equal(retryAfterMs(99, 1), 15_000);
});

t.test("an id of an event moves each topic that has a position", async (t) => {
  const topics = ["cluster", "order:ord_1", "orders"] as const;
  t.equal(resumeAt(topics, new Map()), undefined);
  const reached = reachedBy(topics, "5~0.17,1.3", new Map());
  t.strictSame(
    [...reached],
    [
      ["order:ord_1", "5"],
      ["orders", "0.17,1.3"],
    ],
  );
  t.equal(resumeAt(topics, reached), "5~0.17,1.3");
  t.equal(resumeAt(["orders"], reached), "0.17,1.3", "a page with fewer topics goes on where it was");
  t.equal(resumeAt(["order:ord_2", "orders"], reached), undefined, "a new topic begins all anew");
  t.equal(resumeAt(["cluster"], reached), undefined);
});

t.test("an id of another form changes nothing", async (t) => {
  const reached = new Map([["orders", "4"]] as const);
  t.equal(reachedBy(["orders"], "", reached), reached);
  t.equal(reachedBy(["orders"], "5~6", reached), reached);
});
