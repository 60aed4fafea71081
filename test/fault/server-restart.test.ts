/** A nats-server that restarts or freezes: the nodes suspect the server, not each other, and keep their locks. */
import t from "tap";
import { clusterView, orderOf, place, readiness } from "../support/clients/order-client.ts";
import { everyNode, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Longer than the life of a presence entry, so that a wrong takeover would have happened. */
const WATCHED_MS = 4_000;

t.test("no lock changes hands when the server restarts or freezes", async (t) => {
  const cluster = await startOrderCluster(t);
  await untilSettled(cluster);
  const epochs = async (): Promise<string> => {
    const { partitions } = await clusterView(cluster.urls[0]!);
    return partitions.map(({ partition, epoch }) => `${partition}:${epoch}`).join(" ");
  };
  const before = await epochs();
  for (const what of ["killed and started again", "frozen for longer than the life of presence"]) {
    if (what.startsWith("killed")) {
      await cluster.nats.kill();
      await cluster.nats.restart();
    } else {
      const thaw = cluster.nats.freeze();
      const frozenAt = performance.now();
      await waitUntil(
        "the server was frozen for longer than that",
        () => performance.now() - frozenAt > WATCHED_MS,
        {
          timeoutMs: 2 * WATCHED_MS,
        },
      );
      thaw();
    }
    const backAt = performance.now();
    await everyNode(cluster, "is ready again", async (url) => (await readiness(url)) === 200);
    t.comment(`${what}: ready after ${Math.round(performance.now() - backAt)} ms`);
    await waitUntil("a wrong takeover would have happened", () => performance.now() - backAt > WATCHED_MS, {
      timeoutMs: 2 * WATCHED_MS,
    });
    t.equal(await epochs(), before, `${what}: every lock has its owner and its epoch`);
    for (const url of cluster.urls) t.equal((await place(url, orderOf())).status, 201);
  }
});
