/**
 * A nats-server whose order stream is swapped for an older copy under running nodes: every node ends with one line and
 * exit code 1, and the nodes that are started again take the log as it is, with checkpoints of the log before.
 */
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { orderOf, place, read, readiness, stock } from "../support/clients/order-client.ts";
import { everyNode, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

const SKU = "TSHIRT-M";
const LINE =
  /the log KV_ORDERS (went back|is another one).*restart the nodes after the log is complete again/u;

/** Folder of a stream below the server's store. */
function streamFolder(dir: string, stream: string): string {
  const account = join(dir, "jetstream");
  const found = readdirSync(account)
    .map((name) => join(account, name, "streams", stream))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no folder of ${stream} below ${account}`);
  return found;
}

t.test("nodes end when their log went back, and start again on it with nothing lost or leaked", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 2, fulfillment: "auto", syncAlways: true });
  await untilSettled(cluster);
  const order = async (): Promise<string> => {
    const answer = await place(cluster.urls[0]!, orderOf({ lines: [{ sku: SKU, quantity: 1 }] }));
    t.equal(answer.status, 201);
    return answer.body["id"];
  };
  const completed = async (id: string): Promise<void> => {
    await waitUntil(
      `${id} is completed`,
      async () => (await read(cluster.urls[0]!, id)).body["status"] === "completed",
      { timeoutMs: 60_000, intervalMs: 50 },
    );
  };
  const before = await Promise.all(Array.from({ length: 5 }, order));
  for (const id of before) await completed(id);
  const folder = streamFolder(cluster.nats.dir, "KV_ORDERS");
  const copy = join(cluster.home, "copy");
  await cluster.nats.kill();
  cpSync(folder, copy, { recursive: true });
  await cluster.nats.restart();
  await everyNode(
    cluster,
    "is ready after a restart of the server",
    async (url) => (await readiness(url)) === 200,
  );
  const after = await Promise.all(Array.from({ length: 5 }, order));
  for (const id of after) await completed(id);

  await cluster.nats.kill();
  rmSync(folder, { recursive: true });
  cpSync(copy, folder, { recursive: true });
  await cluster.nats.restart();
  for (const node of cluster.nodes) {
    t.equal(await node.exitCode(), 1, `${node.name} has ended`);
    const lines = node.output().split("\n");
    t.equal(
      lines.filter((line) => line.startsWith("orderly node:") && LINE.test(line)).length,
      1,
      "with one line",
    );
  }

  await Promise.all(cluster.nodes.map((node) => node.start()));
  for (const id of before)
    t.match(await read(cluster.urls[0]!, id), { status: 200, body: { status: "completed" } });
  const gone = await Promise.all(after.map((id) => read(cluster.urls[1]!, id)));
  t.same(
    gone.map(({ status }) => status),
    after.map(() => 404),
    "the orders of the lost part",
  );
  const again = await Promise.all(Array.from({ length: 5 }, order));
  for (const id of again) await completed(id);
  await waitUntil("no stock is reserved", async () => (await stock(cluster.urls[0]!, SKU)).reserved === 0);
});
