/** Commands to existing orders, and the stock, over HTTP, on services in memory. */
import t from "tap";
import { inventoryWith, order, ordersWith, startApp, prediction } from "../../support/http-services.ts";

const post = (path: string, payload?: object) =>
  ({ method: "POST", url: `/v1/orders/ord_1/${path}`, ...(payload ? { payload } : {}) }) as const;

const accepted: [string, object | undefined, object][] = [
  ["cancel", { reason: "too late" }, { type: "cancel", reason: "too late" }],
  ["cancel", {}, { type: "cancel", reason: "Cancelled on request" }],
  ["cancel", undefined, { type: "cancel", reason: "Cancelled on request" }],
  ["fulfillment/pick", undefined, { type: "pick" }],
  ["fulfillment/pick", {}, { type: "pick" }],
  ["fulfillment/quality-check", { passed: true }, { type: "quality-check", passed: true }],
  ["fulfillment/quality-check", { passed: false }, { type: "quality-check", passed: false }],
  ["fulfillment/pack", undefined, { type: "pack" }],
  ["fulfillment/ship", {}, { type: "ship" }],
  ["fulfillment/report-lost", {}, { type: "report-lost" }],
  ["fulfillment/receive", { restock: true }, { type: "receive", restock: true }],
  ["fulfillment/settle", { reason: "small change" }, { type: "settle", reason: "small change" }],
  ["retry", undefined, { type: "retry" }],
  ["fulfillment/deliver", undefined, { type: "deliver" }],
  [
    "fulfillment/deliver",
    { collected: { amount: 3998, currency: "EUR" } },
    { type: "deliver", collected: { amount: 3998, currency: "EUR" } },
  ],
];
for (const [path, payload, command] of accepted)
  t.test(
    `${path} with ${JSON.stringify(payload) ?? "no body"} reaches the order and answers it`,
    async (t) => {
      const { app, orders } = await startApp(t);
      const answer = await app.inject(post(path, payload));
      t.equal(answer.statusCode, 200);
      t.equal(answer.headers.etag, '"3"');
      t.strictSame(answer.json(), order);
      const reason = payload && "reason" in payload ? { reason: payload.reason } : {};
      t.strictSame(orders.commands, [{ id: "ord_1", command, by: { kind: "anonymous" }, ...reason }]);
    },
  );

for (const [path, payload, command] of accepted)
  t.test(`${path} with ${JSON.stringify(payload) ?? "no body"} can be tried`, async (t) => {
    const { app, predictions, orders } = await startApp(t);
    const request = post(path, payload);
    const answer = await app.inject({ ...request, url: `${request.url}?dryRun=true` });
    t.match(answer.json(), { dryRun: true, accepted: true, events: ["order.created"] });
    const reason = payload && "reason" in payload ? { reason: payload.reason } : {};
    t.strictSame(predictions.commands, [["ord_1", command, reason]]);
    t.strictSame(orders.commands, []);
    const forGood = await app.inject({ ...request, url: `${request.url}?dryRun=false` });
    t.strictSame(forGood.json(), order);
  });

t.test("every command takes a reason", async (t) => {
  const { app, orders } = await startApp(t);
  const reason = "asked by phone";
  for (const [path, payload] of accepted) {
    const answer = await app.inject(post(path, { ...payload, reason }));
    t.equal(answer.statusCode, 200, path);
    t.match(orders.commands.at(-1), { id: "ord_1", by: { kind: "anonymous" }, reason });
    t.match((await app.inject(post(path, { ...payload, reason: "x".repeat(501) }))).json(), { status: 400 });
  }
});

t.test("a dry run that would be refused is answered with the problem", async (t) => {
  const { app, predictions } = await startApp(t);
  const guards = [{ machine: "order", state: "shipped", event: "cancel", guard: "mayEnd", verdict: false }];
  const refusal = { status: "illegal_transition", state: "shipped", allowedEvents: [], guards } as const;
  predictions.command = async () => ({ ...prediction, refusal });
  const answer = await app.inject({ method: "POST", url: "/v1/orders/ord_1/cancel?dryRun=true" });
  t.match(answer.json(), {
    accepted: false,
    refusal: { code: "illegal_transition", status: 409, state: "shipped", allowedEvents: [], guards },
  });
  t.equal(answer.statusCode, 200);
});

t.test("a dry run is asked for with true, and other queries are refused", async (t) => {
  const { app, orders } = await startApp(t);
  for (const query of ["dryRun=1", "dryRun=", "dryRun=true&dryRun=true", "dryrun=true"])
    for (const url of ["/v1/orders/ord_1/cancel", "/v1/orders"]) {
      const answer = await app.inject({ method: "POST", url: `${url}?${query}`, payload: {} });
      t.match(answer.json(), { status: 400, code: "validation_failed" }, `${url}?${query}`);
    }
  t.strictSame(orders.commands, []);
});

t.test("a command may name the version that it is for, and a key", async (t) => {
  const { app, predictions, orders } = await startApp(t);
  const send = (headers: Record<string, string>, query = "") =>
    app.inject({ method: "POST", url: `/v1/orders/ord_1/fulfillment/pick${query}`, headers });
  const key = { caller: "anonymous", idempotencyKey: "k1" };
  const { id, ...asked } = { id: "ord_1", command: { type: "pick" }, by: { kind: "anonymous" } };
  for (const [headers, how] of [
    [{ "if-match": '"7"' }, { ifVersions: [7] }],
    [{ "if-match": '"7", "8", W/"9", "x"' }, { ifVersions: [7, 8] }],
    [{ "if-match": "*" }, {}],
    [{ "idempotency-key": "k1" }, { key }],
    [
      { "if-match": '"7"', "idempotency-key": "k1" },
      { ifVersions: [7], key },
    ],
  ] as const) {
    t.equal((await send(headers)).statusCode, 200);
    t.strictSame(orders.commands.at(-1), { id, ...asked, ...how });
    await send(headers, "?dryRun=true");
    t.strictSame(predictions.commands.at(-1), [id, asked.command, how]);
  }
  const sent = orders.commands.length;
  for (const match of ["7", "", '"7" "8"'])
    t.match((await send({ "if-match": match })).json(), { status: 400, code: "validation_failed" }, match);
  for (const bad of ["", "k 1", "x".repeat(256)])
    t.match(
      (await send({ "idempotency-key": bad })).json(),
      { status: 400, code: "invalid_idempotency_key" },
      bad,
    );
  t.equal(orders.commands.length, sent);
});

t.test("a command for another version, or under the key of another one, is refused", async (t) => {
  const orders = ordersWith({ command: async () => ({ status: "version_changed", version: 8 }) });
  const { app } = await startApp(t, { orders });
  const changed = await app.inject(post("fulfillment/pick"));
  t.match(changed.json(), { status: 412, code: "version_changed", version: 8 });
  orders.command = async () => ({ status: "idempotency_key_reused", orderId: "ord_1" });
  t.match((await app.inject(post("cancel"))).json(), {
    status: 422,
    code: "idempotency_key_reused",
    orderId: "ord_1",
  });
});

t.test("an empty JSON body counts as no body", async (t) => {
  const { app } = await startApp(t);
  const answer = await app.inject({
    ...post("fulfillment/pick"),
    headers: { "content-type": "application/json" },
  });
  t.equal(answer.statusCode, 200);
});

const refused: [string, object | undefined, object][] = [
  ["cancel", { reason: "" }, { pointer: "/reason", code: "too_short" }],
  ["cancel", { reason: "x".repeat(501) }, { pointer: "/reason", code: "too_long" }],
  ["cancel", { why: "x" }, { pointer: "/why", code: "unknown_field" }],
  ["fulfillment/pick", { force: true }, { pointer: "/force", code: "unknown_field" }],
  ["fulfillment/pick", [], { pointer: "", code: "wrong_type" }],
  ["fulfillment/quality-check", undefined, { pointer: "", code: "wrong_type" }],
  ["fulfillment/quality-check", {}, { pointer: "/passed", code: "required" }],
  ["fulfillment/quality-check", { passed: "true" }, { pointer: "/passed", code: "wrong_type" }],
  ["fulfillment/deliver", { collected: { amount: 1 } }, { pointer: "/collected/currency", code: "required" }],
  [
    "fulfillment/deliver",
    { collected: { amount: 1, currency: "XXX" } },
    { pointer: "/collected/currency", code: "invalid_format", message: "must be a valid currency" },
  ],
  ["fulfillment/deliver", { collected: { amount: -1, currency: "EUR" } }, { pointer: "/collected/amount" }],
];
for (const [path, payload, fault] of refused)
  t.test(`${path} with ${JSON.stringify(payload)?.slice(0, 50) ?? "no body"} is refused`, async (t) => {
    const { app, orders } = await startApp(t);
    const answer = await app.inject(post(path, payload));
    t.match(answer.json(), { status: 400, code: "validation_failed", errors: [fault] });
    t.equal(orders.commands.length, 0);
  });

t.test("a command in the wrong state is answered with the state and the allowed commands", async (t) => {
  const illegal = {
    status: "illegal_transition",
    state: "shipped",
    allowedEvents: ["deliver"],
    guards: [],
  } as const;
  const { app } = await startApp(t, { orders: ordersWith({ command: async () => illegal }) });
  for (const [path, payload] of accepted) {
    const answer = await app.inject(post(path, payload));
    t.match(answer.json(), {
      status: 409,
      code: "illegal_transition",
      state: "shipped",
      allowedEvents: ["deliver"],
    });
  }
});

t.test("an amount other than the total is answered with the total", async (t) => {
  const expected = { amount: 3998, currency: "EUR" };
  const orders = ordersWith({ command: async () => ({ status: "amount_mismatch", expected }) });
  const { app } = await startApp(t, { orders });
  const collected = { amount: 1, currency: "EUR" };
  const answer = await app.inject(post("fulfillment/deliver", { collected }));
  t.match(answer.json(), { status: 422, code: "amount_mismatch", expected });
});

const stock = { onHand: 100, name: "T-shirt M", price: { amount: 1999, currency: "EUR" } };
const put = (sku: string, payload: object) =>
  ({ method: "PUT", url: `/v1/inventory/${sku}`, payload }) as const;

t.test("stock that was put can be read and listed, page by page", async (t) => {
  const { app } = await startApp(t);
  for (const sku of ["C", "A", "B.1", "D_2", "E-3"])
    t.equal((await app.inject(put(sku, stock))).statusCode, 200);
  const view = { sku: "A", ...stock, reserved: 0, available: 100, listed: true };
  t.strictSame((await app.inject("/v1/inventory/A")).json(), view);
  const seen: string[] = [];
  let url: string | null = "/v1/inventory?limit=2";
  for (let pages = 0; url !== null && pages < 5; pages++) {
    const page: { items: { sku: string }[]; nextCursor: string | null } = (await app.inject(url)).json();
    seen.push(...page.items.map(({ sku }) => sku));
    url = page.nextCursor === null ? null : `/v1/inventory?limit=2&cursor=${page.nextCursor}`;
  }
  t.strictSame(seen, ["A", "B.1", "C", "D_2", "E-3"]);
});

t.test("without a limit a page has 50 items, and 200 at most", async (t) => {
  const limits: number[] = [];
  const list = async ({ limit }: { limit: number }) => {
    limits.push(limit);
    return { status: "found", items: [], next: null } as const;
  };
  const { app } = await startApp(t, { inventory: inventoryWith({ list }) });
  for (const query of ["", "?limit=1", "?limit=200"])
    t.equal((await app.inject(`/v1/inventory${query}`)).statusCode, 200);
  t.strictSame(limits, [50, 1, 200]);
  for (const query of [
    "limit=0",
    "limit=201",
    "limit=1.5",
    "limit=",
    "limit=abc",
    "limit=1&limit=2",
    "limit=%31e1",
    "cursor=",
    "cursor=%00",
    "page=2",
    "__proto__=1",
  ]) {
    const answer = await app.inject(`/v1/inventory?${query}`);
    t.match(answer.json(), { status: 400, code: "validation_failed" }, query);
  }
  t.equal(limits.length, 3);
});

t.test(
  "an unknown SKU is answered 404 when read, and an impossible one 404 when read and 400 when put",
  async (t) => {
    const { app } = await startApp(t);
    for (const sku of ["NEW", "%20", "a%2Fb", "-x", "a*", "x".repeat(65)]) {
      t.match((await app.inject(`/v1/inventory/${sku}`)).json(), { status: 404, code: "sku_not_found" }, sku);
      if (sku !== "NEW")
        t.match((await app.inject(put(sku, stock))).json(), {
          status: 400,
          code: "validation_failed",
          errors: [{ pointer: "/sku", code: "invalid_format" }],
        });
    }
  },
);

t.test("stock below the reserved quantity is answered 409 with that quantity", async (t) => {
  const inventory = inventoryWith({ put: async () => ({ status: "below_reserved", reserved: 12 }) });
  const { app } = await startApp(t, { inventory });
  t.match((await app.inject(put("A", stock))).json(), { status: 409, code: "below_reserved", reserved: 12 });
});

t.test("stock with a bad quantity, name or price is refused", async (t) => {
  const { app, inventory } = await startApp(t);
  const price = stock.price;
  const cases: [object, string, string][] = [
    [{ ...stock, onHand: -1 }, "/onHand", "out_of_range"],
    [{ ...stock, onHand: 1.5 }, "/onHand", "wrong_type"],
    [{ ...stock, onHand: "1" }, "/onHand", "wrong_type"],
    [{ ...stock, onHand: 1e300 }, "/onHand", "out_of_range"],
    [{ ...stock, name: " " }, "/name", "invalid_format"],
    [{ ...stock, name: "a\nb" }, "/name", "invalid_format"],
    [{ ...stock, price: { ...price, currency: "eur" } }, "/price/currency", "invalid_format"],
    [{ ...stock, price: { ...price, currency: "ZZZ" } }, "/price/currency", "invalid_format"],
    [{ ...stock, price: { ...price, amount: 1_000_000_001 } }, "/price/amount", "out_of_range"],
    [{ ...stock, price: null }, "/price", "wrong_type"],
    [{ ...stock, reserved: 1 }, "/reserved", "unknown_field"],
  ];
  for (const [payload, pointer, code] of cases) {
    const answer = await app.inject(put("A", payload));
    t.match(answer.json(), { status: 400, code: "validation_failed", errors: [{ pointer, code }] }, pointer);
  }
  t.equal(inventory.stock.size, 0);
});
