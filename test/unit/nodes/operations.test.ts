/** What a node reports to operators, made from its status. */
import t from "tap";
import { metricsText } from "../../../nodes/order/metrics.ts";
import { clusterOf, healthOf } from "../../../nodes/order/operations.ts";
import { quietSource, quietStatus as status } from "./node-status.ts";

const infoOf = (commit?: string): string =>
  metricsText({ ...quietSource, program: { version: "0.2.0", ...(commit === undefined ? {} : { commit }) } })
    .split("\n")
    .filter((line) => line.includes("orderly_build_info"))
    .join("\n");

t.test(
  "a node's program is in the cluster view; of a node that does not say, its fields are absent",
  async (t) => {
    const node = { boot: "b", startedAt: 0 };
    const { nodes } = clusterOf({
      ...status,
      entries: [
        { ...node, id: "new", version: "0.2.0", definition: 4, commit: "abc" },
        { ...node, id: "built-without-a-commit", version: "0.2.0", definition: 4 },
        { ...node, id: "old" },
        { ...node, id: "odd", version: 2, definition: "4", commit: null },
      ],
    });
    const programs = nodes.map(({ id, version, definition, commit }) => ({
      id,
      version,
      definition,
      commit,
    }));
    t.strictSame(programs, [
      { id: "built-without-a-commit", version: "0.2.0", definition: 4, commit: undefined },
      { id: "new", version: "0.2.0", definition: 4, commit: "abc" },
      { id: "odd", version: undefined, definition: undefined, commit: undefined },
      { id: "old", version: undefined, definition: undefined, commit: undefined },
    ]);
  },
);

t.test("a node's program is the labels of a metric that is always 1", async (t) => {
  t.equal(
    infoOf("abc"),
    `# HELP orderly_build_info 1; the labels say which program the node runs.
# TYPE orderly_build_info gauge
orderly_build_info{node="node-1",version="0.2.0",definition="4",commit="abc"} 1`,
  );
  t.match(infoOf(), /commit="unknown"\} 1$/u);
});

t.test("a node is ready by itself: what is wrong with other nodes is shown", async (t) => {
  const ghost = { resource: "partition.1", node: "gone", epoch: 7 };
  const probes = [true, false, undefined].map((answers, partition) => ({ partition, answers }));
  const owners = [0, 1, 2].map((partition) => ({ ...ghost, resource: `partition.${partition}` }));
  const { ready, checks } = healthOf({ ...status, owners }, 5000, probes);
  t.equal(ready, true);
  t.same(
    checks.find(({ name }) => name === "partitions"),
    { name: "partitions", ok: false, detail: "without an answer: 1" },
  );
  const { partitions } = clusterOf({ ...status, owners }, probes);
  t.same(
    partitions.map(({ answers }) => answers),
    [true, false, null],
  );
});

const shareOf = (complete: boolean, resources: readonly string[], forMs: number) => {
  const { ready, checks } = healthOf({ ...status, unclaimed: { complete, resources, forMs } }, 5000, []);
  return { ready, detail: checks.find(({ name }) => name === "share")?.detail };
};

t.test(
  "a node is not ready until it has claimed its share, and when it cannot for ten seconds",
  async (t) => {
    t.match(shareOf(false, ["partition.1"], 20), {
      ready: false,
      detail: "not claimed for 20 ms: partition.1",
    });
    t.match(shareOf(false, [], 0), { ready: false });
    t.match(shareOf(true, [], 0), { ready: true, detail: "claimed" });
    t.match(shareOf(true, ["partition.1"], 10_000), { ready: true }, "after a failover");
    t.match(shareOf(true, ["partition.1"], 10_001), { ready: false });
  },
);
