/** Bounds of consecutive steps: each step of a stop has time left when the one before it has used all of its own. */
import t, { type Test } from "tap";
import { stopping } from "../../../src/runtime/limits.ts";
import { clusterStopping } from "../../../nodes/local/cluster-stopping.ts";

const rising = (t: Test, bounds: Readonly<Record<string, number>>) => {
  const names = Object.keys(bounds);
  for (const [index, name] of names.slice(1).entries()) {
    const before = names[index]!;
    t.ok(bounds[before]! < bounds[name]!, `${before} ${bounds[before]} < ${name} ${bounds[name]}`);
  }
};

t.test("a stop ends one part after the other, and the process last", async (t) => {
  const { idleMs, drainMs, handOverMs, callersMs, answersMs, closeGraceMs } = stopping;
  const { presenceMs, connectionMs, processMs } = stopping;
  const inOrder = closeGraceMs + presenceMs + connectionMs;
  rising(t, { idleMs, drainMs, handOverMs, answersMs, closeGraceMs, inOrder, processMs });
  rising(t, { drainMs, callersMs, answersMs });
  t.ok(stopping.workersMs < closeGraceMs, "workers do not delay the node longer than its callers");
});

t.test("a resource that uses all of its time to drain leaves time to release its lock", async (t) => {
  const { leaveMs, drainMs, handOverMs } = stopping;
  t.ok(leaveMs + drainMs < handOverMs);
});

t.test("the local cluster stops within its promised time, whatever hangs", async (t) => {
  const { nodesMs, servicesMs, natsServerMs, natsMs, launcherMs, promisedMs } = clusterStopping;
  t.ok(stopping.processMs < nodesMs, "a node ends itself before it is killed");
  t.ok(natsServerMs < natsMs);
  rising(t, { groups: nodesMs + servicesMs + natsMs, launcherMs, promisedMs });
});
