/** What the processes of one cluster know of each other: their programs, ids and settings. */
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { programOf } from "../../nodes/order/program.ts";
import { DEFINITION_VERSION } from "../../src/services/orders/definition.ts";
import { healthCheck, orderOf, place, readiness } from "../support/clients/order-client.ts";
import { freePorts } from "../support/cluster/free-ports.ts";
import { type ClusterProcess, everyNode, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { type Started, startNode } from "../support/cluster/processes.ts";
import { metric, metricsOf } from "../support/metrics.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

/** A start takes a second; on a machine with thirty times more work than cores, more. */
const SLOW = { timeoutMs: 90_000 };
const NODE_FILE = fileURLToPath(new URL("../../nodes/order-node.ts", import.meta.url));
const program = { ...programOf("of-an-image"), definition: DEFINITION_VERSION };
const order = orderOf({ method: "cash_on_delivery", lines: [{ sku: "MUG-BLUE", quantity: 1 }] });

type View = { readonly nodes: readonly Readonly<Record<string, unknown>>[] };
const viewOf = async (url: string): Promise<View> =>
  (await (await fetch(`${url}/v1/cluster`)).json()) as View;

type Copy = Started & { readonly url: string };

/** One more process, from a copy of the node's settings with another folder and another port. */
async function copyOf(t: Test, node: ClusterProcess, changed: Record<string, string> = {}): Promise<Copy> {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const own = { ORDERLY_HOME: temporaryFolder(t), ORDERLY_HTTP_PORT: String(port), ORDERLY_PUBLIC_URL: url };
  return { ...startNode(t, NODE_FILE, [], { env: { ...node.env, ...own, ...changed } }), url };
}

/** The line in which the process says why it ends; lines of its log may follow. */
const reasonIn = (output: string): string =>
  output.split("\n").findLast((line) => line.startsWith("orderly node: ")) ?? "";

t.test("the processes of one cluster know each other's programs, and share no id", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 2, env: { ORDERLY_COMMIT: "of-an-image" } });
  const [node, other] = cluster.nodes as readonly [ClusterProcess, ClusterProcess];
  await everyNode(cluster, "sees both", async (url) => (await viewOf(url)).nodes.length === 2);

  await t.test(
    "each says which program it runs: in its first line, to the cluster and as a metric",
    async (t) => {
      for (const one of cluster.nodes) {
        const [first = ""] = one.output().split("\n");
        t.match(JSON.parse(first), { msg: "order node starts", ...program });
        t.match((await viewOf(one.url)).nodes, [program, program]);
        t.match(
          await metricsOf(one.url),
          `version="${program.version}",definition="${program.definition}",commit="${program.commit}"} 1`,
        );
      }
    },
  );

  await t.test(
    "a second process with the id of a node refuses to start, and names the one that has it",
    async (t) => {
      const copy = await copyOf(t, node);
      t.equal((await copy.ended).code, 1);
      const line = reasonIn(copy.output());
      t.match(
        line,
        /^orderly node: node id "node-1" is in use by another process \(started .*ORDERLY_NODE_ID/u,
      );
      t.match(line, new RegExp(`${node.url}, process ${node.pid()}, boot `, "u"));
      for (const one of cluster.nodes) {
        t.equal((await place(one.url, order)).status, 201, one.name);
      }
      await everyNode(cluster, "is ready", async (url) => (await readiness(url)) === 200);
      t.match((await viewOf(other.url)).nodes, [{ id: "node-1", pid: node.pid() }, { id: "node-2" }]);
    },
  );

  await t.test(
    "a node with another secret or setting refuses to start, and names it; a change goes node by node",
    async (t) => {
      const SECRET = `other-secret-${"x".repeat(32)}`;
      const other = {
        ORDERLY_NODE_ID: "node-3",
        ORDERLY_IDEMPOTENCY_SECRET: SECRET,
        ORDERLY_TAX_BASIS_POINTS: "600",
      };
      const refused = await copyOf(t, node, other);
      t.equal((await refused.ended).code, 1);
      t.match(refused.output(), /ORDERLY_TAX_BASIS_POINTS is 600 here, 2300 in the cluster/u);
      t.match(
        refused.output(),
        /ORDERLY_IDEMPOTENCY_SECRET is another one here than in the cluster \(its value is secret\)/u,
      );
      t.notMatch(refused.output(), SECRET);
      const number = /ORDERLY_SETTINGS_CHANGE=(\d+)/u.exec(refused.output())?.[1] ?? "";
      const changed = await copyOf(t, node, { ...other, ORDERLY_SETTINGS_CHANGE: number });
      await waitUntil("the changed node is ready", async () => (await readiness(changed.url)) === 200, SLOW);
      await everyNode(cluster, "says that its settings are outdated, and is ready", async (url) => {
        const differs = await metric(url, "orderly_settings_differ");
        return differs === 1 && (await readiness(url)) === 200;
      });
      t.match(
        (await healthCheck(node.url, "settings")).check?.detail,
        /start this node again .*ORDERLY_TAX_BASIS_POINTS/u,
      );
      await changed.stop();
      const back = await copyOf(t, node, { ORDERLY_NODE_ID: "node-3" });
      t.equal((await back.ended).code, 1, "no node starts with the former settings");
      const restore = /ORDERLY_SETTINGS_CHANGE=(\d+)/u.exec(back.output())?.[1] ?? "";
      const restored = await copyOf(t, node, { ORDERLY_NODE_ID: "node-3", ORDERLY_SETTINGS_CHANGE: restore });
      await waitUntil(
        "the node with the former settings is ready",
        async () => (await readiness(restored.url)) === 200,
        SLOW,
      );
      await everyNode(cluster, "has the settings of the cluster", async (url) => {
        return (await metric(url, "orderly_settings_differ")) === 0;
      });
      await restored.stop();
    },
  );

  await t.test(
    "a frozen process whose id another one has claimed ends when it goes on, and says why",
    async (t) => {
      const thaw = node.freeze();
      const next = await copyOf(t, node);
      await waitUntil("the next process is ready", async () => (await readiness(next.url)) === 200, SLOW);
      const ended = node.exitCode();
      thaw();
      t.equal(await ended, 1);
      const line = reasonIn(node.output());
      t.match(line, /^orderly node: node id "node-1" was claimed by another process .*ORDERLY_NODE_ID/u);
      t.match(line, new RegExp(`${next.url}, process ${next.pid}, boot `, "u"));
      for (const url of [next.url, other.url]) {
        t.equal((await place(url, order)).status, 201);
        await waitUntil(`${url} is ready`, async () => (await readiness(url)) === 200, SLOW);
      }
      t.match((await viewOf(other.url)).nodes, [{ id: "node-1", pid: next.pid }, { id: "node-2" }]);
    },
  );
});
