/** What the page of the cluster says happened. */
import t from "tap";
import type { Cluster } from "../../../console/src/api/types.ts";
import { begin, follow, ranges, sentenceOf } from "../../../console/src/cluster/cluster-log.ts";

/** A view in which each node owns what is named. */
function view(owners: Readonly<Record<string, readonly number[]>>, without: readonly number[] = []): Cluster {
  const nodes = Object.entries(owners).map(([id, partitions]) => ({
    id,
    startedAt: "2026-11-30T10:00:00.000Z",
    roles: [],
    partitions: [...partitions],
    outboxDepth: 0,
    clockOffsetMs: 0,
    draining: null,
    commitMs: { p50: null, p99: null },
    lanes: [],
    url: `http://${id}`,
  }));
  const owned = Object.entries(owners).flatMap(([node, partitions]) =>
    partitions.map((partition) => ({ partition, node, epoch: epochs[node] ?? 1, lag: 0, answers: true })),
  );
  const orphans = without.map((partition) => ({ partition, node: null, epoch: 1, lag: 0, answers: null }));
  const partitions = [...owned, ...orphans].toSorted((one, other) => one.partition - other.partition);
  return { nodes, partitions, workers: [] };
}
const epochs: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 };
const said = (log: readonly Parameters<typeof sentenceOf>[0][]) => log.map(sentenceOf);

t.test("a node that dies, and those that take its partitions, are named apart from each other", async (t) => {
  const first = begin(view({ a: [0, 1, 2], b: [3] }), 1000);
  t.same(first.log, []);
  const dead = follow(first, view({ b: [3] }, [0, 1, 2]), 2000);
  t.same(said(dead.log), ["a no longer owns partitions 0-2", "a is gone"]);
  t.same([...dead.gone], [["a", 2000]]);
  const taken = follow(dead, view({ b: [0, 1, 2, 3] }), 2700);
  t.equal(sentenceOf(taken.log[0] as never), "b owns partitions 0-2, after 0.7 s without an owner");
  t.equal(taken.orphans.size, 0);
  const back = follow(taken, view({ a: [], b: [0, 1, 2, 3] }), 9000);
  t.equal(sentenceOf(back.log[0] as never), "a takes part");
  t.equal(back.gone.size, 0);
});

t.test("the same view again says nothing", async (t) => {
  const first = begin(view({ a: [0] }), 1);
  t.equal(follow(first, view({ a: [0] }), 2).log, first.log);
});

t.test("a partition that is taken anew by its own node is said, and one that falls silent", async (t) => {
  const first = begin(view({ a: [0] }), 1);
  const next = view({ a: [0] });
  const [partition] = next.partitions;
  const silent = { ...next, partitions: [{ ...partition, epoch: 9, answers: false }] } as Cluster;
  const after = follow(first, silent, 2);
  t.same(said(after.log), ["partition 0: the owner does not answer", "a owns partition 0"]);
  t.same(said(follow(after, view({ a: [0] }), 3).log).slice(0, 1), ["partition 0: the owner answers again"]);
});

t.test("the log is bounded", async (t) => {
  let followed = begin(view({ a: [0] }), 0);
  for (let at = 1; at < 500; at++)
    followed = follow(followed, at % 2 === 0 ? view({ a: [0] }) : view({ b: [0] }), at);
  t.equal(followed.log.length, 200);
});

t.test("runs of numbers are ranges", async (t) => {
  t.equal(ranges([]), "");
  t.equal(ranges([4]), "4");
  t.equal(ranges([0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
});
