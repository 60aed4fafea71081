/** The SQLite files of all nodes are deleted: they hold no truth, the order stream has everything. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { checkAllEnd, checkLedger, checkNothingLost, checkStock } from "../support/audits/order-audit.ts";
import { orderOf, place, stock } from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { checkEveryMail, checkInvoiceNumbers } from "../support/audits/order-documents.ts";
import { startLoad } from "../support/load/order-load.ts";
import { printReplay } from "../support/replay-command.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const ORDERS = 60;
const CALLERS = 8;
const SKU = "MUG-RED";
const METHODS = ["credit_card", "cash_on_delivery", "tokenized"] as const;

const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });

const startPlacing = (cluster: OrderCluster, name: string) =>
  startLoad({ name, count: ORDERS, callers: CALLERS, orderAt, urls: () => cluster.urls });

/** Removes every SQLite file of the nodes, none of which may run. @returns how many there were */
function deleteSqlite(cluster: OrderCluster): number {
  let deleted = 0;
  for (const node of cluster.nodes) {
    if (node.running()) throw new Error(`${node.name} still runs`);
    const home = cluster.homeOf(node.name);
    for (const file of existsSync(home) ? readdirSync(home) : []) {
      if (!file.includes(".sqlite")) continue;
      rmSync(join(home, file));
      deleted++;
    }
  }
  return deleted;
}

const startNodes = (cluster: OrderCluster) => Promise.all(cluster.nodes.map((node) => node.start()));

t.setTimeout(150_000 + ROUNDS * 90_000);

t.test("orders outlive the SQLite files of all nodes", async (t) => {
  t.setTimeout(120_000 + ROUNDS * 90_000);
  // Steps take a while, so that many orders are in flight when the nodes stop.
  const cluster = await startOrderCluster(t, { nodes: 2, stepDelayMs: 1000 });
  const audit = auditReplies(t, cluster);
  const { onHand } = await stock(cluster.urls[0]!, SKU);

  const orders = [...(await startPlacing(cluster, "before").done)];
  for (const outcome of await Promise.all(
    cluster.nodes.map((node) => node.stop().then(() => node.running())),
  ))
    t.equal(outcome, false);
  t.ok(deleteSqlite(cluster) >= cluster.nodes.length, "every node had one");
  await startNodes(cluster);

  await checkNothingLost(t, cluster.urls, orders);
  for (const [index, url] of cluster.urls.entries()) {
    const again = await place(url, orderAt(0), { "idempotency-key": "before-0" });
    t.match(again, { status: 201, body: { id: orders.find(({ key }) => key === "before-0")!.id } });
    const fresh = await place(url, orderAt(index), { "idempotency-key": `fresh-${index}` });
    t.match(fresh, { status: 201, body: { status: "confirmed" } }, "a new order is confirmed");
    orders.push({
      ...orders[0]!,
      key: `fresh-${index}`,
      order: orderAt(index),
      id: fresh.body.id,
      outcome: "confirmed",
    });
  }
  await checkAllEnd(t, cluster.urls, orders);
  // The mailbox shows the newest thousand mails: each round checks its own.
  await checkEveryMail(t, cluster.mailbox.url, orders);

  for (let round = 1; round <= ROUNDS; round++)
    await t.test(
      "orders outlive the SQLite files also when all nodes and nats-server are killed at once, under load",
      async (t) => {
        const load = startPlacing(cluster, `killed-${round}`);
        await load.reached(ORDERS / 3);
        const killedAt = performance.now();
        await Promise.all([...cluster.nodes, cluster.nats].map((one) => one.kill()));
        const promised = [...load.answered];
        t.ok(promised.length < ORDERS, "some have no answer yet");
        deleteSqlite(cluster);
        await cluster.nats.restart();
        await startNodes(cluster);
        const readyAt = performance.now();
        await checkNothingLost(t, cluster.urls, promised);
        // The callers still wait, and repeat their requests under the same keys.
        const all = await load.done;
        t.equal(all.length, ORDERS);
        await checkAllEnd(t, cluster.urls, all);
        await checkEveryMail(t, cluster.mailbox.url, all);
        t.comment(
          `round ${round}: ${promised.length} of ${ORDERS} orders were answered at the kill; all nodes ready ${Math.round(readyAt - killedAt)} ms, ` +
            `all orders ended ${Math.round(performance.now() - killedAt)} ms later`,
        );
        orders.push(...all);
      },
    );

  await checkInvoiceNumbers(t, cluster.urls[0]!, orders);
  await checkLedger(t, cluster.gateway.url, orders);
  await checkStock(t, cluster.urls[1]!, new Map([[SKU, onHand]]), orders);
  await audit.check(t);
});
