/** Conditions of a put, adjustments, movements and shortages over HTTP, on services in memory. */
import t from "tap";
import type {
  AdjustResult,
  MovementCursor,
  StockCondition,
} from "../../../src/services/inventory/contract.ts";
import { InventoryInMemory, inventoryWith, startApp } from "../../support/http-services.ts";

const price = { amount: 1999, currency: "EUR" };
const stock = { sku: "A", name: "A", price, onHand: 10, reserved: 2, available: 8, version: 7 };
const body = { onHand: 15, name: "A", price };
const put = (headers: Record<string, string> = {}) =>
  ({ method: "PUT", url: "/v1/inventory/A", payload: body, headers }) as const;
const found = inventoryWith({ get: async () => ({ status: "found", stock }) });

t.test("stock is answered with its version as ETag, and 304 while it has it", async (t) => {
  const { app } = await startApp(t, { inventory: found });
  const answer = await app.inject("/v1/inventory/A");
  const { version: _, ...view } = stock;
  t.match(answer.headers, { etag: '"7"', "cache-control": "private, no-cache" });
  t.strictSame(answer.json(), view);
  const same = await app.inject({ url: "/v1/inventory/A", headers: { "if-none-match": 'W/"7"' } });
  t.match(same, { statusCode: 304, body: "" });
  const other = await app.inject({ url: "/v1/inventory/A", headers: { "if-none-match": '"8"' } });
  t.equal(other.statusCode, 200);
});

t.test("stock of an owner that knows no versions has no ETag", async (t) => {
  const { version: _, ...view } = stock;
  const inventory = inventoryWith({ get: async () => ({ status: "found", stock: view }) });
  const { app } = await startApp(t, { inventory });
  t.equal((await app.inject("/v1/inventory/A")).headers.etag, undefined);
});

t.test("the conditions of a put reach the inventory as they are", async (t) => {
  const cases: [Record<string, string>, StockCondition | undefined][] = [
    [{}, undefined],
    [{ "if-match": '"7"' }, { match: [7] }],
    [{ "if-match": '"7" , "12"' }, { match: [7, 12] }],
    [{ "if-match": "*" }, { match: "any" }],
    [{ "if-match": 'W/"7"' }, { match: [] }],
    [{ "if-match": '"abc", "007", ""' }, { match: [] }],
    [{ "if-none-match": "*" }, { noneMatch: "any" }],
    [{ "if-none-match": 'W/"7"' }, { noneMatch: [7] }],
    [
      { "if-match": '"7"', "if-none-match": '"8"' },
      { match: [7], noneMatch: [8] },
    ],
  ];
  for (const [headers, condition] of cases) {
    const inventory = new InventoryInMemory();
    const { app } = await startApp(t, { inventory });
    t.equal((await app.inject(put(headers))).statusCode, 200);
    t.strictSame(inventory.puts, [condition ? { condition } : {}], JSON.stringify(headers));
  }
});

t.test("a condition that is no list of entity tags is refused, and nothing is put", async (t) => {
  const { app, inventory } = await startApp(t);
  for (const name of ["if-match", "if-none-match"])
    for (const value of ["7", '"7', '"7";"8"', "'7'", '*, "7"', ""]) {
      const answer = await app.inject(put({ [name]: value }));
      t.match(
        answer.json(),
        { status: 400, code: "validation_failed", errors: [{ pointer: `/${name}` }] },
        `${name}: ${value}`,
      );
    }
  t.equal(inventory.stock.size, 0);
});

t.test("a put whose condition does not hold is answered 412 with the version now", async (t) => {
  for (const [result, version] of [
    [{ status: "version_changed", version: 8 }, 8],
    [{ status: "version_changed" }, null],
  ] as const) {
    const { app } = await startApp(t, { inventory: inventoryWith({ put: async () => result }) });
    const answer = await app.inject(put({ "if-match": '"7"' }));
    t.match(answer.json(), { status: 412, code: "version_changed", version });
  }
});

t.test("a put may leave the count out", async (t) => {
  const { app, inventory } = await startApp(t);
  await app.inject(put());
  const answer = await app.inject({ ...put(), payload: { name: "B", price } });
  t.match(answer, { statusCode: 200 });
  t.match(inventory.stock.get("A"), { name: "B", onHand: 15 });
});

t.test("a SKU is taken off sale and put back by one field, which every read of it shows", async (t) => {
  const { app } = await startApp(t);
  await app.inject(put());
  for (const listed of [false, true]) {
    const answer = await app.inject({ ...put(), payload: { listed } });
    t.match(answer.json(), { listed, onHand: 15, name: "A" });
    t.match((await app.inject("/v1/inventory/A")).json(), { listed });
  }
});

t.test("a new SKU needs its name and its price, and the answer names what is missing", async (t) => {
  const { app } = await startApp(t);
  const answer = await app.inject({ ...put(), payload: { onHand: 5 } });
  t.match(answer.json(), {
    status: 400,
    code: "validation_failed",
    errors: [
      { pointer: "/name", code: "required" },
      { pointer: "/price", code: "required" },
    ],
  });
});

t.test("the key of a put reaches the inventory, and one of another put is refused", async (t) => {
  const { app, inventory } = await startApp(t);
  t.equal((await app.inject(put({ "idempotency-key": "k1" }))).statusCode, 200);
  t.strictSame(inventory.puts, [{ key: { idempotencyKey: "k1", caller: "anonymous" } }]);
  const unusable = await app.inject(put({ "idempotency-key": "a b" }));
  t.match(unusable.json(), { status: 400, code: "invalid_idempotency_key" });
  const reused = inventoryWith({ put: async () => ({ status: "idempotency_key_reused" }) });
  const other = (await startApp(t, { inventory: reused })).app;
  const answer = await other.inject(put({ "idempotency-key": "k1" }));
  t.match(answer.json(), { status: 422, code: "idempotency_key_reused" });
});

t.test(
  "a dry run of a put answers what it would do, or with which problem it would be refused",
  async (t) => {
    const { app, inventory } = await startApp(t);
    const tried = { ...put(), url: "/v1/inventory/A?dryRun=true" };
    const fresh = await app.inject(tried);
    t.match(fresh, { statusCode: 200, headers: { "cache-control": "private, no-store" } });
    const basedOn = { version: 0, source: "owner" };
    t.match(fresh.json(), { dryRun: true, accepted: true, before: null, after: { onHand: 15 }, basedOn });
    t.equal(inventory.puts.length, 0);
    for (const [refusal, expected] of [
      [
        { status: "below_reserved", reserved: 2 },
        { code: "below_reserved", status: 409, reserved: 2 },
      ],
      [
        { status: "version_changed", version: 8 },
        { code: "version_changed", status: 412, version: 8 },
      ],
      [{ status: "idempotency_key_reused" }, { code: "idempotency_key_reused", status: 422 }],
    ] as const) {
      const before = stock;
      const predictPut = async () => ({ status: "predicted", refusal, before, after: before }) as const;
      const { app: refusing } = await startApp(t, { inventory: inventoryWith({ predictPut }) });
      const answer = await refusing.inject(tried);
      t.match(answer.json(), { accepted: false, refusal: expected, basedOn: { version: 7 } });
      t.notOk("version" in answer.json().before);
    }
  },
);

const adjust = (payload: object, headers: Record<string, string> = { "idempotency-key": "k1" }) =>
  ({ method: "POST", url: "/v1/inventory/A/adjustments", payload, headers }) as const;

t.test("an adjustment is answered 201 with what was done", async (t) => {
  const { app, inventory } = await startApp(t);
  await app.inject(put());
  const payload = { delta: -2, expected: 15, reason: "damaged", reference: "R-1", note: "wet" };
  const answer = await app.inject(adjust(payload));
  t.equal(answer.statusCode, 201);
  t.strictSame(answer.json(), { id: "adj_1", sku: "A", onHand: 9, short: 0, ...payload });
  t.strictSame(inventory.adjusted, [["A", payload, { idempotencyKey: "k1", caller: "anonymous" }]]);
});

t.test("an adjustment needs a usable key, whatever else is wrong with it", async (t) => {
  const { app, inventory } = await startApp(t);
  for (const payload of [{ delta: 1, reason: "found" }, {}]) {
    t.match((await app.inject(adjust(payload, {}))).json(), {
      status: 400,
      code: "idempotency_key_required",
    });
    for (const key of ["", "a b", "k".repeat(256)])
      t.match((await app.inject(adjust(payload, { "idempotency-key": key }))).json(), {
        status: 400,
        code: "invalid_idempotency_key",
      });
  }
  t.equal(inventory.adjusted.length, 0);
});

t.test("an adjustment with a bad value is refused with the fault", async (t) => {
  const { app, inventory } = await startApp(t);
  const reason = "count";
  const cases: [object, string, string][] = [
    [{ reason }, "/delta", "required"],
    [{ delta: 0, reason }, "/delta", "out_of_range"],
    [{ delta: 1, countedTo: 1, reason }, "/countedTo", "not_allowed"],
    [{ delta: 1.5, reason }, "/delta", "wrong_type"],
    [{ delta: -1_000_000_001, reason }, "/delta", "out_of_range"],
    [{ countedTo: -1, reason }, "/countedTo", "out_of_range"],
    [{ countedTo: "1", reason }, "/countedTo", "wrong_type"],
    [{ delta: 1, expected: -1, reason }, "/expected", "out_of_range"],
    [{ delta: 1, reason: "mood" }, "/reason", "not_allowed"],
    [{ delta: 1 }, "/reason", "required"],
    [{ delta: 1, reason, note: " " }, "/note", "invalid_format"],
    [{ delta: 1, reason, reference: "r".repeat(201) }, "/reference", "too_long"],
    [{ delta: 1, reason, by: "me" }, "/by", "unknown_field"],
  ];
  for (const [payload, pointer, code] of cases)
    t.match(
      (await app.inject(adjust(payload))).json(),
      { status: 400, code: "validation_failed", errors: [{ pointer, code }] },
      JSON.stringify(payload),
    );
  t.equal(inventory.adjusted.length, 0);
});

t.test("an adjustment that is not done says why", async (t) => {
  const cases: [AdjustResult, number, object][] = [
    [{ status: "not_found" }, 404, { code: "sku_not_found" }],
    [{ status: "stock_changed", onHand: 9 }, 409, { code: "stock_changed", onHand: 9 }],
    [{ status: "below_zero", onHand: 2 }, 409, { code: "below_zero", onHand: 2 }],
    [{ status: "idempotency_key_reused" }, 422, { code: "idempotency_key_reused" }],
  ];
  for (const [result, status, problem] of cases) {
    const { app } = await startApp(t, { inventory: inventoryWith({ adjust: async () => result }) });
    t.match((await app.inject(adjust({ delta: 1, reason: "found" }))).json(), { status, ...problem });
  }
});

t.test("movements come in pages, whose cursors are the inventory's places", async (t) => {
  const asked: ({ limit: number; before?: MovementCursor } | undefined)[] = [];
  const item = {
    sequence: 12,
    at: "2026-11-22T10:00:00.000Z",
    kind: "adjusted",
    onHand: -2,
    reserved: 0,
    adjustmentId: "adj_1",
    reason: "theft",
    reference: "R7",
    note: "at night",
  } as const;
  const inventory = inventoryWith({
    movements: async (_, page) => {
      asked.push(page);
      return { status: "found", items: [item], next: page.before ? null : { sequence: 12, index: 3 } };
    },
  });
  const { app } = await startApp(t, { inventory });
  const first = (await app.inject("/v1/inventory/A/movements?limit=1")).json();
  t.strictSame(first.items, [item]);
  const second = await app.inject(`/v1/inventory/A/movements?cursor=${first.nextCursor}`);
  t.strictSame(second.json(), { items: [item], nextCursor: null });
  t.strictSame(asked, [{ limit: 1 }, { limit: 50, before: { sequence: 12, index: 3 } }]);
  for (const query of ["cursor=AAAA", "limit=0", "limit=201", "before=1"])
    t.match((await app.inject(`/v1/inventory/A/movements?${query}`)).json(), {
      status: 400,
      code: "validation_failed",
    });
});

t.test("shortages name the orders that give way; a SKU that does not exist has neither", async (t) => {
  const items = [{ orderId: "ord_1", quantity: 3, short: 2 }];
  const inventory = inventoryWith({ shortages: async () => ({ status: "found", items, unnamed: 1 }) });
  const { app } = await startApp(t, { inventory });
  t.strictSame((await app.inject("/v1/inventory/A/shortages")).json(), { items, unnamed: 1 });
  const none = await startApp(t);
  for (const path of ["movements", "shortages"])
    for (const sku of ["NONE", "%20"])
      t.match((await none.app.inject(`/v1/inventory/${sku}/${path}`)).json(), {
        status: 404,
        code: "sku_not_found",
      });
});
