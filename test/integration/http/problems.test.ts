/** Bad input and failing services: the right problem, with every fault of the input. */
import t from "tap";
import { problems } from "../../../src/http/protocol/problems.ts";
import { body, ordersWith, startApp } from "../../support/http-services.ts";

const post = (payload: unknown, headers: Record<string, string> = { "content-type": "application/json" }) =>
  ({
    method: "POST",
    url: "/v1/orders",
    headers,
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  }) as const;

const line = { sku: "A", quantity: 1 };
const payment = (method: string, token?: string) => ({
  ...body,
  payment: { method, ...(token ? { token } : {}) },
});
const withAddress = (part: object) => ({ ...body, shippingAddress: { ...body.shippingAddress, ...part } });
const withCustomer = (part: object) => ({ ...body, customer: { ...body.customer, ...part } });

const faulty: [string, unknown, [string, string][]][] = [
  [
    "nothing",
    {},
    ["customer", "lines", "payment", "shippingAddress"].map((name) => [`/${name}`, "required"]),
  ],
  ["no object", [], [["", "wrong_type"]]],
  ["null", "null", [["", "wrong_type"]]],
  ["an unknown field", { ...body, coupon: "X" }, [["/coupon", "unknown_field"]]],
  ["an unknown field inside", withCustomer({ "vip/~": true }), [["/customer/vip~1~0", "unknown_field"]]],
  [
    "a price from the client",
    { ...body, lines: [{ ...line, unitPrice: 1 }] },
    [["/lines/0/unitPrice", "unknown_field"]],
  ],
  ["no lines", { ...body, lines: [] }, [["/lines", "too_few"]]],
  [
    "101 lines",
    { ...body, lines: Array.from({ length: 101 }, (_, i) => ({ sku: `S${i}`, quantity: 1 })) },
    [["/lines", "too_many"]],
  ],
  ["quantity 0", { ...body, lines: [{ ...line, quantity: 0 }] }, [["/lines/0/quantity", "out_of_range"]]],
  [
    "quantity 10001",
    { ...body, lines: [{ ...line, quantity: 10_001 }] },
    [["/lines/0/quantity", "out_of_range"]],
  ],
  [
    "a negative quantity",
    { ...body, lines: [{ ...line, quantity: -1 }] },
    [["/lines/0/quantity", "out_of_range"]],
  ],
  [
    "half a piece",
    { ...body, lines: [{ ...line, quantity: 0.5 }] },
    [
      ["/lines/0/quantity", "wrong_type"],
      ["/lines/0/quantity", "out_of_range"],
    ],
  ],
  [
    "a quantity as text",
    { ...body, lines: [{ ...line, quantity: "2" }] },
    [["/lines/0/quantity", "wrong_type"]],
  ],
  [
    "a quantity as boolean",
    { ...body, lines: [{ ...line, quantity: true }] },
    [["/lines/0/quantity", "wrong_type"]],
  ],
  ["a line as text", { ...body, lines: ["A"] }, [["/lines/0", "wrong_type"]]],
  ["an odd SKU", { ...body, lines: [{ ...line, sku: "../A" }] }, [["/lines/0/sku", "invalid_format"]]],
  ["a bad e-mail", withCustomer({ email: "ada" }), [["/customer/email", "invalid_format"]]],
  [
    "two e-mails",
    withCustomer({ email: "a@example.com,b@example.com" }),
    [["/customer/email", "invalid_format"]],
  ],
  [
    "a header in the e-mail",
    withCustomer({ email: "a@example.com\r\nBcc: b@example.com" }),
    [["/customer/email", "invalid_format"]],
  ],
  ["a blank name", withCustomer({ name: " \t" }), [["/customer/name", "invalid_format"]]],
  [
    "an empty name",
    withCustomer({ name: "" }),
    [
      ["/customer/name", "too_short"],
      ["/customer/name", "invalid_format"],
    ],
  ],
  ["a long name", withCustomer({ name: "x".repeat(201) }), [["/customer/name", "too_long"]]],
  ["a control character", withCustomer({ name: "A\u0007da" }), [["/customer/name", "invalid_format"]]],
  ["half a character", withCustomer({ name: "A\ud800" }), [["/customer/name", "invalid_format"]]],
  ["a lower-case country", withAddress({ country: "pt" }), [["/shippingAddress/country", "invalid_format"]]],
  [
    "a country by name",
    withAddress({ country: "Portugal" }),
    [["/shippingAddress/country", "invalid_format"]],
  ],
  ["a null city", withAddress({ city: null }), [["/shippingAddress/city", "wrong_type"]]],
  ["an unknown method", payment("cheque"), [["/payment/method", "not_allowed"]]],
  ["an unknown method with a token", payment("cheque", "tok_ok"), [["/payment/method", "not_allowed"]]],
  ["credit card without token", payment("credit_card"), [["/payment/token", "required"]]],
  ["debit card without token", payment("debit_card"), [["/payment/token", "required"]]],
  ["tokenized without token", payment("tokenized"), [["/payment/token", "required"]]],
  ["cash with a token", payment("cash_on_delivery", "tok_ok"), [["/payment/token", "not_allowed"]]],
  ["in person with a token", payment("in_person", "tok_ok"), [["/payment/token", "not_allowed"]]],
  ["a hosted page with a token", payment("async", "tok_ok"), [["/payment/token", "not_allowed"]]],
  ["a token with a blank", payment("credit_card", "tok ok"), [["/payment/token", "invalid_format"]]],
  [
    "several faults, in the schema and beyond it",
    { ...payment("credit_card"), lines: [line, { ...line, quantity: 0 }], note: "x" },
    [
      ["/note", "unknown_field"],
      ["/lines/1/quantity", "out_of_range"],
      ["/lines/1/sku", "duplicate_sku"],
      ["/payment/token", "required"],
    ],
  ],
];
const sorted = (all: string[][]) => all.map((pair) => pair.join(" ")).toSorted();

const shared = await startApp(t);
for (const [name, payload, faults] of faulty)
  t.test(`an order with ${name} is refused with every fault`, async (t) => {
    const { app, orders } = shared;
    const answer = await app.inject(post(payload));
    t.match(answer.json(), { status: 400, code: "validation_failed" });
    const errors: { pointer: string; code: string; message: string }[] = answer.json().errors;
    t.strictSame(sorted(errors.map(({ pointer, code }) => [pointer, code])), sorted(faults));
    for (const { message } of errors) t.ok(message.length > 0 && message.length < 300, message);
    t.equal(orders.placed.length, 0);
  });

for (const method of ["cash_on_delivery", "in_person", "async"])
  t.test(`${method} needs no token`, async (t) => {
    const { app } = await startApp(t);
    t.equal((await app.inject(post(payment(method)))).statusCode, 201);
  });

t.test("a SKU in several lines is answered duplicate_sku, at each line after the first", async (t) => {
  const { app } = await startApp(t);
  const lines = [line, { sku: "B", quantity: 1 }, line, line];
  t.match((await app.inject(post({ ...body, lines }))).json(), {
    status: 400,
    code: "duplicate_sku",
    errors: [
      { pointer: "/lines/2/sku", code: "duplicate_sku" },
      { pointer: "/lines/3/sku", code: "duplicate_sku" },
    ],
  });
});

t.test("SKUs are distinguished by case", async (t) => {
  const { app } = await startApp(t);
  const lines = [line, { sku: "a", quantity: 1 }];
  t.equal((await app.inject(post({ ...body, lines }))).statusCode, 201);
});

t.test("the faults of one answer are bounded", async (t) => {
  const { app } = await startApp(t);
  const answer = await app.inject(post({ ...body, lines: Array.from({ length: 20_000 }, () => 0) }));
  t.equal(answer.json().status, 400);
  t.equal(answer.json().errors.length, 50);
  const names = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}${"x".repeat(500)}`, 1]));
  const echoed = await app.inject(post({ ...body, ...names }));
  t.equal(echoed.json().errors.length, 50);
  t.ok(echoed.body.length < 20_000, "names from the client are cut");
});

t.test("a body of another type, coding or charset is answered 415", async (t) => {
  const { app } = await startApp(t);
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/json; charset=latin1",
    "application/merge-patch+json",
    "nonsense",
    "application/json, text/plain",
  ];
  for (const type of types) {
    const answer = await app.inject(post(body, { "content-type": type }));
    t.match(answer.json(), { status: 415, code: "unsupported_media_type" }, type);
  }
  const coded = await app.inject(
    post(body, { "content-type": "application/json", "content-encoding": "gzip" }),
  );
  t.match(coded.json(), { status: 415, code: "unsupported_media_type" });
  const untyped = await app.inject(post(body, {}));
  t.match(untyped.json(), { status: 415, code: "unsupported_media_type" });
  const spelled = await app.inject(post(body, { "content-type": 'Application/JSON; charset="UTF-8"' }));
  t.equal(spelled.statusCode, 201);
});

t.test("a known address with the wrong method is answered 405 with the methods it takes", async (t) => {
  const { app } = await startApp(t);
  const cases: [string, string, string][] = [
    ["DELETE", "/v1/orders", "GET, HEAD, POST"],
    ["PUT", "/v1/orders/ord_1?x=1", "GET, HEAD, PATCH"],
    ["GET", "/v1/orders/ord_1/cancel", "POST"],
    ["POST", "/v1/inventory/A", "GET, HEAD, PUT"],
    ["OPTIONS", "/v1/inventory", "GET, HEAD"],
    ["POST", "/", "GET, HEAD"],
  ];
  for (const [method, url, allow] of cases) {
    const answer = await app.inject({ method: method as "GET", url });
    t.match(answer.json(), { status: 405, code: "method_not_allowed" }, `${method} ${url}`);
    t.equal(answer.headers.allow, allow);
  }
});

t.test("an unknown address is answered 404 whatever the request", async (t) => {
  const { app } = await startApp(t);
  for (const url of [
    "/nope",
    "/v1",
    "/v1/orders/ord_1/fulfillment/fly",
    "/V1/orders",
    "//v1/orders",
    "/docs/../etc/passwd",
    "/docs/js/../../x",
  ])
    for (const request of [{ method: "GET", url } as const, { ...post("{broken"), url }])
      t.equal((await app.inject(request)).json().code, "not_found", `${request.method} ${url}`);
});

t.test("a failing service is answered 500 without the text of the error, which the log has", async (t) => {
  const orders = ordersWith({
    place: () => Promise.reject(new TypeError("secret of the inside")),
    get: () => {
      throw Object.assign(new Error("secret of the inside"), { statusCode: 418, code: "FST_SECRET" });
    },
    // A value that the order's schema cannot serialize.
    command: async () => ({ status: "done", order: { secret: 1 } as never }),
  });
  const { app, logged } = await startApp(t, { orders });
  const requests = [
    post(body),
    { method: "GET", url: "/v1/orders/ord_1" },
    { method: "POST", url: "/v1/orders/ord_1/cancel" },
  ] as const;
  for (const [index, request] of requests.entries()) {
    const headers = { ...("headers" in request ? request.headers : {}), "x-request-id": `trace-${index}` };
    const answer = await app.inject({ ...request, headers });
    t.match(answer.json(), { status: 500, code: "internal_error", requestId: `trace-${index}` });
    t.equal(answer.headers["content-type"], "application/problem+json");
    t.notMatch(answer.body, /secret|TypeError|at .*\.ts|FST_/u);
    t.match(
      logged.find(({ requestId }) => requestId === `trace-${index}`),
      { level: 50, msg: "request failed", err: { stack: /Error/u } },
    );
  }
});

t.test("every answer has the request id and headers against guessing, framing and caching", async (t) => {
  const { app } = await startApp(t);
  const requests = ["/v1/inventory", "/nope", "/v1/orders/%zz", "/v1/orders/x", "/docs/", "/openapi.json"];
  for (const url of requests) {
    const answer = await app.inject({ url, headers: { "x-request-id": "trace-7" } });
    t.match(
      answer.headers,
      {
        "x-request-id": "trace-7",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "content-security-policy": /frame-ancestors 'none'/u,
      },
      url,
    );
    if (answer.statusCode >= 400) t.equal(answer.json().requestId, "trace-7", url);
  }
  t.match(
    (await app.inject({ url: "/nope", headers: { "x-request-id": "a b" } })).json().requestId,
    /^req_/u,
  );
});

t.test("the URN, title and status of an answer are those of the map", async (t) => {
  const { app } = await startApp(t);
  for (const [code, request] of [
    ["not_found", { method: "GET", url: "/nope" }],
    ["malformed_json", post("{")],
    ["bad_request", { method: "GET", url: "/v1/orders/%zz" }],
  ] as const) {
    const answer = await app.inject(request);
    const { status, title } = problems[code];
    t.match(answer.json(), { type: `urn:orderly:problem:${code}`, code, status, title, detail: /\S/u });
    t.equal(answer.statusCode, status);
  }
});
