/**
 * Reservations from three nodes at once, on one SKU that all callers order and on a thousand. A reservation is an order
 * paid on delivery: reserved and confirmed in one commit when the inventory's owner also owns the order, otherwise by a
 * request. Then the stock is reduced and sold out, and every piece is accounted for.
 */
import { orderOf } from "../test/support/clients/order-client.ts";
import { type BenchCluster, countCluster, startCluster } from "./cluster.ts";
import type { Phase } from "./load/load-plan.ts";
import { confirmedOnly } from "./load/phase.ts";
import { startGenerator } from "./load/start-load.ts";
import { costs } from "./orders-over-http.ts";
import type { Part, PartContext } from "./part.ts";
import { metric, type Result } from "./result.ts";
import { PLENTY, readStocks, writeStocks } from "./stock.ts";

const NODES = 3;
const CALLERS = 64;
const MANY_SKUS = 1_000;
/** Pieces of each SKU that are left to sell when the stock is reduced. */
const LAST_PIECES = { hot: 100, many: 1 } as const;
const SELL_OUT_MS = { quick: 1_000, usual: 3_000 } as const;

/** On one SKU and on a thousand. */
export const reservations: Part = {
  letter: "d",
  name: "reservations",
  what: "reservations/s from three nodes on one hot SKU and on 1000, nothing oversold",
  async run(context) {
    for (const skus of [1, MANY_SKUS])
      for (const callers of context.options.callers ?? [CALLERS])
        context.report(await measure(context, skus, callers));
  },
};

async function measure(context: PartContext, count: number, callers: number): Promise<Result> {
  const { options, progress } = context;
  const seconds = options.seconds ?? (options.quick ? 2 : 20);
  const warmupSeconds = options.warmupSeconds ?? (options.quick ? 1 : 5);
  progress(`reservations: ${count} SKU(s), ${callers} callers: starting a cluster of ${NODES} nodes ...`);
  const stage = context.stage.inner();
  try {
    const cluster = await startCluster(stage, { nodes: NODES, fulfillment: "manual", set: options.set });
    const url = cluster.urls[0] ?? "";
    const skus = Array.from({ length: count }, (_, index) => `HOT-${index}`);
    await writeStocks(url, new Map(skus.map((sku) => [sku, PLENTY])));
    const orders = skus.map((sku) => orderOf({ method: "cash_on_delivery", lines: [{ sku, quantity: 1 }] }));
    const generator = await startGenerator(stage, { ports: cluster.ports, callers, orders });
    const warm =
      warmupSeconds > 0 ? confirmedOnly(await generator.run(warmupSeconds * 1000), cluster.explain) : 0;
    progress(`reservations: measuring for ${seconds} s ...`);
    const before = await countCluster(cluster);
    const phase = await generator.run(seconds * 1000);
    const after = await countCluster(cluster);
    const reserved = confirmedOnly(phase, cluster.explain);
    await audit(cluster, skus, warm + reserved);
    progress("reservations: selling out ...");
    const pieces = count === 1 ? LAST_PIECES.hot : LAST_PIECES.many;
    const stocks = await readStocks(url, skus);
    await writeStocks(url, new Map([...stocks].map(([sku, stock]) => [sku, stock.reserved + pieces])));
    const rush = await generator.run(options.quick ? SELL_OUT_MS.quick : SELL_OUT_MS.usual);
    const sold = onlySoldOrRefused(rush);
    await audit(cluster, skus, warm + reserved + sold);
    const refused = rush.answers["409 out_of_stock"] ?? 0;
    if (refused > 0 && count === 1 && sold !== pieces)
      throw new Error(`${sold} pieces were sold of ${pieces}, and ${refused} callers were refused one`);
    return {
      benchmark: "reservations",
      parameters: { skus: count, nodes: NODES, callers, seconds, warmupSeconds },
      metrics: {
        reservations: metric(reserved, "reservations"),
        throughput: metric((reserved * 1000) / phase.elapsedMs, "reservations/s"),
        p50: metric(phase.p50Ms, "ms"),
        p99: metric(phase.p99Ms, "ms"),
        lastPieces: metric(pieces * count, "pieces"),
        soldOfThem: metric(sold, "pieces"),
        refusedThen: metric(refused, "orders"),
        ...costs(before, after, phase.elapsedMs, phase.cpuSeconds),
      },
    };
  } finally {
    await stage.end();
  }
}

/** Every confirmed order holds its piece, and no other order does. @throws Error with the SKU that differs */
async function audit(cluster: BenchCluster, skus: readonly string[], confirmed: number): Promise<void> {
  const stocks = await readStocks(cluster.urls[0] ?? "", skus);
  let reserved = 0;
  for (const [sku, stock] of stocks) {
    reserved += stock.reserved;
    if (stock.available < 0 || stock.available + stock.reserved !== stock.onHand)
      throw new Error(`oversold: ${sku} is ${JSON.stringify(stock)}`);
  }
  if (stocks.size !== skus.length) throw new Error(`${stocks.size} SKUs are listed of ${skus.length}`);
  if (reserved !== confirmed) throw new Error(`${reserved} pieces are reserved for ${confirmed} orders`);
}

function onlySoldOrRefused({ answers, firstOther }: Phase): number {
  const { confirmed = 0, "409 out_of_stock": _, ...others } = answers;
  if (Object.keys(others).length > 0)
    throw new Error(`answers other than these two: ${JSON.stringify(others)}; the first: ${firstOther}`);
  return confirmed;
}
