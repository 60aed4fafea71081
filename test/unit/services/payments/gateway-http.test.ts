import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import type { EffectError } from "../../../../src/runtime/definition.ts";
import type { GatewayCall } from "../../../../src/services/payments/gateway.ts";
import { httpGateway } from "../../../../src/services/payments/gateway.http.ts";
import { closedPort, type Reply, startGateway } from "./gateway-server.ts";

const amount = { amount: 3998, currency: "EUR" };
const authorization = { orderId: "ord_1", method: "credit_card", token: "tok_ok", amount } as const;
const settlement = { orderId: "ord_1", authorization: "auth_1", attempt: 1, amount };
const reference = { orderId: "ord_1", authorization: null, attempt: 2 };

function call(key = "ord_1:authorize:1", signal = new AbortController().signal): GatewayCall {
  return { key, signal };
}

t.test("each call is sent once, with its key, as the gateway expects it", async (t) => {
  const { url, seen } = await startGateway(t, ({ path }) => ({
    status: 200,
    body: path.endsWith("authorize")
      ? { status: "authorized", id: "auth_1" }
      : { status: { capture: "captured", void: "voided", refund: "refunded" }[path.split("/").at(-1) ?? ""] },
  }));
  const gateway = httpGateway(url, Date.now);
  t.strictSame(await gateway.authorize(authorization, call("k1")), {
    outcome: "authorized",
    authorization: "auth_1",
  });
  t.strictSame(await gateway.capture(settlement, call("k2")), { outcome: "captured" });
  t.strictSame(await gateway.void(reference, call("k3")), { outcome: "voided" });
  t.strictSame(await gateway.refund(settlement, call("k4")), { outcome: "refunded" });
  const settled = { orderId: "ord_1", authorization: "auth_1", ...amount };
  t.strictSame(seen, [
    {
      method: "POST",
      path: "/payments/authorize",
      key: "k1",
      body: { orderId: "ord_1", method: "credit_card", token: "tok_ok", ...amount },
    },
    { method: "POST", path: "/payments/capture", key: "k2", body: settled },
    { method: "POST", path: "/payments/void", key: "k3", body: { orderId: "ord_1", authorization: null } },
    { method: "POST", path: "/payments/refund", key: "k4", body: settled },
  ]);
});

t.test("a declined card, a refused capture and an empty void are answers", async (t) => {
  const replies: Record<string, Reply> = {
    "/payments/authorize": { status: 402, body: { status: "declined", reason: "card_declined" } },
    "/payments/capture": { status: 409, body: { error: "capture_refused" } },
    "/payments/void": { status: 200, body: { status: "nothing_to_void" } },
  };
  const { url } = await startGateway(t, ({ path }) => replies[path] ?? "drop");
  const gateway = httpGateway(url, Date.now);
  t.strictSame(await gateway.authorize(authorization, call()), {
    outcome: "declined",
    reason: "card_declined",
  });
  t.strictSame(await gateway.capture(settlement, call()), {
    outcome: "declined",
    reason: "capture_refused",
  });
  t.strictSame(await gateway.void(reference, call()), { outcome: "nothing_to_void" });
});

t.test(
  "a page is pending, paid, declined by the customer, or closed, which does not exclude a payment",
  async (t) => {
    const request = { orderId: "ord_1", payment: "pay_1", amount };
    const answers: readonly (readonly [object, object])[] = [
      [{ status: "pending", authorization: null, reason: null }, { outcome: "pending" }],
      [
        { status: "paid", authorization: "auth_1", reason: null },
        { outcome: "paid", authorization: "auth_1" },
      ],
      [
        { status: "declined", reason: "declined_by_customer" },
        { outcome: "declined", reason: "declined_by_customer" },
      ],
      [{ status: "closed", reason: "expired" }, { outcome: "closed" }],
      [{ status: "closed", reason: "closed_by_shop" }, { outcome: "closed" }],
    ];
    for (const [body, outcome] of answers) {
      const { url } = await startGateway(t, () => ({
        status: 200,
        body: { orderId: "ord_1", ...amount, ...body },
      }));
      t.strictSame(await httpGateway(url, Date.now).checkPayment(request, call()), outcome);
    }
    const { url } = await startGateway(t, () => ({
      status: 200,
      body: { orderId: "ord_1", ...amount, amount: 1, status: "paid", authorization: "auth_1" },
    }));
    await t.rejects(httpGateway(url, Date.now).checkPayment(request, call()), {
      kind: "refused",
      code: "payment_differs",
    });
  },
);

t.test("failures show whether the call may have been carried out", async (t) => {
  const cases: [name: string, reply: Reply, kind: EffectError["kind"], code: string][] = [
    ["a server error", { status: 500, body: { error: "gateway_error" } }, "unknown", "gateway_error"],
    ["a dropped connection", "drop", "unknown", "gateway_no_answer"],
    ["an unreadable answer", { raw: "<html>" }, "unknown", "gateway_no_answer"],
    ["an answer that is no object", { raw: "1" }, "unknown", "unreadable_answer"],
    ["an outcome of another kind", { status: 200, body: { status: "captured" } }, "unknown", "http_200"],
    ["too many requests", { status: 429, body: {} }, "retryable", "http_429"],
    ["an overloaded server", { status: 503, body: {} }, "retryable", "http_503"],
    [
      "a malformed request",
      { status: 400, body: { error: "invalid_request" } },
      "refused",
      "invalid_request",
    ],
  ];
  for (const [name, reply, kind, code] of cases) {
    const { url } = await startGateway(t, () => reply);
    await t.rejects(
      httpGateway(url, Date.now).authorize(authorization, call()),
      { name: "EffectError", kind, code },
      name,
    );
  }
  const nobody = httpGateway(`http://127.0.0.1:${await closedPort()}`, Date.now);
  await t.rejects(nobody.authorize(authorization, call()), {
    kind: "retryable",
    code: "gateway_unreachable",
  });
});

t.test("a void or refund that the gateway does not allow is refused", async (t) => {
  const { url } = await startGateway(t, () => ({ status: 409, body: { error: "already_captured" } }));
  const gateway = httpGateway(url, Date.now);
  await t.rejects(gateway.void(reference, call()), { kind: "refused", code: "already_captured" });
  await t.rejects(gateway.refund(settlement, call()), { kind: "refused", code: "already_captured" });
});

t.test("a call that is aborted has an unknown outcome", async (t) => {
  const { url } = await startGateway(t, () => "never");
  const giveUp = new AbortController();
  const pending = httpGateway(url, Date.now).authorize(authorization, call("k1", giveUp.signal));
  giveUp.abort();
  await t.rejects(pending, { name: "EffectError", kind: "unknown" });
});

t.test("a status query finds the outcome stored under a key, or none", async (t) => {
  const stored: Record<string, unknown> = {
    "ord_1:authorize:1": { status: "authorized", id: "auth_1" },
    "ord_2:authorize:1": { status: "declined", reason: "card_declined" },
    "ord_1:capture:1": { status: "captured" },
    "ord_1:void:1": { status: "nothing_to_void" },
    "ord_1:refund:1": { status: "refunded" },
  };
  const { url, seen } = await startGateway(t, ({ path }) => {
    const body = stored[decodeURIComponent(path.replace("/operations/", ""))];
    return body === undefined ? { status: 404, body: { error: "unknown_key" } } : { status: 200, body };
  });
  const gateway = httpGateway(url, Date.now);
  const found: unknown[] = [];
  for (const key of [...Object.keys(stored), "ord_9:void:1"])
    found.push(await gateway.queryStatus(call(key)));
  t.strictSame(found, [
    { outcome: "authorized", authorization: "auth_1" },
    { outcome: "declined", reason: "card_declined" },
    { outcome: "captured" },
    { outcome: "nothing_to_void" },
    { outcome: "refunded" },
    undefined,
  ]);
  t.ok(seen.every(({ method }) => method === "GET"));
});

t.test("a failed status query is no proof that nothing was done", async (t) => {
  const { url } = await startGateway(t, () => ({ status: 500, body: {} }));
  await t.rejects(httpGateway(url, Date.now).queryStatus(call()), { name: "EffectError", kind: "unknown" });
});

t.test(
  "an answer that is too large or has fields of another form has an unknown outcome, and is not kept",
  async (t) => {
    const page = { orderId: "ord_1", amount, expiresInMs: 1000 };
    const large = "x".repeat(70_000);
    const answers: Reply[] = [
      { raw: `{"status":"authorized","id":"auth_1","padding":"${large}"}` },
      { status: 200, body: { status: "authorized", id: "a".repeat(201) } },
      { status: 200, body: { status: "authorized", id: "auth 1" } },
      { status: 200, body: { status: "authorized", id: 7 } },
      { status: 200, body: { status: "pending", id: "pay_1", url: "javascript:alert(1)" } },
      { status: 200, body: { status: "pending", id: "pay_1", url: `http://pay/${"x".repeat(2001)}` } },
      { status: 500, body: { error: large.slice(0, 60_000) } },
    ];
    for (const answer of answers) {
      const { url } = await startGateway(t, () => answer);
      const gateway = httpGateway(url, Date.now);
      for (const asked of [gateway.authorize(authorization, call()), gateway.createPage(page, call())]) {
        const error = await asked.then(
          () => undefined,
          (reason: unknown) => reason as EffectError,
        );
        t.match(error, { name: "EffectError", kind: "unknown" }, JSON.stringify(answer).slice(0, 60));
        t.ok((error?.message ?? large).length < 200 && (error?.code ?? large).length <= 64);
      }
    }
  },
);

t.test("an answer without an end is not read further than its limit", async (t) => {
  let sent = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"padding":"');
    const part = Buffer.alloc(64 * 1024, "x");
    const more = (): void => {
      while (!response.destroyed) {
        sent += part.length;
        if (!response.write(part)) {
          response.once("drain", more);
          return;
        }
      }
    };
    response.on("error", () => undefined);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const gateway = httpGateway(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, Date.now);
  await t.rejects(gateway.authorize(authorization, call()), { name: "EffectError", kind: "unknown" });
  t.ok(sent < 30 * 2 ** 20, `the gateway could send ${sent} bytes into the buffers of the connection`);
});

t.test("the reason of a declined card is one line of at most 200 characters", async (t) => {
  for (const [given, reason] of [
    ["line 1\nline 2\u0000", "line 1 line 2"],
    ["x".repeat(5000), "x".repeat(200)],
    [" ", "declined"],
    [{}, "declined"],
  ] as const) {
    const { url } = await startGateway(t, () => ({
      status: 402,
      body: { status: "declined", reason: given },
    }));
    t.strictSame(await httpGateway(url, Date.now).authorize(authorization, call()), {
      outcome: "declined",
      reason,
    });
  }
});
