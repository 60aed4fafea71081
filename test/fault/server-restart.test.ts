import t from "tap";
import { clusterView, orderOf, place, readiness } from "../support/clients/order-client.ts";
import { everyNode, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Longer than the presence life, so that a takeover that must not be would have come. */
const WATCHED_MS = 4_000;

t.test("a server that is restarted makes nobody look dead: no lock changes hands", async (t) => {
  const cluster = await startOrderCluster(t);
  await untilSettled(cluster);
  const epochs = async (): Promise<string> => {
    const { partitions } = await clusterView(cluster.urls[0]!);
    return partitions.map(({ partition, epoch }) => `${partition}:${epoch}`).join(" ");
  };
  const before = await epochs();
  for (const what of ["killed and started again", "frozen for longer than the presence life"]) {
    if (what.startsWith("killed")) {
      await cluster.nats.kill();
      await cluster.nats.restart();
    } else {
      const thaw = cluster.nats.freeze();
      const frozenAt = performance.now();
      await waitUntil("it was frozen for long", () => performance.now() - frozenAt > WATCHED_MS, {
        timeoutMs: 2 * WATCHED_MS,
      });
      thaw();
    }
    const backAt = performance.now();
    await everyNode(cluster, "is ready again", async (url) => (await readiness(url)) === 200);
    t.comment(`${what}: ready after ${Math.round(performance.now() - backAt)} ms`);
    await waitUntil("a takeover would have come", () => performance.now() - backAt > WATCHED_MS, {
      timeoutMs: 2 * WATCHED_MS,
    });
    t.equal(await epochs(), before, `${what}: every lock is where it was`);
    for (const url of cluster.urls) t.equal((await place(url, orderOf())).status, 201);
  }
});
