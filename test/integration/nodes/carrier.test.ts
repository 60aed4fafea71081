/** The carrier simulator over HTTP: the nodes' client, restarts, and the call-back that the nodes accept. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createCarrierApp } from "../../../nodes/carrier/app.ts";
import { Courier } from "../../../nodes/carrier/courier.ts";
import { Shipments } from "../../../nodes/carrier/shipments.ts";
import { WebhookSender } from "../../../nodes/simulators/webhook-sender.ts";
import { httpCarrier } from "../../../src/services/fulfillment/carrier.http.ts";
import { verifiedId } from "../../../src/services/webhooks/signature.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { waitUntil } from "../../support/wait-until.ts";

const SECRET = `whsec_${Buffer.from("the carrier of a test signs with this").toString("base64")}`;
const shippingAddress = { line1: "1 <Main> St", city: "Oporto", postalCode: "4000-001", country: "PT" };
const collect = { amount: 3998, currency: "EUR" };
const cash = { orderId: "ord_1", shippingAddress, collect };
const call = (key: string) => ({ key, signal: new AbortController().signal });

/** A carrier on a free port, its files in `folder`. */
async function start(t: Test, folder: string, urls: readonly string[] = []) {
  const shipments = new Shipments(join(folder, "carrier", "shipments.jsonl"), Date.now);
  const sender = new WebhookSender({
    urls,
    secrets: [SECRET],
    path: join(folder, "carrier", "webhooks.jsonl"),
    log: quietLog,
    firstMs: 5,
  });
  const report = (id: string, message: object): void => sender.send(id, message);
  const courier = new Courier({ shipments, deliverAfterMs: undefined, report, now: Date.now });
  const app = createCarrierApp({ shipments, courier });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  let over = false;
  const stop = async (): Promise<void> => {
    if (over) return;
    over = true;
    await app.close();
    courier.stop();
    sender.stop();
    shipments.close();
  };
  t.teardown(stop);
  return { url, carrier: httpCarrier(url), stop, sender };
}

const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const post = async (url: string, body?: object, headers: Record<string, string> = {}) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

t.test("a label is made once, also across a restart, and is found under its key", async (t) => {
  const folder = t.testdir();
  const one = await start(t, folder);
  const label = await one.carrier.createLabel(cash, call("ord_1:label"));
  t.strictSame(await one.carrier.createLabel(cash, call("ord_1:label")), label);
  await t.rejects(one.carrier.createLabel({ orderId: "ord_1", shippingAddress }, call("ord_1:label")), {
    kind: "refused",
    code: "idempotency_key_reused",
  });
  await one.stop();
  const two = await start(t, folder);
  t.strictSame(await two.carrier.createLabel(cash, call("ord_1:label")), label);
  t.strictSame(await two.carrier.queryStatus(call("ord_1:label")), label);
  t.equal(await two.carrier.queryStatus(call("ord_2:label")), undefined);
  const { body } = await get(`${two.url}/shipments`);
  t.match(body, { shipments: [{ ...label, orderId: "ord_1", status: "labelled", collect }] });
  t.equal((body["shipments"] as object[]).length, 1);
  t.match(await get(`${two.url}/shipments?orderId=ord_2`), { body: { shipments: [] } });
});

t.test("a parcel can be handed over repeatedly, and is delivered once", async (t) => {
  const { url, carrier } = await start(t, t.testdir());
  const { trackingNumber } = await carrier.createLabel(cash, call("k"));
  const handOver = (number: string) =>
    carrier.handOver({ orderId: "ord_1", trackingNumber: number }, { signal: call("").signal });
  t.strictSame(await handOver(trackingNumber), { outcome: "taken" });
  t.strictSame(await handOver(trackingNumber), { outcome: "taken" });
  await t.rejects(handOver("ORD0"), { kind: "refused", code: "unknown_shipment" });
  t.match(await post(`${url}/shipments/${trackingNumber}/deliver`), {
    status: 200,
    body: { status: "delivered", collected: collect },
  });
  t.match(await post(`${url}/shipments/${trackingNumber}/deliver`), {
    status: 409,
    body: { error: "already_delivered" },
  });
  t.match(await get(`${url}/shipments/${trackingNumber}`), {
    status: 200,
    body: { status: "delivered", handedOverAt: String, deliveredAt: String },
  });
  t.match(await post(`${url}/shipments/ORD0/deliver`), { status: 404 });
});

t.test("an invalid request is refused, and nothing is made", async (t) => {
  const { url } = await start(t, t.testdir());
  const key = { "idempotency-key": "k" };
  for (const [body, headers] of [
    [cash, {}],
    [{ ...cash, orderId: "" }, key],
    [{ ...cash, collect: { amount: "1", currency: "EUR" } }, key],
    [{ ...cash, collect: undefined }, key],
    [{ orderId: "ord_1", collect: null }, key],
  ] as const)
    t.match(await post(`${url}/shipments`, body, headers), {
      status: 400,
      body: { error: "invalid_request" },
    });
  t.match(await get(`${url}/shipments`), { body: { shipments: [] } });
  t.match(await get(`${url}/nothing`), { status: 404, body: { error: "not_found" } });
});

t.test("a page shows the parcels and has a button that delivers each", async (t) => {
  const { url, carrier } = await start(t, t.testdir());
  t.match(await (await fetch(url)).text(), /There are no parcels yet/u);
  const { trackingNumber } = await carrier.createLabel(cash, call("k"));
  const page = await (await fetch(url)).text();
  t.match(page, new RegExp(`${trackingNumber}[^]*1 &lt;Main&gt; St[^]*39\\.98[^]*<button>Deliver`, "u"));
  const pressed = await fetch(`${url}/shipments/${trackingNumber}/deliver`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "",
  });
  t.equal(pressed.url, `${url}/`, "back on the page");
  t.notMatch(await pressed.text(), /<button>/u);
  t.match(await get(`${url}/shipments/${trackingNumber}`), { body: { collected: collect } });
});

t.test(
  "a signed report of a delivery is repeated until a node accepts it, also by the next process",
  async (t) => {
    const folder = t.testdir();
    const got: { id: string | undefined; body: unknown }[] = [];
    const state = { status: 503 };
    const shop = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        got.push({
          id: verifiedId(SECRET, request.headers, body, Date.now()),
          body: JSON.parse(body.toString()),
        });
        response.writeHead(state.status).end();
      });
    });
    await new Promise<void>((resolve) => {
      shop.listen(0, "127.0.0.1", resolve);
    });
    t.teardown(() => shop.close());
    const hook = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/v1/webhooks/carrier`;
    const one = await start(t, folder, [hook]);
    const { trackingNumber } = await one.carrier.createLabel(cash, call("k"));
    await post(`${one.url}/shipments/${trackingNumber}/deliver`, { collected: null });
    await waitUntil("it was sent twice", () => got.length >= 2);
    await one.stop();
    state.status = 200;
    const before = got.length;
    const two = await start(t, folder, [hook]);
    await waitUntil("it was taken", () => two.sender.waiting === 0 && got.length > before);
    for (const { id, body } of got) {
      t.equal(id, `msg_${trackingNumber}_delivered`);
      t.match(body, {
        type: "shipment.delivered",
        data: { trackingNumber, orderId: "ord_1", collected: null },
      });
    }
  },
);
