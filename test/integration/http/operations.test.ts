/** Health, cluster, metrics, invoices, pages and the OpenAPI document. */
import { Readable } from "node:stream";
import t from "tap";
import type { AppDependencies } from "../../../src/http/app.ts";
import type { Operations } from "../../../src/http/operations/operations-port.ts";
import { problems } from "../../../src/http/protocol/problems.ts";
import { startApp } from "../../support/http-services.ts";

const operationsWith = (replaced: Partial<Operations>): Operations => ({
  isolation: () => undefined,
  health: () => ({ ready: true, checks: [] }),
  cluster: async () => ({ nodes: [], partitions: [], workers: [] }),
  metrics: () => "",
  ...replaced,
});

t.test("an isolated node refuses at once the requests that it cannot answer", async (t) => {
  const { app } = await startApp(t, {
    operations: operationsWith({ isolation: () => "not connected" }),
  });
  for (const url of ["/v1/orders/ord_1", "/v1/orders/ord_1/history", "/v1/inventory", "/v1/inventory/MUG"]) {
    const answer = await app.inject(url);
    t.match(answer, { statusCode: 503, headers: { "retry-after": "1" } }, url);
    t.equal(answer.json().code, "unavailable");
  }
  for (const url of ["/health/live", "/metrics", "/v1/cluster", "/openapi.json"])
    t.equal((await app.inject(url)).statusCode, 200, url);
  t.equal((await app.inject({ method: "POST", url: "/v1/orders", payload: {} })).statusCode, 400);
});

t.test("a live process reports that it is live whatever its checks say", async (t) => {
  const { app } = await startApp(t, {
    operations: operationsWith({ health: () => ({ ready: false, checks: [] }) }),
  });
  const answer = await app.inject("/health/live");
  t.equal(answer.statusCode, 200);
  t.strictSame(answer.json(), { status: "live" });
});

t.test("a node is ready, or says in a problem which check failed", async (t) => {
  const up = await startApp(t);
  t.strictSame((await up.app.inject("/health/ready")).json(), {
    status: "ready",
    checkedAt: "2026-11-22T10:00:00.000Z",
    checks: [{ name: "nats", ok: true, detail: "connected" }],
  });
  const checks = [{ name: "nats", ok: false, detail: "disconnected" }];
  const down = await startApp(t, {
    operations: operationsWith({ health: () => ({ ready: false, checks }) }),
  });
  const answer = await down.app.inject("/health/ready");
  t.match(answer.json(), { status: 503, code: "not_ready", checks });
  t.equal(answer.headers["retry-after"], "1");
});

t.test("process ids are shown in development only", async (t) => {
  const node = {
    id: "node-1",
    startedAt: "2026-11-22T10:00:00.000Z",
    roles: ["orders"],
    partitions: [0, 31],
    outboxDepth: 2,
    clockOffsetMs: -12,
    draining: { reason: "A new disk", since: "2026-11-22T10:00:00.000Z" },
    commitMs: { p50: 2.4, p99: 11 },
    lanes: [{ provider: "gateway", inUse: 3, limit: 64, waiting: 0, breaker: "closed" }],
    url: "http://127.0.0.1:3000",
  };
  const partitions = [
    { partition: 0, node: "node-1", epoch: 7, lag: 0, answers: true },
    { partition: 1, node: null, epoch: 0, lag: 3, answers: null },
  ];
  const workers = [
    { worker: "email", pending: 18, oldestMs: 93_500, deadLetters: 3 },
    { worker: "invoice", pending: null, oldestMs: null, deadLetters: null },
  ];
  const rest = { partitions, workers };
  const operations = operationsWith({ cluster: async () => ({ nodes: [{ ...node, pid: 42 }], ...rest }) });
  const open = await startApp(t, { operations, development: true });
  t.strictSame((await open.app.inject("/v1/cluster")).json(), { nodes: [{ ...node, pid: 42 }], ...rest });
  const shut = await startApp(t, { operations, development: false });
  t.strictSame((await shut.app.inject("/v1/cluster")).json(), { nodes: [node], ...rest });
});

t.test("a cluster view that cannot be read is answered 503", async (t) => {
  const operations = operationsWith({
    cluster: async () => ({ status: "unavailable", reason: "x", retryAfterMs: 5 }),
  });
  const { app } = await startApp(t, { operations });
  t.match((await app.inject("/v1/cluster")).json(), { status: 503, code: "unavailable" });
});

t.test("metrics are Prometheus text", async (t) => {
  const { app } = await startApp(t);
  const answer = await app.inject("/metrics");
  t.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  t.equal(answer.body, "orders_total 1\n");
});

t.test("an invoice is served as PDF, from memory and from streams", async (t) => {
  const bytes = Buffer.from("%PDF-1.7 \u0000\u00ff", "latin1");
  const sources: (() => Extract<
    Awaited<ReturnType<AppDependencies["invoices"]["read"]>>,
    { pdf: unknown }
  >["pdf"])[] = [
    () => bytes,
    () => Readable.from([bytes.subarray(0, 4), bytes.subarray(4)]),
    () => Readable.toWeb(Readable.from([bytes])),
  ];
  for (const pdf of sources) {
    const read = async () => ({ status: "found", pdf: pdf(), number: 'INV-1"\r\nx: y/../é' }) as const;
    const { app } = await startApp(t, { invoices: { read, creditNote: read } });
    for (const path of ["invoice", "credit-note"]) {
      const answer = await app.inject(`/v1/orders/ord_1/${path}`);
      t.equal(answer.statusCode, 200);
      t.equal(answer.headers["content-type"], "application/pdf");
      t.equal(
        answer.headers["content-disposition"],
        'inline; filename="INV-1___x__y_.._é.pdf"'.replace("é", "_"),
      );
      t.strictSame(answer.rawPayload, bytes);
    }
  }
});

const noOrder = async () => ({ status: "not_found" }) as const;

t.test("an invoice that does not exist yet is not the same as an order that does not exist", async (t) => {
  const { app } = await startApp(t);
  const none = await startApp(t, { invoices: { read: noOrder, creditNote: noOrder } });
  for (const [path, code] of [
    ["invoice", "invoice_not_ready"],
    ["credit-note", "credit_note_not_ready"],
  ]) {
    const url = `/v1/orders/ord_1/${path}`;
    t.match((await app.inject(url)).json(), { status: 404, code });
    t.match((await none.app.inject(url)).json(), { status: 404, code: "order_not_found" });
  }
});

t.test("the index page links to addresses that all answer", async (t) => {
  const { app } = await startApp(t);
  const page = await app.inject("/");
  t.match(page.headers["content-type"], "text/html");
  const links = [...page.body.matchAll(/href="([^"]+)"/gu)].map(([, href]) => href ?? "");
  t.ok(links.length >= 6);
  for (const link of links) t.equal((await app.inject(link)).statusCode, 200, link);
});

t.test("the reference loads from this node only", async (t) => {
  const { app } = await startApp(t);
  t.equal((await app.inject("/docs")).headers.location, "/docs/");
  const page = await app.inject("/docs/");
  t.match(page.headers["content-security-policy"], "connect-src 'self'");
  t.notMatch(page.body, /(src|href)="(https?:)?\/\//u);
  t.match(page.body, /"proxyUrl": ""/u);
  const script = await app.inject("/docs/js/scalar.js");
  t.match(script.headers["content-type"], "javascript");
  t.ok(script.body.length > 100_000);
});

t.test(
  "the OpenAPI document describes every route and every answer, with resolvable references",
  async (t) => {
    const { app } = await startApp(t);
    const answer = await app.inject("/openapi.json");
    t.match(answer.headers["content-type"], "application/json");
    const document: Document = answer.json();
    t.equal(document.openapi, "3.1.0");
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    t.strictSame(operations.map(({ name }) => name).toSorted(), documented.toSorted());
    const ids = operations.map(({ operation }) => operation.operationId);
    t.equal(new Set(ids).size, ids.length, "operation ids are unique");
    for (const { name, operation } of operations) {
      t.ok(operation.summary, name);
      for (const [status, response] of Object.entries(operation.responses)) {
        t.not(response.description, "Default Response", `${name} ${status}`);
        if (Number(status) < 400) continue;
        const examples = Object.entries(response.content?.["application/problem+json"]?.examples ?? {});
        t.ok(examples.length > 0, `${name} ${status} shows its problems`);
        for (const [code, { value }] of examples) t.match(value, { code, status: Number(status) });
      }
    }
    const components = Object.keys(document.components.schemas);
    t.notMatch(components.join(), /def-/u);
    const references = new Set([...answer.body.matchAll(/"\$ref":"([^"]+)"/gu)].map(([, target]) => target));
    for (const target of references)
      t.ok(
        components.some((name) => target === `#/components/schemas/${name}`),
        String(target),
      );
  },
);

t.test("the API accepts the documented body of a new order", async (t) => {
  const { app } = await startApp(t);
  const { schemas } = (await app.inject("/openapi.json")).json<Document>().components;
  const payload = schemas["PlaceOrder"]?.examples?.[0];
  t.equal(
    (await app.inject({ method: "POST", url: "/v1/orders", payload: payload as object })).statusCode,
    201,
  );
  const stock = schemas["PutStock"]?.examples?.[0];
  t.equal(
    (await app.inject({ method: "PUT", url: "/v1/inventory/A", payload: stock as object })).statusCode,
    200,
  );
});

t.test("together the routes document every problem except those of bare HTTP", async (t) => {
  const { app } = await startApp(t);
  const text = (await app.inject("/openapi.json")).body;
  const bare = ["not_found", "method_not_allowed", "request_timeout", "headers_too_large"];
  for (const code of Object.keys(problems).filter((code) => !bare.includes(code)))
    t.match(text, `"code":"${code}"`, code);
});

const documented = [
  "get /v1/cluster/samples",
  "post /v1/nodes/{id}/drain",
  "post /v1/nodes/{id}/undrain",
  "post /v1/partitions/{partition}/move",
  "get /v1/audit",
  "post /v1/orders/{id}/reveal",
  "post /v1/customers/{id}/erase",
  "delete /v1/webhook-endpoints/{id}",
  "get /v1/webhook-endpoints",
  "get /v1/webhook-endpoints/{id}/deliveries",
  "post /v1/webhook-endpoints",
  "post /v1/webhook-endpoints/{id}/deliveries/{did}/replay",
  "post /v1/webhook-endpoints/{id}/replay",
  "post /v1/webhook-endpoints/{id}/rotate-secret",
  "get /v1/dead-letters/groups",
  "get /v1/dead-letters/{id}",
  "get /v1/parked/groups",
  "get /v1/parked/{order}",
  "post /v1/dead-letters/{id}/discard",
  "get /v1/bulk/{id}",
  "get /v1/bulk/{id}/items",
  "post /v1/bulk",
  "post /v1/bulk/{id}/stop",
  "get /v1/orders",
  "get /v1/orders.csv",
  "get /v1/orders/counts",
  "get /v1/projection",
  "post /v1/projection/rebuild",
  "post /v1/orders",
  "get /v1/orders/{id}",
  "patch /v1/orders/{id}",
  "get /v1/orders/{id}/history",
  "get /v1/orders/{id}/history/{version}",
  "get /v1/orders/{id}/messages",
  "get /v1/orders/{id}/stream",
  "get /v1/orders/{id}/credit-note",
  "get /v1/orders/{id}/invoice",
  "post /v1/orders/{id}/cancel",
  "post /v1/orders/{id}/fulfillment/pick",
  "post /v1/orders/{id}/fulfillment/quality-check",
  "post /v1/orders/{id}/fulfillment/pack",
  "post /v1/orders/{id}/fulfillment/ship",
  "post /v1/orders/{id}/fulfillment/deliver",
  "post /v1/orders/{id}/fulfillment/report-refused",
  "post /v1/orders/{id}/fulfillment/report-unclaimed",
  "post /v1/orders/{id}/fulfillment/report-lost",
  "post /v1/orders/{id}/fulfillment/receive",
  "post /v1/orders/{id}/fulfillment/settle",
  "put /v1/inventory/{sku}",
  "get /v1/inventory/{sku}",
  "get /v1/inventory",
  "post /v1/inventory/{sku}/adjustments",
  "post /v1/maintenance",
  "get /v1/inventory/{sku}/movements",
  "get /v1/inventory/{sku}/shortages",
  "get /v1/machines",
  "get /v1/machines/{kind}",
  "get /v1/machines/{kind}/counts",
  "get /v1/maintenance",
  "get /health/live",
  "get /health/ready",
  "get /metrics",
  "get /v1/cluster",
  "get /v1/cluster/history",
  "get /v1/parked",
  "get /v1/stream",
  "get /v1/webhooks/unmatched",
  "post /v1/orders/{id}/retry",
  "post /v1/orders/{id}/resume",
  "post /v1/orders/{id}/skip",
  "get /v1/dead-letters",
  "post /v1/keys",
  "get /v1/keys",
  "delete /v1/keys/{id}",
  "get /v1/session",
  "post /v1/session",
  "delete /v1/session",
  "post /v1/dead-letters/{id}/replay",
  "post /v1/machines/simulate",
  "post /v1/webhooks/carrier",
  "post /v1/webhooks/payments",
];

type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { examples?: unknown[] }> };
};
type Operation = {
  operationId: string;
  summary?: string;
  responses: Record<
    string,
    { description: string; content?: Record<string, { examples?: Record<string, { value: object }> }> }
  >;
};
