/** Who owned a partition when, from the entries of its lock. */
import t from "tap";
import { released } from "../../../../src/runtime/cluster/lock-entry.ts";
import { ownedSpans } from "../../../../src/runtime/cluster/lock-history.ts";

let sequence = 0;
const entry = (at: number, node: string) => ({
  at,
  sequence: ++sequence * 10,
  payload: JSON.stringify(node === "" ? released : { node, boot: "b", nonce: "n", since: "" }),
});

t.test("a hand-over shows how long no node held the lock, a failover that this is not known", async (t) => {
  sequence = 0;
  const spans = ownedSpans([
    entry(100, "one"),
    entry(200, ""),
    entry(230, "two"),
    entry(500, "three"),
    entry(600, ""),
  ]);
  t.strictSame(spans, [
    { node: "one", epoch: 10, from: 100, to: 200, gapMs: 0 },
    { node: "two", epoch: 30, from: 230, to: 500, gapMs: 30 },
    { node: "three", epoch: 40, from: 500, to: 600, gapMs: null },
  ]);
});

t.test(
  "the present owner has no end, and an entry that cannot be read ends the ownership before it",
  async (t) => {
    sequence = 0;
    const spans = ownedSpans([entry(100, "one"), { at: 150, sequence: 15, payload: "{" }, entry(190, "one")]);
    t.match(spans, [
      { from: 100, to: 150 },
      { from: 190, to: null, gapMs: 40 },
    ]);
    t.strictSame(ownedSpans([]), []);
    t.strictSame(ownedSpans([entry(1, "")]), []);
  },
);
