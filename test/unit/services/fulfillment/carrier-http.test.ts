import t from "tap";
import type { EffectError } from "../../../../src/runtime/definition.ts";
import { httpCarrier } from "../../../../src/services/fulfillment/carrier.http.ts";
import { orderInput, total } from "../../machines/order-input.ts";
import { closedPort, type Reply, startGateway } from "../payments/gateway-server.ts";

const { shippingAddress } = orderInput();
const label = { orderId: "ord_1", shippingAddress };
const call = (key = "ord_1:label", signal = new AbortController().signal) => ({ key, signal });

t.test("a label is requested once, with its key and the amount to collect", async (t) => {
  const { url, seen } = await startGateway(t, () => ({ status: 200, body: { trackingNumber: "ORD1" } }));
  const carrier = httpCarrier(`${url}/v2`);
  t.strictSame(await carrier.createLabel(label, call("k1")), { trackingNumber: "ORD1" });
  t.strictSame(await carrier.createLabel({ ...label, collect: total }, call("k2")), {
    trackingNumber: "ORD1",
  });
  t.strictSame(
    await carrier.handOver({ orderId: "ord_1", trackingNumber: "ORD/1" }, { signal: call().signal }),
    { outcome: "taken" },
  );
  t.strictSame(seen, [
    { method: "POST", path: "/v2/shipments", key: "k1", body: { ...label, collect: null } },
    { method: "POST", path: "/v2/shipments", key: "k2", body: { ...label, collect: total } },
    {
      method: "POST",
      path: "/v2/shipments/ORD%2F1/hand-over",
      key: "ord_1:hand-over",
      body: { orderId: "ord_1" },
    },
  ]);
});

t.test("failures show whether a label may have been made", async (t) => {
  const cases: [name: string, reply: Reply, kind: EffectError["kind"], code: string][] = [
    ["a server error", { status: 500, body: { error: "carrier_error" } }, "unknown", "carrier_error"],
    ["a dropped connection", "drop", "unknown", "carrier_no_answer"],
    ["an unreadable answer", { raw: "<html>" }, "unknown", "carrier_no_answer"],
    ["an answer without a number", { status: 200, body: { trackingNumber: "" } }, "unknown", "http_200"],
    ["an overloaded carrier", { status: 503, body: {} }, "retryable", "http_503"],
    ["a refused address", { status: 422, body: { error: "no_such_place" } }, "refused", "no_such_place"],
  ];
  for (const [name, reply, kind, code] of cases) {
    const { url } = await startGateway(t, () => reply);
    await t.rejects(httpCarrier(url).createLabel(label, call()), { name: "EffectError", kind, code }, name);
  }
  const nobody = httpCarrier(`http://127.0.0.1:${await closedPort()}`);
  await t.rejects(nobody.createLabel(label, call()), { kind: "retryable", code: "carrier_unreachable" });
});

t.test("a label's status is queried under its key; a failed query proves nothing", async (t) => {
  const { url } = await startGateway(t, ({ path }) => {
    if (path === "/labels/ord_1%3Alabel") return { status: 200, body: { trackingNumber: "ORD1" } };
    if (path === "/labels/ord_2%3Alabel") return { status: 404, body: { error: "unknown_key" } };
    return { status: 500, body: {} };
  });
  const carrier = httpCarrier(url);
  t.strictSame(await carrier.queryStatus(call()), { trackingNumber: "ORD1" });
  t.equal(await carrier.queryStatus(call("ord_2:label")), undefined);
  await t.rejects(carrier.queryStatus(call("ord_3:label")), { name: "EffectError", kind: "unknown" });
});

t.test("an unknown parcel is not handed over", async (t) => {
  const { url } = await startGateway(t, () => ({ status: 404, body: { error: "unknown_shipment" } }));
  await t.rejects(
    httpCarrier(url).handOver({ orderId: "ord_1", trackingNumber: "ORD1" }, { signal: call().signal }),
    { kind: "refused", code: "unknown_shipment" },
  );
});
