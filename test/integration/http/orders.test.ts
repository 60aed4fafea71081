/** Placing, reading and commanding orders over HTTP, on services in memory. */
import t from "tap";
import type { OrderView, PlaceResult } from "../../../src/services/orders/contract.ts";
import { body, order, ordersWith, startApp } from "../../support/http-services.ts";

const place = { method: "POST", url: "/v1/orders", payload: body } as const;

t.test("a placed order is answered 201 with Location, ETag and the whole order", async (t) => {
  const { app, orders } = await startApp(t);
  const answer = await app.inject(place);
  t.equal(answer.statusCode, 201);
  t.equal(answer.headers.location, "/v1/orders/ord_1");
  t.equal(answer.headers.etag, '"3"');
  t.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  t.equal(answer.headers["preference-applied"], undefined);
  t.strictSame(answer.json(), order);
  const options = { caller: "anonymous", waitMs: 10_000, by: { kind: "anonymous" } };
  t.strictSame(orders.placed, [{ order: body, options }]);
});

t.test("every field that an order can have survives serialization", async (t) => {
  const full: OrderView = {
    ...order,
    shippingAddress: { ...body.shippingAddress, line2: "2nd floor" },
    lines: [
      ...order.lines,
      { id: "l2", sku: "NEW", quantity: 1, unitPrice: null, cancelled: 1, shipped: 0, returned: 0 },
    ],
    payment: { method: "async", status: "pending", reason: null, url: "http://127.0.0.1:3900/pay/1" },
    fulfillment: { status: "shipped", trackingNumber: "TRK1" },
    invoice: { number: "INV-1", issuedAt: "2026-11-22T11:00:00.000Z", url: "/v1/orders/ord_1/invoice" },
    reason: "late “€” \u2028 ünïcode",
  };
  const bare: OrderView = { ...order, total: null, nextEvents: [] };
  for (const view of [full, bare]) {
    const { app } = await startApp(t, {
      orders: ordersWith({ get: async () => ({ status: "found", order: view }) }),
    });
    t.strictSame((await app.inject("/v1/orders/ord_1")).json(), view);
  }
});

t.test("a field that the schema does not list never leaves the node", async (t) => {
  const leaky = { ...order, token: "tok_ok", payment: { ...order.payment, token: "tok_ok" } };
  const { app } = await startApp(t, {
    orders: ordersWith({ get: async () => ({ status: "found", order: leaky }) }),
  });
  t.strictSame((await app.inject("/v1/orders/ord_1")).json(), order);
});

t.test("an order that is not settled within the wait is answered 202 with Location", async (t) => {
  const pending = { ...order, status: "authorizing" } as const;
  const orders = ordersWith({ place: async () => ({ status: "pending", order: pending }) });
  const { app } = await startApp(t, { orders });
  const answer = await app.inject({ ...place, headers: { prefer: "wait=1" } });
  t.equal(answer.statusCode, 202);
  t.equal(answer.headers.location, "/v1/orders/ord_1");
  t.equal(answer.headers["preference-applied"], "wait=1");
  t.equal(answer.json().status, "authorizing");
});

t.test("a client without a preference waits as long as the node's setting says", async (t) => {
  const { app, orders } = await startApp(t, { defaultWaitMs: 1_234 });
  await app.inject(place);
  await app.inject({ ...place, headers: { prefer: "wait=2" } });
  t.same(
    orders.placed.map(({ options }) => options.waitMs),
    [1_234, 2_000],
  );
});

t.test("respond-async is answered 202 even when the first commit settled the order", async (t) => {
  const { app, orders } = await startApp(t);
  const answer = await app.inject({ ...place, headers: { prefer: "respond-async" } });
  t.equal(answer.statusCode, 202);
  t.equal(answer.headers["preference-applied"], "respond-async");
  t.equal(orders.placed[0]?.options.waitMs, 0);
});

t.test("an order that waits on the payment page is answered 201 with its address", async (t) => {
  const payment = {
    method: "async",
    status: "pending",
    reason: null,
    url: "http://127.0.0.1:3900/pay/1",
  } as const;
  const view: OrderView = { ...order, status: "awaiting_payment", payment };
  const { app } = await startApp(t, {
    orders: ordersWith({ place: async () => ({ status: "placed", order: view }) }),
  });
  const answer = await app.inject({ ...place, payload: { ...body, payment: { method: "async" } } });
  t.equal(answer.statusCode, 201);
  t.equal(answer.json().payment.url, payment.url);
});

t.test("the idempotency key reaches the service as it is", async (t) => {
  const { app, orders } = await startApp(t);
  const key = `!"~${"k".repeat(252)}`;
  t.equal((await app.inject({ ...place, headers: { "idempotency-key": key } })).statusCode, 201);
  t.equal(orders.placed[0]?.options.idempotencyKey, key);
});

t.test(
  "an idempotency key that is empty, long, blank or not ASCII is refused before the service is called",
  async (t) => {
    const { app, orders } = await startApp(t);
    for (const key of ["", "k".repeat(256), "a b", "clé", "a\tb"]) {
      const answer = await app.inject({ ...place, headers: { "idempotency-key": key } });
      t.match(answer.json(), { status: 400, code: "invalid_idempotency_key" }, JSON.stringify(key));
    }
    t.equal(orders.placed.length, 0);
  },
);

const refusals: [PlaceResult, number, object][] = [
  [
    { status: "out_of_stock", orderId: "ord_1", missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }] },
    409,
    { code: "out_of_stock", orderId: "ord_1", missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }] },
  ],
  [
    {
      status: "unknown_sku",
      skus: [
        { sku: "A", index: 0 },
        { sku: "B", index: 3 },
      ],
    },
    422,
    {
      code: "unknown_sku",
      errors: [
        { pointer: "/lines/0/sku", code: "unknown_sku", sku: "A" },
        { pointer: "/lines/3/sku", code: "unknown_sku", sku: "B" },
      ],
    },
  ],
  [
    { status: "mixed_currency", currencies: ["EUR", "USD"] },
    422,
    { code: "mixed_currency", currencies: ["EUR", "USD"] },
  ],
  [
    {
      status: "price_changed",
      total: { amount: 4398, currency: "EUR" },
      lines: [{ sku: "TSHIRT-M", quantity: 2, unitPrice: { amount: 2199, currency: "EUR" } }],
    },
    409,
    {
      code: "price_changed",
      total: { amount: 4398, currency: "EUR" },
      lines: [{ sku: "TSHIRT-M", quantity: 2, unitPrice: { amount: 2199, currency: "EUR" } }],
      orderId: undefined,
    },
  ],
  [
    { status: "payment_failed", orderId: "ord_1", reason: "card_declined" },
    402,
    { code: "payment_failed", orderId: "ord_1", reason: "card_declined" },
  ],
  [
    { status: "payment_expired", orderId: "ord_1", reason: "timeout" },
    402,
    { code: "payment_expired", orderId: "ord_1", reason: "timeout" },
  ],
  [
    { status: "idempotency_key_reused", orderId: "ord_1" },
    422,
    { code: "idempotency_key_reused", orderId: "ord_1" },
  ],
  [
    { status: "refused", code: "order_parked", reason: "internal: cannot read x of undefined" },
    409,
    { code: "refused", refusal: "order_parked" },
  ],
  [
    { status: "storage_unavailable", reason: "internal: /home/x/outbox.sqlite", retryAfterMs: 2000 },
    503,
    { code: "storage_unavailable" },
  ],
];
for (const [result, status, problem] of refusals)
  t.test(`${result.status} is answered ${status}`, async (t) => {
    const { app } = await startApp(t, { orders: ordersWith({ place: async () => result }) });
    const answer = await app.inject(place);
    t.equal(answer.statusCode, status);
    t.equal(answer.headers["content-type"], "application/problem+json");
    t.match(answer.json(), { status, ...problem });
    t.notMatch(answer.body, /internal|undefined/u);
  });

t.test("the expected total reaches the service, and one that is no money is refused", async (t) => {
  const { app, orders } = await startApp(t);
  const largest = 1_000_000_000_000_000;
  for (const expectedTotal of [
    { amount: 0, currency: "EUR" },
    { amount: largest, currency: "JPY" },
  ]) {
    t.equal((await app.inject({ ...place, payload: { ...body, expectedTotal } })).statusCode, 201);
    t.strictSame(orders.placed.at(-1)?.order, { ...body, expectedTotal });
  }
  for (const expectedTotal of [
    null,
    3998,
    "39.98",
    {},
    { amount: 3998 },
    { amount: -1, currency: "EUR" },
    { amount: 39.98, currency: "EUR" },
    { amount: largest + 1, currency: "EUR" },
    { amount: 1, currency: "ZZZ" },
    { amount: 1, currency: "EUR", tax: 1 },
  ]) {
    const answer = await app.inject({ ...place, payload: { ...body, expectedTotal } });
    t.match(answer.json(), { status: 400, code: "validation_failed" }, JSON.stringify(expectedTotal));
  }
  t.equal(orders.placed.length, 2);
});

t.test("429 and 503 say in whole seconds, at least one, when to retry", async (t) => {
  for (const [retryAfterMs, seconds] of [
    [0, "1"],
    [1, "1"],
    [1000, "1"],
    [1001, "2"],
  ] as const) {
    const overloaded = ordersWith({ place: async () => ({ status: "overloaded", retryAfterMs }) });
    const full = await (await startApp(t, { orders: overloaded })).app.inject(place);
    t.match(full.json(), { status: 429, code: "overloaded" });
    t.equal(full.headers["retry-after"], seconds);
    const away = ordersWith({
      get: async () => ({ status: "unavailable", reason: "nats://10.0.0.1", retryAfterMs }),
    });
    const unavailable = await (await startApp(t, { orders: away })).app.inject("/v1/orders/ord_1");
    t.match(unavailable.json(), { status: 503, code: "unavailable" });
    t.equal(unavailable.headers["retry-after"], seconds);
    t.notMatch(unavailable.body, "10.0.0.1");
  }
});

t.test("an order that has not changed is answered 304 without a body", async (t) => {
  const { app } = await startApp(t);
  const fresh = await app.inject("/v1/orders/ord_1");
  t.match(fresh.headers, { etag: '"3"', "cache-control": "private, no-cache" });
  const same = await app.inject({ url: "/v1/orders/ord_1", headers: { "if-none-match": '"2", W/"3"' } });
  t.equal(same.statusCode, 304);
  t.equal(same.body, "");
  t.equal(same.headers.etag, '"3"');
  const older = await app.inject({ url: "/v1/orders/ord_1", headers: { "if-none-match": '"2"' } });
  t.equal(older.statusCode, 200);
});

t.test("HEAD answers like GET, without the body", async (t) => {
  const { app } = await startApp(t);
  const head = await app.inject({ method: "HEAD", url: "/v1/orders/ord_1" });
  t.equal(head.statusCode, 200);
  t.equal(head.headers.etag, '"3"');
  t.equal(head.body, "");
});

t.test("an id that no order has, or could have, is answered 404 order_not_found", async (t) => {
  const { app } = await startApp(t);
  for (const id of [
    "ord_2",
    "x",
    "ord_",
    "ord_%00",
    "ord_a.b",
    "ord_>",
    "*",
    "%2e%2e%2f",
    `ord_${"x".repeat(65)}`,
    "x".repeat(5000),
  ])
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/history"],
      ["POST", "/cancel"],
      ["POST", "/fulfillment/pick"],
    ] as const) {
      const answer = await app.inject({ method, url: `/v1/orders/${id}${path}` });
      t.match(answer.json(), { status: 404, code: "order_not_found" }, `${method} ${id.slice(0, 40)}${path}`);
    }
});

t.test("an address has the fields of a label and of an invoice, each bounded and printable", async (t) => {
  const { app, orders } = await startApp(t);
  const place = async (change: object) => {
    const answer = await app.inject({ method: "POST", url: "/v1/orders", payload: { ...body, ...change } });
    return { status: answer.statusCode, body: answer.json<{ code: string; errors?: object[] }>() };
  };
  const { postalCode: _, ...withoutCode } = body.shippingAddress;
  const full = {
    ...body.shippingAddress,
    name: "Bo",
    company: "Bo Ltd",
    state: "Norte",
    phone: "+351 (22) 000-0000",
  };
  const billing = { ...withoutCode, company: "Engines Ltd", taxId: "PT 123" };
  for (const change of [
    { shippingAddress: full },
    { shippingAddress: withoutCode },
    { billingAddress: billing },
    { customer: { ...body.customer, taxId: "PT 123" } },
  ])
    t.equal((await place(change)).status, 201, JSON.stringify(change));
  t.same(orders.placed[0]?.order.shippingAddress, full);
  t.same(orders.placed[2]?.order.billingAddress, billing);
  for (const [field, value] of [
    ["name", "x".repeat(201)],
    ["company", "a\u0000b"],
    ["state", "a\nb"],
    ["state", "x".repeat(101)],
    ["phone", "call me"],
    ["phone", "+3\n51"],
    ["phone", "1".repeat(41)],
    ["country", "pt"],
    ["fax", "1"],
  ] as const) {
    const refused = await place({ shippingAddress: { ...full, [field]: value } });
    t.match(
      refused,
      { status: 400, body: { errors: [{ pointer: `/shippingAddress/${field}` }] } },
      `${field} ${value}`,
    );
  }
  for (const field of ["taxId", "company"])
    t.match(await place({ billingAddress: { ...billing, [field]: "a\u001bb" } }), {
      status: 400,
      body: { errors: [{ pointer: `/billingAddress/${field}` }] },
    });
});

t.test("an address that no country has is a fault at its field, in words", async (t) => {
  const faults = [{ pointer: "/shippingAddress/country", code: "not_allowed", message: "use GB" }] as const;
  const { app } = await startApp(t, {
    orders: ordersWith({ place: async () => ({ status: "invalid_address", faults }) }),
  });
  const answer = await app.inject({ method: "POST", url: "/v1/orders", payload: body });
  t.match(answer.json(), { status: 400, code: "validation_failed", errors: faults });
});

t.test("an order shows the billing address and the fields of its addresses", async (t) => {
  const billingAddress = {
    line1: "5 Devonshire St",
    city: "London",
    postalCode: "W1G 1AA",
    country: "GB",
    taxId: "GB9",
  };
  const shippingAddress = { line1: "1 Queen's Road", city: "Hong Kong", country: "HK", phone: "+852 1" };
  const { app } = await startApp(t, {
    orders: ordersWith({
      get: async () => ({ status: "found", order: { ...order, shippingAddress, billingAddress } }),
    }),
  });
  t.match((await app.inject("/v1/orders/ord_1")).json(), { shippingAddress, billingAddress });
});

t.test("an order can be tried: it is predicted with its key and its wait, and not placed", async (t) => {
  const { app, predictions, orders } = await startApp(t);
  const answer = await app.inject({
    method: "POST",
    url: "/v1/orders?dryRun=true",
    headers: { "idempotency-key": "k", prefer: "wait=5" },
    payload: body,
  });
  t.match(answer.json(), { dryRun: true, accepted: true, basedOn: { version: 0, source: "owner" } });
  t.equal(answer.statusCode, 200);
  t.match(answer.headers, { "content-type": /^application\/json/u, "cache-control": "private, no-store" });
  t.strictSame(predictions.places, [[body, { idempotencyKey: "k", caller: "anonymous", waitMs: 5000 }]]);
  t.strictSame(orders.placed, []);
  const broken = await app.inject({ method: "POST", url: "/v1/orders?dryRun=true", payload: {} });
  t.match(broken.json(), { status: 400, code: "validation_failed" });
});
