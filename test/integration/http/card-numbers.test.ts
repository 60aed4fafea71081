/** No route takes a card number, and none reaches a service, an answer or the log. */
import t from "tap";
import { body, inventoryWith, ordersWith, startApp } from "../../support/http-services.ts";

const CARD = "4111 1111 1111 1111";
const DIGITS = "4111111111111111";
const address = body.shippingAddress;

const withCards: [string, string, object, string][] = [
  ["POST", "/v1/orders", { ...body, payment: { method: "credit_card", token: DIGITS } }, "/payment/token"],
  ["POST", "/v1/orders", { ...body, customer: { ...body.customer, name: CARD } }, "/customer/name"],
  ["POST", "/v1/orders", { ...body, customer: { ...body.customer, id: DIGITS } }, "/customer/id"],
  [
    "POST",
    "/v1/orders",
    { ...body, shippingAddress: { ...address, line2: `pay ${CARD} 123` } },
    "/shippingAddress/line2",
  ],
  ["POST", "/v1/orders", { ...body, lines: [{ sku: DIGITS, quantity: 1 }] }, "/lines/0/sku"],
  ["POST", "/v1/orders/ord_1/cancel", { reason: `refund to ${CARD}` }, "/reason"],
  ["PUT", "/v1/inventory/A", { onHand: 1, name: CARD, price: { amount: 1, currency: "EUR" } }, "/name"],
  ["PUT", `/v1/inventory/${DIGITS}`, { onHand: 1, name: "A", price: { amount: 1, currency: "EUR" } }, "/sku"],
];

const called = async (): Promise<never> => {
  throw new Error("a service was called");
};

t.test("a card number is refused wherever it is, with its place and without itself", async (t) => {
  const { app, logged } = await startApp(t, {
    orders: ordersWith({ place: called, command: called }),
    inventory: inventoryWith({ put: called }),
  });
  for (const [method, url, payload, pointer] of withCards) {
    const answer = await app.inject({
      method: method as "POST",
      url,
      payload,
      headers: { "x-request-id": DIGITS },
    });
    t.match(
      answer.json(),
      { status: 400, code: "card_number", errors: [{ pointer, code: "not_allowed" }] },
      `${method} ${pointer}`,
    );
    t.notMatch(JSON.stringify([answer.headers, answer.body]), /4111/u, "the answer does not repeat it");
  }
  t.notMatch(JSON.stringify(logged), /4111/u);
});

t.test("an order without one is placed", async (t) => {
  const { app } = await startApp(t);
  const answer = await app.inject({ method: "POST", url: "/v1/orders", payload: body });
  t.equal(answer.statusCode, 201);
});
