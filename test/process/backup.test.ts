/** docs/operations.md, run against a real cluster: a backup under load, a restore into an empty server, all goes on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { bulkStreamSettings, streamSettings } from "../../nodes/order/streams.ts";
import { allStreams } from "../../src/adapters/nats/stream-definitions.ts";
import type { OrderView } from "../../src/services/orders/contract.ts";
import { natsCli, natsCliFolder } from "../support/clients/nats-cli.ts";
import { read, stock } from "../support/clients/order-client.ts";
import {
  openWarehouse,
  type Placed,
  type Step,
  TOTAL,
  type Warehouse,
} from "../support/clients/warehouse.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { cleanEnvironment } from "../support/cluster/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const PAGE = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const RAISE = /^nats kv get INVOICES_NUMBERS .*\n.*$/mu.exec(PAGE)?.[0] ?? "";
const lines = [...PAGE.matchAll(/^nats backup .*$/gmu)].map(([line]) => line);
const backups = lines.filter((line) => line.startsWith("nats backup stream "));
const restores = lines.filter((line) => line.startsWith("nats backup restore stream "));
const streamOf = (line: string): string => / backup\/(\w+)/u.exec(line)?.[1] ?? "";

t.test("the page backs up and restores every stream but checkpoints and presence", async (t) => {
  const settings = { replicas: 1, partitions: 8, streams: 1, presenceTtlMs: 3000 };
  const streams = [streamSettings(settings), bulkStreamSettings(settings)]
    .flatMap((one) => allStreams(one))
    .map(({ name }) => name);
  const never = ["KV_FLOORS", "KV_NODES", "KV_REVEALS", "KV_BULK_FLOORS", "KV_BULK_NODES"];
  for (const name of never) t.match(PAGE, `\`${name}\``);
  t.same(
    backups.map(streamOf).toSorted(),
    streams.filter((name) => !never.includes(name)).toSorted(),
    "each stream has its place in the order",
  );
  t.same(restores.map(streamOf), backups.map(streamOf));
  t.same(
    lines.length,
    backups.length + restores.length,
    "no other command of the page is left without a test",
  );
});

const NEXT: Partial<Record<Step, object | undefined>> = {
  pick: undefined,
  "quality-check": { passed: true },
  pack: undefined,
  ship: undefined,
  deliver: undefined,
};

/** One command, if the order takes one now. */
async function step(shop: Warehouse, id: string): Promise<OrderView> {
  const { body } = await read(shop.nextUrl(), id);
  const next = (Object.keys(NEXT) as Step[]).find((name) => body.nextEvents.includes(name));
  const collected = next === "deliver" && body.payment.method === "cash_on_delivery";
  if (next !== undefined) await shop.ask(id, next, collected ? { collected: TOTAL } : NEXT[next]);
  return body;
}

async function completed(shop: Warehouse, id: string): Promise<OrderView> {
  return await waitUntil(`${id} is completed`, async () => {
    const order = await step(shop, id);
    if (order.status === "completed") return order;
    throw new Error(JSON.stringify(order));
  });
}

const numberOf = (order: OrderView | undefined): number => Number(order?.invoice?.number.split("-")[1]);

async function checkStock(t: Test, shop: Warehouse, sold: readonly Placed[]): Promise<void> {
  for (const { sku } of sold) t.match(await stock(shop.nextUrl(), sku), { onHand: 18, reserved: 0 }, sku);
}

const folder = natsCliFolder();
const missing =
  "the nats CLI is neither on PATH nor in ~/go/bin; go install github.com/nats-io/natscli/nats@latest";
t.test(
  "a backup that is made while orders go on is restored, and every order in it goes on",
  folder === undefined ? { skip: missing } : {},
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2, fulfillment: "manual" });
    const place = temporaryFolder(t);
    mkdirSync(join(place, "backup"));
    const cli = natsCli(t, folder ?? "", cluster.nats.url);
    const run = (line: string) => cli.run(`cd ${place} && ${line}`);
    const shop = openWarehouse(cluster);
    const placed: Placed[] = [];
    let rounds = 0;
    /** Between two copies orders of every stage are placed, and all others make a step. */
    const goOn = async (): Promise<void> => {
      for (const { id } of placed) await step(shop, id);
      for (const steps of [0, 3, 5]) {
        const order = await shop.confirmed(t, "credit_card");
        placed.push(order);
        for (let done = 0; done < steps; done++) await step(shop, order.id);
      }
      const oldest = placed[rounds++];
      if (oldest) await completed(shop, oldest.id);
    };
    await goOn();
    for (const line of backups) {
      await run(line);
      await goOn();
    }
    const before = new Map<string, OrderView>();
    for (const { id } of placed) before.set(id, (await read(shop.nextUrl(), id)).body);

    await Promise.all(cluster.nodes.map((node) => node.stop()));
    await cluster.nats.stop();
    rmSync(join(cluster.nats.dir, "jetstream"), { recursive: true });
    await cluster.nats.restart();
    for (const line of restores) await run(line);
    const given = [...before.values()].filter(({ invoice }) => invoice !== null);
    const greatest = Math.max(...given.map(numberOf));
    const year = given[0]?.invoice?.number.slice(0, 4) ?? "";
    await run(RAISE.replaceAll("year.2026", `year.${year}`).replace(":120", `:${greatest}`));
    await Promise.all(cluster.nodes.map((node) => node.start()));

    const kept: Placed[] = [];
    for (const order of placed) {
      const { status } = await read(shop.nextUrl(), order.id);
      if (status === 200) kept.push(order);
      else t.equal(status, 404, "an order that was placed after the copy of the orders");
    }
    t.ok(kept.length >= 9 && kept.length < placed.length, `${kept.length} of ${placed.length} are restored`);
    const views = new Map<string, OrderView>();
    for (const { id } of kept) views.set(id, await completed(shop, id));
    const later = [await shop.confirmed(t, "credit_card"), await shop.confirmed(t, "cash_on_delivery")];
    for (const { id } of later) views.set(id, await completed(shop, id));
    await checkStock(t, shop, [...kept, ...later]);

    const numbers = [...views.values()].map(numberOf);
    t.equal(new Set(numbers).size, numbers.length, "no number is on two invoices");
    for (const order of later)
      t.ok(numberOf(views.get(order.id)) > greatest, "a new order gets a number that was never printed");
    const keptNumbers = given.filter(({ id }) => numberOf(views.get(id)) === numberOf(before.get(id)));
    t.ok(
      keptNumbers.length >= 3,
      `${keptNumbers.length} of ${given.length} orders keep the number that they had`,
    );
    for (const { id } of kept) {
      const pdf = await fetch(`${shop.nextUrl()}/v1/orders/${id}/invoice`);
      t.equal(pdf.status, 200, "its invoice can be read");
    }
    const lost = placed.filter((order) => !kept.includes(order));
    t.same(
      namedByReconcile(cluster.nats.url, cluster.gateway.url).toSorted(),
      lost.map(({ id }) => id).toSorted(),
    );
  },
);

/** The orders that `orderly reconcile` names. */
function namedByReconcile(natsUrl: string, gatewayUrl: string): string[] {
  const env = { ...cleanEnvironment(), NATS_URL: natsUrl, ORDERLY_GATEWAY_URL: gatewayUrl };
  let output = "";
  try {
    output = execFileSync(process.execPath, ["orderly.mjs", "reconcile", "--json"], {
      env,
      encoding: "utf8",
    });
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    // 1: there are differences.
    if (status !== 1) throw new Error(`reconcile ends with ${status}: ${stderr}`, { cause: error });
    output = stdout;
  }
  const { differences } = JSON.parse(output) as { differences: { orderId: string }[] };
  return differences.map(({ orderId }) => orderId);
}
