/**
 * Writes a fixture: what a cluster leaves on disk while orders of every kind are under way, and what each order is
 * then. Run it with the program whose format is to be kept, once: `FIXTURE=<folder> node orderly.mjs test <this file>`.
 * Everything is killed, so the folder is what a power cut leaves. test/process/stored-before.test.ts opens it.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@nats-io/transport-node";
import { SMTPServer } from "smtp-server";
import t, { type Test } from "tap";
import type { OrderView, PaymentMethod } from "../../../src/services/orders/contract.ts";
import { freePorts } from "../cluster/free-ports.ts";
import { command, orderOf, place, putStock, read } from "../clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../cluster/order-cluster.ts";
import { metricsOf, valueOf } from "../metrics.ts";
import { waitUntil } from "../wait-until.ts";

export type StoredOrder = {
  /** What the order is an example of, and what the test does with it. */
  readonly kind: string;
  readonly id: string;
  readonly sku: string;
  /** As the last reading before the end showed it; null when it was not read. */
  readonly view: unknown;
};

const AUTHORIZATION_LIFE_MS = 31_536_000_000;
const STEP_DELAY_MS = 5_000;
const PAYMENT_DEADLINE_MS = 20_000;

const fixture = process.env["FIXTURE"] ?? "";
const gatewayEnv = { ORDERLY_AUTHORIZATION_LIFE_MS: String(AUTHORIZATION_LIFE_MS) };
const orders: StoredOrder[] = [];

async function placed(
  url: string,
  kind: string,
  method: PaymentMethod,
  more: { token?: string; email?: string; onHand?: number; prefer?: string } = {},
): Promise<{ id: string; sku: string; url: string | null }> {
  const sku = `KEPT-${kind.replaceAll(/[^a-z0-9]+/giu, "-").toUpperCase()}`;
  await putStock(url, sku, more.onHand ?? 10);
  const order = orderOf({
    method,
    lines: [{ sku, quantity: 2 }],
    email: more.email ?? `${sku.toLowerCase()}@example.com`,
    ...(more.token === undefined ? {} : { token: more.token }),
  });
  const { body } = await place(url, order, more.prefer === undefined ? {} : { prefer: more.prefer });
  const id = body.id ?? body.orderId ?? "";
  orders.push({ kind, id, sku, view: null });
  return { id, sku, url: body.payment?.url ?? null };
}

const becomes = (url: string, id: string, what: string, holds: (view: OrderView) => boolean) =>
  waitUntil(what, async () => {
    const { body } = await read(url, id);
    if (!holds(body)) throw new Error(JSON.stringify(body));
    return body;
  });

/** Drives an order through steps of the warehouse; each waits until the order allows it. */
async function steps(
  url: string,
  id: string,
  names: readonly Parameters<typeof command>[2][],
): Promise<void> {
  for (const name of names) {
    await becomes(url, id, `${name} is allowed`, ({ nextEvents }) => nextEvents.includes(name));
    const body = name === "quality-check" ? { passed: true } : undefined;
    const answer = await command(url, id, name, body);
    if (answer.status !== 200) throw new Error(`${name}: ${JSON.stringify(answer.body)}`);
  }
}

async function manualOrders(t: Test, cluster: OrderCluster): Promise<void> {
  const [url = ""] = cluster.urls;
  for (const method of ["cash_on_delivery", "in_person", "credit_card", "debit_card", "tokenized"] as const)
    await placed(url, `stored ${method}`, method);
  const walks = [
    ["picked", ["pick"]],
    ["quality_checked", ["pick", "quality-check"]],
    ["ready", ["pick", "quality-check", "pack"]],
    ["shipped", ["pick", "quality-check", "pack", "ship"]],
    ["completed", ["pick", "quality-check", "pack", "ship", "deliver"]],
  ] as const;
  for (const [kind, names] of walks) {
    const { id } = await placed(url, kind, "credit_card");
    await steps(url, id, names);
  }
  const cod = await placed(url, "shipped cash_on_delivery", "cash_on_delivery");
  await steps(url, cod.id, ["pick", "quality-check", "pack", "ship"]);
  for (const [kind, method, paid] of [
    ["cancelled credit_card", "credit_card", "voided"],
    ["cancelled debit_card", "debit_card", "refunded"],
  ] as const) {
    const { id } = await placed(url, kind, method);
    await command(url, id, "cancel", { reason: "changed my mind" });
    await becomes(url, id, `its payment is ${paid}`, ({ payment }) => payment.status === paid);
  }
  await placed(url, "rejected", "credit_card", { onHand: 1 });
  await placed(url, "payment_failed", "credit_card", { token: "tok_declined" });
  const capturing = await placed(url, "effect capture", "credit_card", {
    token: "tok_capture_refused_twice",
  });
  await steps(url, capturing.id, ["pick", "quality-check"]);
  const late = await placed(url, "captured async", "async");
  await fetch(late.url ?? "", { method: "POST", body: new URLSearchParams({ action: "pay" }) });
  await becomes(url, late.id, "it is paid", ({ payment }) => payment.status === "captured");
  await placed(url, "dead letter", "cash_on_delivery", { email: "refused@example.com" });
  await waitUntil(
    "two mails are dead letters",
    async () => {
      const response = await fetch(`${url}/v1/dead-letters`);
      const { items } = (await response.json()) as { items: unknown[] };
      return items.length >= 2;
    },
    { timeoutMs: 60_000 },
  );
  const parked = await placed(url, "parked", "async");
  const { payment } = (await read(url, parked.id)).body;
  await poison(cluster, parked.id, payment.url?.split("/").at(-1) ?? "");
  await waitUntil("it is parked", async () => {
    const { items } = (await (await fetch(`${url}/v1/parked`)).json()) as { items: { orderId: string }[] };
    return items.some(({ orderId }) => orderId === parked.id);
  });
  for (const node of cluster.urls)
    await waitUntil("no call is under way, nothing waits in the outbox", async () => {
      const metrics = await metricsOf(node);
      return valueOf(metrics, "orderly_effects_running") + valueOf(metrics, "orderly_outbox_depth") === 0;
    });
  t.pass();
}

/** A call-back without an amount, past the webhook's checks. */
async function poison(cluster: OrderCluster, id: string, payment: string): Promise<void> {
  const nc = await connect({ servers: cluster.nats.url });
  const subject = `orders.inbox.${partitionOf(id)}.${id}`;
  const event = { type: "gateway.paid", payment, authorization: "auth_1" };
  const message = { kind: "event", machine: "payment", event, id: "poison" };
  await nc.request(subject, JSON.stringify(message), { timeout: 5000 });
  await nc.close();
}

function partitionOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % 32;
}

async function readAll(url: string): Promise<void> {
  for (const [index, order] of orders.entries()) {
    const { status, body } = await read(url, order.id);
    orders[index] = { ...order, view: status === 200 ? body : null };
  }
}

async function killAll(cluster: OrderCluster): Promise<void> {
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all([
    cluster.gateway.kill(),
    cluster.carrier.kill(),
    cluster.mailbox.kill(),
    cluster.nats.kill(),
  ]);
}

t.test("orders of the warehouse", { timeout: 300_000 }, async (t) => {
  const [smtpPort = 0] = await freePorts(1);
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    onRcptTo: ({ address }, _session, done) =>
      done(
        address.startsWith("refused")
          ? Object.assign(new Error("no such person"), { responseCode: 550 })
          : null,
      ),
    onData: (stream, _session, done) => void stream.resume().on("end", () => done(null)),
  });
  await new Promise<void>((resolve) => smtp.listen(smtpPort, "127.0.0.1", resolve));
  t.teardown(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
  const cluster = await startOrderCluster(t, {
    nodes: 2,
    fulfillment: "manual",
    syncAlways: true,
    webhooks: "off",
    paymentPollMs: 200,
    gatewayEnv,
    env: { ORDERLY_SMTP_URL: `smtp://127.0.0.1:${smtpPort}` },
  });
  await manualOrders(t, cluster);
  await readAll(cluster.urls[0] ?? "");
  await killAll(cluster);
  rmSync(fixture, { recursive: true, force: true });
  mkdirSync(fixture, { recursive: true });
  cpSync(cluster.home, join(fixture, "store"), { recursive: true });
});

t.test("orders that go on by themselves", { timeout: 300_000 }, async (t) => {
  const cluster = await startOrderCluster(t, {
    nodes: 2,
    fulfillment: "auto",
    stepDelayMs: STEP_DELAY_MS,
    syncAlways: true,
    webhooks: "off",
    paymentDeadlineMs: PAYMENT_DEADLINE_MS,
    gatewayEnv,
    catalogue: false,
    storedIn: join(fixture, "store"),
  });
  const [url = ""] = cluster.urls;
  await placed(url, "timer cash_on_delivery", "cash_on_delivery");
  await placed(url, "timer credit_card", "credit_card");
  await placed(url, "timer tokenized", "tokenized");
  for (const kind of ["effect tok_timeout", "effect tok_slow"] as const)
    await placed(url, kind, "credit_card", { token: kind.slice(7), prefer: "respond-async" });
  await placed(url, "unpaid page", "async");
  const paid = await placed(url, "paid page", "async");
  const thaw = cluster.nodes[1]!.freeze();
  const asked = Array.from({ length: 8 }, async (_, index) => {
    const order = orderOf({ method: "cash_on_delivery", lines: [{ sku: "MUG-RED", quantity: 1 }] });
    const response = await fetch(`${url}/v1/orders`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        prefer: "respond-async",
        "idempotency-key": `frozen-${index}`,
      },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(1500),
    }).catch(() => undefined);
    if (response?.status !== 202) return;
    const { id } = (await response.json()) as { id: string };
    orders.push({ kind: "while a node is frozen", id, sku: "MUG-RED", view: null });
  });
  await Promise.all(asked);
  thaw();
  const capturing = orders.find(({ kind }) => kind === "effect capture")?.id ?? "";
  const thawGateway = cluster.gateway.freeze();
  await steps(url, capturing, ["pack"]);
  await sleep(500);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  thawGateway();
  await fetch(paid.url ?? "", { method: "POST", body: new URLSearchParams({ action: "pay" }) });
  await killAll(cluster);
  rmSync(join(fixture, "store"), { recursive: true, force: true });
  cpSync(cluster.home, join(fixture, "store"), { recursive: true });
  writeFileSync(join(fixture, "orders.json"), `${JSON.stringify(orders, null, 2)}\n`);
  t.ok(
    orders.every(({ id }) => id.startsWith("ord_")),
    "every order has an id",
  );
});
