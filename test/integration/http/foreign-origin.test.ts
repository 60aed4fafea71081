/** Requests of other sites and names get 403 from every route, and do nothing. */
import t from "tap";
import { body, inventoryWith, ordersWith, startApp } from "../../support/http-services.ts";
import { rawConnection } from "../../support/clients/raw-http.ts";

const called = async (): Promise<never> => {
  throw new Error("a service was called");
};

const attacks: [string, Record<string, string>][] = [
  ["a rebound name", { host: "evil.example:3000" }],
  ["a form of another site", { host: "127.0.0.1:3000", origin: "http://evil.example" }],
  ["an opaque origin", { host: "127.0.0.1:3000", origin: "null" }],
  ["a request of another site without Origin", { host: "127.0.0.1:3000", "sec-fetch-site": "cross-site" }],
];

t.test("no write of another site or name reaches a service, with a body or without one", async (t) => {
  const { app, logged } = await startApp(t, {
    orders: ordersWith({ place: called, command: called }),
    inventory: inventoryWith({ put: called }),
  });
  for (const [name, headers] of attacks)
    for (const [method, url, payload] of [
      ["POST", "/v1/orders", body],
      ["POST", "/v1/orders/ord_1/cancel", undefined],
      ["POST", "/v1/orders/ord_1/retry", undefined],
      ["POST", "/v1/orders/ord_1/resume", undefined],
      ["POST", "/v1/orders/ord_1/fulfillment/pick", undefined],
      ["POST", "/v1/dead-letters/dl_1/replay", undefined],
      ["PUT", "/v1/inventory/A", { onHand: 1, name: "A", price: { amount: 1, currency: "EUR" } }],
      ["DELETE", "/no/such/route", undefined],
    ] as const) {
      const answer = await app.inject({ method, url, headers, ...(payload && { payload }) });
      t.match(answer.json(), { status: 403, code: "foreign_origin" }, `${name}: ${method} ${url}`);
      t.match(answer.headers, { "content-security-policy": /frame-ancestors 'none'/u });
    }
  t.strictSame(logged, [], "and none is a fault of the node");
});

t.test("a foreign name reads nothing, a link from elsewhere does", async (t) => {
  const { app } = await startApp(t);
  for (const url of [
    "/",
    "/v1/orders/ord_1",
    "/v1/cluster",
    "/docs/",
    "/openapi.json",
    "/health/ready",
    "/metrics",
  ]) {
    t.match(
      (await app.inject({ url, headers: { host: "evil.example" } })).json(),
      { code: "foreign_origin" },
      url,
    );
    const link = { host: "127.0.0.1", "sec-fetch-site": "cross-site" };
    t.equal((await app.inject({ url, headers: link })).statusCode, 200, url);
  }
});

t.test("the names of the settings and callers that are no browsers are served", async (t) => {
  const { app } = await startApp(t);
  for (const headers of [
    { host: "shop.example.com" },
    { host: "shop.example.com", origin: "https://shop.example.com", "sec-fetch-site": "same-origin" },
    { host: "node-1:3000" },
    { host: "10.0.0.7:3000" },
  ])
    t.equal(
      (await app.inject({ method: "POST", url: "/v1/orders", headers, payload: body })).statusCode,
      201,
      JSON.stringify(headers),
    );
});

t.test("two hosts, or another one in the address, are refused on the wire", async (t) => {
  const { app } = await startApp(t);
  await app.listen({ host: "127.0.0.1", port: 0 });
  for (const request of [
    "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /v1/orders HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}",
    "GET / HTTP/1.0\r\n\r\n",
  ]) {
    const connection = rawConnection(app);
    t.teardown(() => connection.socket.destroy());
    connection.send(request);
    const [answer] = await connection.take(1);
    t.ok(answer?.status === 403 || answer?.status === 400, `${answer?.status}: ${request.slice(0, 40)}`);
  }
});
