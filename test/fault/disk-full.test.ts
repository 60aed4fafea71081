/** A node whose disk is full (it may write no byte to any file), and a server without room for messages. */
import { execFileSync } from "node:child_process";
import t, { type Test } from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { checkAllEnd, checkLedger, checkNothingLost } from "../support/audits/order-audit.ts";
import { healthCheck, orderOf, place, read, stock } from "../support/clients/order-client.ts";
import { untilCompleted } from "../support/clients/order-poll.ts";
import { startLoad } from "../support/load/order-load.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const REFUSED_WITHIN_MS = 1000;
/** How long a disk or a server stays full: longer than the pauses between two tries. */
const FULL_MS = 1500;

/** Every write after the first byte of any file fails from now on (EFBIG, where a full disk has ENOSPC). */
const fillDisk = (pid: number) => execFileSync("prlimit", ["--pid", String(pid), "--fsize=1:"]);
const freeDisk = (pid: number) => execFileSync("prlimit", ["--pid", String(pid), "--fsize=unlimited:"]);

t.test(
  "a node whose disk is full takes no orders, says why, and goes on by itself when there is room",
  { skip: process.platform === "linux" ? false : "needs prlimit" },
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 1, stepDelayMs: 200 });
    const [node] = cluster.nodes;
    const url = node!.url;
    const before = await place(url, orderOf());
    t.equal(before.status, 201);
    fillDisk(node!.pid());
    const refused = await waitUntil("an order is refused", async () => {
      const answer = await place(url, orderOf({ method: "cash_on_delivery" }));
      return answer.status === 503 && answer;
    });
    t.match(refused.body, { code: "storage_unavailable" });
    t.ok(Number(refused.headers.get("retry-after")) >= 1, "with Retry-After");
    const full = await healthCheck(url, "outbox");
    t.match(full, { status: 503, check: { ok: false, detail: /local store refuses writes/u } });
    const from = performance.now();
    t.equal((await place(url, orderOf())).status, 503);
    t.ok(performance.now() - from < REFUSED_WITHIN_MS, "at once");
    t.match(await read(url, before.body.id), { status: 200 }, "an acknowledged order can be read");
    const { available } = await stock(url, "TSHIRT-M");
    await staysFull("the node runs and is not ready", async () => {
      return node!.running() && (await healthCheck(url, "outbox")).status === 503;
    });
    t.equal(node!.running(), true);

    freeDisk(node!.pid());
    await waitUntil("the node is ready again without a request", async () => {
      return (await healthCheck(url, "outbox")).status === 200;
    });
    t.equal((await stock(url, "TSHIRT-M")).available, available, "the refused orders have reserved nothing");
    const after = await place(url, orderOf());
    t.equal(after.status, 201);
    for (const { body } of [before, after]) await untilCompleted(url, body.id);
  },
);

/** Waits until the disk or the server has been full for long. Fails when `holds` is false at one of the polls. */
async function staysFull(what: string, holds: () => Promise<boolean>): Promise<void> {
  const since = performance.now();
  let broken = false;
  await waitUntil(
    `${what} for ${FULL_MS} ms`,
    async () => {
      broken ||= !(await holds());
      return broken || performance.now() - since > FULL_MS;
    },
    { intervalMs: 50 },
  );
  if (broken) throw new Error(`not true any more after ${Math.round(performance.now() - since)} ms: ${what}`);
}

const ROOM = 16 * 1024 * 1024;
/** More than the nodes can store while the last of the room is filled. */
const ORDERS = 200;
const BALLAST = "BALLAST";

/** The part that is filled before the orders come; the rest is filled in a moment. */
const FILLED_BEFORE = ROOM - 5 * 1024 * 1024;
const SIZES = [512 * 1024, 4096, 64] as const;

/** Fills a part of the server's storage with another stream. @returns fills the rest */
async function fillServer(link: NatsLink): Promise<() => Promise<void>> {
  await apiRequest(
    link,
    `STREAM.CREATE.${BALLAST}`,
    { name: BALLAST, subjects: ["ballast"], storage: "file", retention: "limits", num_replicas: 1 },
    5000,
  );
  /** @returns false when the server takes no message of this size any more */
  const write = async (size: number): Promise<boolean> => {
    const answer = await link.nc.request("ballast", new Uint8Array(size), { timeout: 5000 });
    return answer.json<{ error?: object }>().error === undefined;
  };
  for (let written = 0; written < FILLED_BEFORE; written += SIZES[0]) await write(SIZES[0]);
  return async () => {
    for (const size of SIZES)
      for (let written = 0; await write(size); written += size)
        if (written > ROOM) throw new Error(`the server has taken ${written} bytes and is not full`);
  };
}

t.test(
  "orders wait while the server has no room, none is parked, and all go on when it has room",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2, maxFileStoreBytes: ROOM });
    const [url = ""] = cluster.urls;
    const link = await connectNats({ servers: [cluster.nats.url], name: "ballast", connectTimeoutMs: 5000 });
    t.teardown(() => link.close());
    const fillTheRest = await fillServer(link);
    const load = startLoad({
      name: "room",
      count: ORDERS,
      callers: 10,
      orderAt: () => orderOf(),
      urls: () => cluster.urls,
    });
    await load.reached(10);
    await fillTheRest();
    t.ok(load.answered.length < ORDERS, `${ORDERS - load.answered.length} orders wait`);
    await refusedEverywhere(t, cluster.urls);
    const full = await healthCheck(url, "journal");
    t.match(full, { status: 503, check: { ok: false, detail: /no room.*resource/u } });
    await staysFull("all nodes run, and no order is parked", async () => {
      const checks = await Promise.all(cluster.nodes.map((node) => healthCheck(node.url, "orders")));
      return checks.every(({ check }) => check?.detail === "0 parked");
    });
    await apiRequest(link, `STREAM.DELETE.${BALLAST}`, undefined, 5000);

    const orders = await load.done;
    await checkNothingLost(t, cluster.urls, orders);
    await checkAllEnd(t, cluster.urls, orders);
    await checkLedger(t, cluster.gateway.url, orders);
    for (const node of cluster.nodes) {
      const ready = await healthCheck(node.url, "orders");
      t.match(ready, { status: 200, check: { ok: true, detail: "0 parked" } });
      t.notMatch(node.output(), /write set refused|batch refused: split/u);
    }
  },
);

/** Each node refuses orders of its own partitions, with a reason. */
async function refusedEverywhere(t: Test, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const refused = await waitUntil(`${url} refuses an order`, async () => {
      const answer = await place(url, orderOf({ method: "cash_on_delivery" }), { prefer: "wait=1" });
      return answer.body.code === "storage_unavailable" && answer;
    });
    t.match(refused, { status: 503 });
    t.ok(refused.headers.has("retry-after"));
  }
}
