/**
 * Order nodes whose machines' clocks are wrong, as processes: the first a minute slow, the second an hour slow, the
 * third a minute fast. Everything that they decide goes by the clock of nats-server, and so of this test.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { postMessage } from "../support/clients/hosted-order.ts";
import {
  clusterView,
  healthCheck,
  history,
  mails,
  orderOf,
  place,
  read,
} from "../support/clients/order-client.ts";
import { untilCompleted, untilPaid } from "../support/clients/order-poll.ts";
import { type ClusterProcess, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { ownersIn, untilSettled } from "../support/load/partition-share.ts";
import { metric } from "../support/metrics.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";
import { waitUntil } from "../support/wait-until.ts";

const HOUR_MS = 3_600_000;
const SHIFTS_MS = [-60_000, -HOUR_MS, 60_000] as const;
const MONTH_MS = 30 * 24 * HOUR_MS;
const DEADLINE_MS = 6_000;
/** A timer is dated when its input is decided, and the record that shows it is stored a little later. */
const EARLY_MS = 500;
/** The server's lateness, the void at the gateway, and a busy machine. */
const LATE_MS = 10_000;
const WAIT = { timeoutMs: 60_000, intervalMs: 100 } as const;

const PRELOAD = pathToFileURL(join(import.meta.dirname, "../support/programs/shifted-clock.ts"));
const shiftFile = (home: string, index: number): string => join(home, `clock-${index}`);
const setClock = (home: string, index: number, ms: number): void =>
  writeFileSync(shiftFile(home, index), String(ms));

const cluster = await startOrderCluster(t, {
  paymentDeadlineMs: DEADLINE_MS,
  // Only a webhook reports a payment in time.
  paymentPollMs: 60_000,
  stepDelayMs: 300,
  nodeEnv: (index, home) => {
    setClock(home, index, SHIFTS_MS[index]!);
    return { NODE_OPTIONS: `--import=${PRELOAD.href}?file=${encodeURIComponent(shiftFile(home, index))}` };
  },
});
const [url = ""] = cluster.urls;
await untilSettled(cluster);
const owners = ownersIn(cluster);
const ownerOf = (id: string): string => owners.get(`partition.${partitionOf(id, owners.size - 1)}`) ?? "";

/** Places orders until every node owns one. @returns their ids, by the owner's name */
async function onEachNode(order: Parameters<typeof place>[1]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let n = 0; found.size < cluster.nodes.length; n++) {
    if (n === 100) throw new Error("a hundred orders, and a node owns none of them");
    const { status, body } = await place(cluster.urls[n % cluster.urls.length]!, order);
    if (status !== 201) throw new Error(`an order is answered ${status} ${JSON.stringify(body)}`);
    found.set(ownerOf(body.id), body.id);
  }
  return found;
}

t.test("every node shows how wrong its clock is, and all are ready", async (t) => {
  const { nodes } = await clusterView(url);
  for (const [index, { name, url: own }] of cluster.nodes.entries()) {
    const shift = SHIFTS_MS[index]!;
    const shown = nodes.find(({ id }) => id === name)?.clockOffsetMs ?? Number.NaN;
    t.ok(Math.abs(shown - shift) < 400, `${name}: ${shown} ms`);
    t.ok(Math.abs((await metric(own, "orderly_clock_offset_seconds")) * 1000 - shift) < 400);
    t.match(await healthCheck(own, "clock"), {
      status: 200,
      check: { ok: true, detail: /decisions take the server's time/u },
    });
  }
});

t.test("a payment page is open for its whole time, and not longer, on every node", async (t) => {
  const orders = await onEachNode(orderOf({ method: "async" }));
  for (const [owner, id] of orders) {
    await untilPaid(url, id, "payment_expired", "expired", WAIT);
    const items = await history(url, id);
    const at = (event: string): number =>
      Date.parse(items.find(({ events }) => events.includes(event))?.at ?? "");
    const opened = items.find(({ effects }) => effects.closed.includes("payment.createPaymentPage"));
    const openMs = at("payment.expired") - Date.parse(opened?.at ?? "");
    t.ok(openMs >= DEADLINE_MS - EARLY_MS, `${owner}: not before its time, after ${openMs} ms`);
    t.ok(openMs <= DEADLINE_MS + LATE_MS, `${owner}: in its time, after ${openMs} ms`);
  }
});

t.test(
  "signed messages of the gateway are taken by every node, and its payments are known in time",
  async (t) => {
    const orders = await onEachNode(orderOf({ method: "async" }));
    for (const id of orders.values()) {
      const { body } = await read(url, id);
      const pay = new URLSearchParams({ action: "pay" });
      t.equal((await fetch(body.payment.url ?? "", { method: "POST", body: pay })).status, 200);
    }
    for (const id of orders.values()) await untilCompleted(url, id, WAIT);
    const unknown = { payment: "pay_x", orderId: "ord_x", amount: 1, currency: "EUR" };
    const message = {
      type: "payment.declined",
      data: { ...unknown, authorization: null, reason: "declined" },
    };
    for (const [index, node] of cluster.urls.entries())
      t.equal((await postMessage(node, `msg_${index}`, message)).status, 200, node);
  },
);

t.test("automatic steps and the workers go on, on every node", async (t) => {
  const orders = await onEachNode(orderOf());
  for (const id of orders.values()) await untilCompleted(url, id, WAIT);
  for (const id of orders.values()) {
    const { body } = await read(url, id);
    const ageMs = Date.now() - Date.parse(body.createdAt);
    t.ok(ageMs > -EARLY_MS && ageMs < 120_000, `created ${ageMs} ms ago`);
    t.ok(body.invoice !== null, "it has its invoice");
  }
  await waitUntil("mails are sent", async () => (await mails(cluster.mailbox.url)).length > 0, WAIT);
});

t.test(
  "a node whose clock is set a month ahead is not ready, says why, and goes on deciding right",
  async (t) => {
    const last = cluster.nodes.length - 1;
    const node: ClusterProcess = cluster.nodes[last]!;
    setClock(cluster.home, last, MONTH_MS);
    await waitUntil(
      "it is not ready",
      async () => {
        const { status, check } = await healthCheck(node.url, "clock");
        return status === 503 && check?.ok === false && /30 days fast.*time service/u.test(check.detail);
      },
      WAIT,
    );
    const orders = await onEachNode(orderOf());
    await untilCompleted(url, orders.get(node.name)!, WAIT);
    t.match(node.output(), /"level":50.*30 days fast/u, "its log says it too");
    setClock(cluster.home, last, 0);
    await waitUntil(
      "it is ready again",
      async () => (await healthCheck(node.url, "clock")).status === 200,
      WAIT,
    );
  },
);
