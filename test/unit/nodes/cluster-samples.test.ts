/** What a node keeps of the last minutes of the cluster. */
import t from "tap";
import { SampledCluster } from "../../../nodes/order/cluster-samples.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import type { NodeEntry } from "../../../src/runtime/cluster/presence.ts";
import { entryOf } from "../runtime/cluster/presence-stage.ts";

t.test("each second has the rates of every node, and the last quarter of an hour is kept", async (t) => {
  const clock = new VirtualClock();
  const states = { commits: 10 };
  let entries: NodeEntry[] = [];
  const show = (more: Partial<NodeEntry> = {}) => {
    entries = [
      entryOf("two"),
      entryOf("one", {
        commits: states.commits,
        outboxDepth: 3,
        lags: { 0: 2, 4: 1 },
        commitMs: { p99: 7.5 },
        ...more,
      }),
    ];
  };
  show();
  const owners = [
    { resource: "partition.0", node: "one", epoch: 1 },
    { resource: "inventory.0", node: "one", epoch: 1 },
    { resource: "partition.1", node: "", epoch: 0 },
  ];
  const sampled = new SampledCluster(clock, () => ({ entries, owners }));
  sampled.start();
  states.commits = 60;
  show();
  await clock.advance(1000);
  const [first, second] = sampled.last(900_000).samples;
  const one = { id: "one", partitions: 1, outboxDepth: 3, lag: 3, commitP99Ms: 7.5 };
  t.match(first?.nodes, [
    { ...one, commitsPerSecond: null },
    { id: "two", partitions: 0, outboxDepth: 0, lag: 0, commitsPerSecond: null, commitP99Ms: null },
  ]);
  t.match(second?.nodes[0], { commitsPerSecond: 50 });
  show({ boot: "another process" });
  await clock.advance(1000);
  t.match(sampled.last(900_000).samples[2]?.nodes[0], { commitsPerSecond: null }, "a new process");
  await clock.advance(1_000_000);
  t.equal(sampled.last(900_000).samples.length, 900);
  t.equal(sampled.last(10_000).samples.length, 10);
  sampled.stop();
  await clock.advance(10_000);
  t.ok(sampled.last(10_000).samples.length <= 1, "none after its end");
});
