/** Takeovers by their reason, and lost locks, as operators count failovers. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { takeoverReason } from "../../../../src/runtime/cluster/takeover-counts.ts";
import { ownershipStage } from "./ownership-stage.ts";

const MANY = Array.from({ length: 6 }, (_, i) => `partition.${i}`);
const none = { first: 0, released: 0, failover: 0, own: 0, lost: 0 };
const entry = (node: string) => ({ node, boot: "b", nonce: "n", since: "" });

t.test("the reason follows from the entry that the claim replaces", async (t) => {
  t.equal(takeoverReason(undefined, "one"), "first");
  t.equal(takeoverReason(entry(""), "one"), "released");
  t.equal(takeoverReason(entry("two"), "one"), "failover");
  t.equal(takeoverReason(entry("one"), "one"), "own");
});

t.test("first claims, hand-overs and failovers are counted apart", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  t.same(one.ownership.takeovers(), { ...none, first: MANY.length });
  const two = await stage.node("two");
  await stage.until("two has its share", () => two.ownership.held().length > 0);
  await stage.clock.advance(10_000);
  const share = two.ownership.held().length;
  t.ok(share < MANY.length);
  t.same(two.ownership.takeovers(), { ...none, released: share });
  t.same(one.ownership.takeovers(), { ...none, first: MANY.length }, "a hand-over is no loss");
  one.kill();
  await stage.until("two holds all", () => two.ownership.held().length === MANY.length);
  t.same(two.ownership.takeovers(), { ...none, released: share, failover: MANY.length - share });
  const again = await stage.node("two");
  two.kill();
  await stage.until("it holds all again", () => again.ownership.held().length === MANY.length);
  t.same(again.ownership.takeovers(), { ...none, own: MANY.length }, "locks of its own former process");
});

t.test("a lock that another process takes is counted as lost", async (t) => {
  const stage = ownershipStage(["partition.0"]);
  const one = await stage.node("one");
  await stage.until("held", () => one.ownership.held().length === 1);
  const other = JSON.stringify({ node: "two", boot: "other", nonce: "x", since: "" });
  stage.server
    .log("KV_ORDERS")
    .propose([{ subject: subjects.lock("partition.0"), payload: other }], () => {});
  await stage.until("lost", () => one.ownership.takeovers().lost === 1);
  t.same(one.ownership.takeovers(), { ...none, first: 1, lost: 1 });
});
