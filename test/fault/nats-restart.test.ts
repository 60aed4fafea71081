/** The one nats-server is killed under load and started again, at once or later: no answered order is lost. */
import t, { type Test } from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { checkAllEnd, checkLedger, checkNothingLost, checkStock } from "../support/audits/order-audit.ts";
import { clusterView, orderOf, place, readiness, stock } from "../support/clients/order-client.ts";
import { everyNode, type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { checkEveryMail, checkInvoiceNumbers } from "../support/audits/order-documents.ts";
import { type Load, type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const ORDERS = 120;
const CALLERS = 8;
const LONG_OUTAGE_MS = 8_000;
const SKU = "TSHIRT-M";
const METHODS = ["credit_card", "cash_on_delivery", "debit_card"] as const;

const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });

/** Kills the server under load, keeps it away for a while, and starts it again. */
async function outage(t: Test, cluster: OrderCluster, name: string, awayMs: number): Promise<Load> {
  const pids = cluster.nodes.map((node) => node.pid());
  const load = startLoad({ name, count: ORDERS, callers: CALLERS, orderAt, urls: () => cluster.urls });
  await load.reached(ORDERS / 3);
  await cluster.nats.kill();
  const killedAt = performance.now();
  await everyNode(cluster, "is not ready", async (url) => (await readiness(url)) === 503);
  t.pass("every node becomes unready");
  const refused = awayMs > 0 && refusal(t, cluster);
  await waitUntil(
    `the server was down for ${awayMs} ms`,
    async () => {
      if (performance.now() - killedAt < awayMs) {
        for (const url of cluster.urls)
          if ((await readiness(url)) !== 503) t.fail(`${url} is ready without a server`);
        return false;
      }
      return true;
    },
    { timeoutMs: awayMs + 10_000, intervalMs: 100 },
  );
  await refused;
  t.strictSame(
    load.answered.filter(({ sentAt }) => sentAt > killedAt),
    [],
    "no order was promised while the server was down",
  );
  const backAt = performance.now();
  await cluster.nats.restart();
  await everyNode(cluster, "is ready again", async (url) => (await readiness(url)) === 200);
  t.comment(
    `away for ${Math.round(backAt - killedAt)} ms, ready ${Math.round(performance.now() - backAt)} ms later`,
  );
  t.strictSame(
    cluster.nodes.map((node) => node.pid()),
    pids,
  );
  t.ok(
    cluster.nodes.every((node) => node.running()),
    "no node has died",
  );
  return load;
}

/** An order that comes while the server is down is refused in the end, not promised. */
async function refusal(t: Test, cluster: OrderCluster): Promise<void> {
  const refused = await place(cluster.urls[0]!, orderAt(0), { prefer: "wait=1" });
  t.match(refused, { status: 503, body: { code: "unavailable" } });
  t.match(refused.headers.get("retry-after"), /^\d+$/u);
}

t.setTimeout(120_000 + ROUNDS * 120_000);

t.test("no answered order is lost when nats-server is killed under load, and all orders go on", async (t) => {
  t.setTimeout(100_000 + ROUNDS * 120_000);
  const cluster = await startOrderCluster(t, { nodes: 2, syncAlways: true });
  const audit = auditReplies(t, cluster);
  const { onHand } = await stock(cluster.urls[0]!, SKU);
  const all: LoadedOrder[] = [];
  const outages = Array.from({ length: ROUNDS }, (_, round) => [
    { name: `at-once-${round}`, awayMs: 0 },
    { name: `for-long-${round}`, awayMs: LONG_OUTAGE_MS },
  ]).flat();
  for (const { name, awayMs } of outages)
    await t.test(awayMs === 0 ? "started again at once" : `away for ${awayMs} ms`, async (t) => {
      const load = await outage(t, cluster, name, awayMs);
      const orders = await load.done;
      const again = orders.filter(({ attempts }) => attempts > 1).length;
      t.comment(`${name}: ${orders.length} orders, ${again} of them took more than one request`);
      all.push(...orders);
      t.equal(orders.length, ORDERS);
      await checkNothingLost(t, cluster.urls, orders);
      await checkAllEnd(t, cluster.urls, orders);
      // The mailbox shows the newest thousand.
      await checkEveryMail(t, cluster.mailbox.url, orders);
      await everyNode(cluster, "has an empty outbox", async (url) => {
        const { nodes } = await clusterView(url);
        return nodes.length === cluster.nodes.length && nodes.every(({ outboxDepth }) => outboxDepth === 0);
      });
      t.pass("the outbox drains");
    });
  await checkInvoiceNumbers(t, cluster.urls[0]!, all);
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
  await audit.check(t);
});
