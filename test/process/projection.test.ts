/** The list of orders of real nodes: over HTTP, after a kill, with a damaged or deleted file, and without one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { command, orderOf, place } from "../support/clients/order-client.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

type List = {
  readonly items: readonly { readonly id: string; readonly status: string; readonly version: number }[];
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
  readonly total: { readonly value: number; readonly exact: boolean };
  readonly asOf: { readonly sequence: number; readonly at: string; readonly behindMs: number };
};

/** Runs a command of the project, and returns its exit code and output. */
async function orderly(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../../orderly.mjs", import.meta.url)), ...args],
    {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

type Body = List & { readonly code: string };

async function get(url: string, path: string): Promise<{ status: number; body: Body; text: string }> {
  const answer = await fetch(`${url}${path}`);
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  return { status: answer.status, text, body: (isJson ? JSON.parse(text) : undefined) as Body };
}

/** Waits for a list of this many orders. */
function listOf(url: string, orders: number, query = ""): Promise<List> {
  return waitUntil(`${url} lists ${orders} orders`, async () => {
    const { body, status } = await get(url, `/v1/orders?limit=200${query}`);
    return status === 200 && body.total.value === orders ? body : undefined;
  });
}

async function placeSome(url: string, number: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < number; n++) {
    const { body } = await place(url, orderOf({ method: "cash_on_delivery" }));
    ids.push((body as { id: string }).id);
  }
  return ids;
}

const fileOf = (cluster: OrderCluster, { name }: ClusterProcess): string =>
  join(cluster.homeOf(name), "projection.sqlite");

async function start(t: Test, env: Readonly<Record<string, string>>[]): Promise<OrderCluster> {
  return await startOrderCluster(t, {
    nodes: env.length,
    fulfillment: "manual",
    nodeEnv: (index) => env[index] ?? {},
  });
}

t.test("a node finds orders, also after a kill, with a damaged file and without one", async (t) => {
  const cluster = await start(t, [{}]);
  const [node] = cluster.nodes as [ClusterProcess];
  const ids = await placeSome(node.url, 5);
  const [first = ""] = ids;
  const cancelled = await command(node.url, first, "cancel", { reason: "changed my mind" });
  t.equal(cancelled.status, 200);
  // The list may lag: it has the cancellation from then on.
  await listOf(node.url, 1, "&status=cancelled");
  const list = await listOf(node.url, 5);
  t.same(
    list.items.map(({ id }) => id),
    ids.toReversed(),
  );
  t.equal(list.previousCursor, null);
  t.equal(list.nextCursor, null);
  t.match((await get(node.url, "/v1/orders/counts?by=status")).body, {
    counts: [
      { key: "confirmed", value: 4 },
      { key: "cancelled", value: 1 },
    ],
  });
  const csv = await get(node.url, "/v1/orders.csv?sort=createdAt&status=confirmed");
  t.same(
    csv.text
      .trimEnd()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(",")[0]),
    ids.slice(1),
  );
  for (const [query, pointer] of [
    ["cursor=abc", "/cursor"],
    ["status=shiny", "/status"],
    ["in=payment:shiny", "/in"],
    ["stuckFor=long", "/stuckFor"],
    ["colour=red", "/colour"],
  ] as const) {
    const answer = await get(node.url, `/v1/orders?${query}`);
    t.match(answer, { status: 400, body: { code: "validation_failed", errors: [{ pointer }] } }, query);
  }

  const known = cancelled.headers.get("orderly-sequence") ?? "";
  t.match(known, /^\d+$/u);
  const { body: own } = await get(node.url, `/v1/orders?minSequence=${known}&status=cancelled`);
  t.match(own.items, [{ id: first, sequence: Number(known) }]);

  const at = { ORDERLY_NODE_URL: node.url };
  t.match(await orderly(["projection", "status"], at), { code: 0, stdout: /^following: 5 orders/u });
  t.match(await orderly(["projection", "rebuild"], at), { code: 0, stdout: /^following: 5 orders/u });
  t.match((await get(node.url, "/v1/projection")).body, { builds: 1 });
  t.strictSame((await listOf(node.url, 5)).items, list.items);
  t.match(await orderly(["projection", "--help"], {}), { code: 0, stdout: /^usage: / });
  t.match(await orderly(["projection"], at), { code: 2, stderr: /^usage: / });
  const metrics = (await get(node.url, "/metrics")).text;
  t.match(metrics, /orderly_projection_orders\{[^}]*\} 5\n/u);
  t.match(metrics, /orderly_projection_sequence\{[^}]*stream="0"\} \d+\n/u);

  const placing = placeSome(node.url, 3).catch(() => []);
  await node.kill();
  await placing;
  await node.start();
  const survived = await waitUntil("it lists all that was placed", async () => {
    const { body } = await get(node.url, "/v1/orders");
    return body.total !== undefined && body.total.value >= 5 && body.asOf.behindMs === 0 ? body : undefined;
  });
  t.same(
    survived.items.slice(-5).map(({ id }) => id),
    ids.toReversed(),
  );
  const number = survived.total.value;

  await node.stop();
  writeFileSync(fileOf(cluster, node), "damaged".repeat(5000));
  await node.start();
  t.strictSame((await listOf(node.url, number)).items, survived.items, "built anew from the log");
  t.ok(existsSync(`${fileOf(cluster, node)}.damaged`));

  await node.stop();
  rmSync(fileOf(cluster, node));
  await node.start();
  t.strictSame((await listOf(node.url, number)).items, survived.items);
});

t.test("a node without a list asks one that has it; without any, there is no list", async (t) => {
  const cluster = await start(t, [{ ORDERLY_PROJECTION: "off" }, {}]);
  const [without, having] = cluster.nodes as [ClusterProcess, ClusterProcess];
  const ids = await placeSome(without.url, 3);
  t.same(
    (await listOf(without.url, 3)).items.map(({ id }) => id),
    ids.toReversed(),
  );
  t.notOk(existsSync(fileOf(cluster, without)));
  t.match((await get(without.url, "/v1/projection")).body, { status: "off" });
  t.match(await orderly(["projection", "rebuild"], { ORDERLY_NODE_URL: without.url }), { code: 1 });
  t.match((await get(without.url, "/v1/orders/counts?by=method")).body, {
    counts: [{ key: "cash_on_delivery", value: 3 }],
  });
  await having.stop();
  await waitUntil("no node has a list", async () => {
    const { body, status } = await get(without.url, "/v1/orders");
    return status === 503 && body.code === "projection_off" ? true : undefined;
  });
});
