import t from "tap";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/order-audit.ts";
import { clusterView, orderOf, readiness, stock } from "../support/order-client.ts";
import { startOrderCluster } from "../support/order-cluster.ts";
import { startLoad } from "../support/order-load.ts";
import type { LoadedOrder } from "../support/order-load.ts";
import { shareOf } from "../support/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

const ORDERS = 90;
const CALLERS = 8;
const SKU = "TSHIRT-L";
const METHODS = ["debit_card", "credit_card", "cash_on_delivery"] as const;

const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });

t.test("an owner that was frozen while the others took over commits nothing beside them", async (t) => {
  const cluster = await startOrderCluster(t);
  const { onHand } = await stock(cluster.urls[0]!, SKU);
  const [victim, ...others] = cluster.nodes;
  const otherUrls = others.map(({ url }) => url);
  const all: LoadedOrder[] = [];
  const isOwned = await shareOf(cluster, victim!);

  // Frozen in the middle of its work, with callers on its own connections too.
  let urls: readonly string[] = cluster.urls;
  const load = startLoad({ name: "frozen", count: ORDERS, callers: CALLERS, orderAt, urls: () => urls });
  await waitUntil("a third of the orders are answered", () => load.answered.length >= ORDERS / 3, {
    timeoutMs: 60_000,
    intervalMs: 1,
  });
  urls = otherUrls;
  const thaw = victim!.freeze();
  await waitUntil(
    "the others own everything",
    async () => {
      const { partitions } = await clusterView(otherUrls[0]!);
      return partitions.every(({ node }) => node !== null && node !== victim!.name);
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  );
  const meanwhile = startLoad({
    name: "meanwhile",
    count: ORDERS,
    callers: CALLERS,
    orderAt,
    urls: () => otherUrls,
  });
  await waitUntil(
    "the others answer for the partitions of the frozen node",
    () => meanwhile.answered.some(({ id }) => isOwned(id)),
    { timeoutMs: 30_000, intervalMs: 10 },
  );
  thaw();
  all.push(...(await meanwhile.done), ...(await load.done));
  await waitUntil("it is ready again", async () => (await readiness(victim!.url)) === 200, {
    timeoutMs: 30_000,
    intervalMs: 50,
  });
  t.ok(victim!.running(), "it goes on by itself");

  const after = startLoad({
    name: "after",
    count: ORDERS / 3,
    callers: CALLERS,
    orderAt,
    urls: () => [victim!.url],
  });
  all.push(...(await after.done));
  await checkNothingLost(t, [victim!.url], all);
  await checkAllEnd(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
});
