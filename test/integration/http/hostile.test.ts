/** Hostile input: always a clear 4xx problem in a short time, never a 500, and never a changed prototype. */
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import type { InjectOptions } from "fastify";
import t, { type Test } from "tap";
import { body, startApp } from "../../support/http-services.ts";

const { app, orders } = await startApp(t);

const json = { "content-type": "application/json" };
const text = JSON.stringify(body);
const raw = (payload: string | Buffer, headers: Record<string, string> = json): InjectOptions => ({
  method: "POST",
  url: "/v1/orders",
  headers,
  payload,
});

async function refused(t: Test, request: InjectOptions, code?: string): Promise<void> {
  const answer = await app.inject(request);
  const name = `${request.method ?? "GET"} ${JSON.stringify(request.url).slice(0, 80)}`;
  t.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${name}: ${answer.statusCode}`);
  t.equal(answer.headers["content-type"], "application/problem+json");
  t.match(answer.json(), { status: answer.statusCode, code: code ?? /^[a-z_]+$/u, requestId: /\S/u });
  t.notMatch(answer.body, /node_modules|\.ts:|SyntaxError|TypeError|FST_/u);
  t.equal(orders.placed.length, 0, "nothing reached the service");
}

const bodies: [string, string | Buffer, string][] = [
  ["__proto__ at the top", text.replace("{", '{"__proto__":{"polluted":true},'), "validation_failed"],
  [
    "__proto__ inside",
    text.replace('"customer":{', '"customer":{"__proto__":{"polluted":true},'),
    "validation_failed",
  ],
  ["__proto__ instead of the customer", '{"__proto__":{"customer":{}}}', "validation_failed"],
  [
    "constructor.prototype",
    text.replace("{", '{"constructor":{"prototype":{"polluted":true}},'),
    "validation_failed",
  ],
  [
    "toString and hasOwnProperty",
    text.replace("{", '{"toString":1,"hasOwnProperty":1,'),
    "validation_failed",
  ],
  [
    "an escaped __proto__",
    text.replace("{", String.raw`{"\u005f_proto__":{"polluted":true},`),
    "validation_failed",
  ],
  ["deep arrays", "[".repeat(60_000), "malformed_json"],
  ["deep objects", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000), "malformed_json"],
  ["deep lines", text.replace('"lines":[', `"lines":[${"[".repeat(40)}${"]".repeat(40)},`), "malformed_json"],
  ["a huge number", text.replace('"quantity":2', '"quantity":1e400'), "validation_failed"],
  [
    "a number beyond exactness",
    text.replace('"quantity":2', '"quantity":9007199254740993'),
    "validation_failed",
  ],
  [
    "a number of 60 000 digits",
    text.replace('"quantity":2', `"quantity":${"9".repeat(60_000)}`),
    "validation_failed",
  ],
  ["a tiny fraction", text.replace('"quantity":2', '"quantity":1.0000000001'), "validation_failed"],
  ["NaN", text.replace('"quantity":2', '"quantity":NaN'), "malformed_json"],
  ["Infinity", text.replace('"quantity":2', '"quantity":Infinity'), "malformed_json"],
  ["NaN as text", text.replace('"quantity":2', '"quantity":"NaN"'), "validation_failed"],
  ["hexadecimal", text.replace('"quantity":2', '"quantity":0x10'), "malformed_json"],
  ["a leading zero", text.replace('"quantity":2', '"quantity":02'), "malformed_json"],
  ["minus zero", text.replace('"quantity":2', '"quantity":-0'), "validation_failed"],
  ["a duplicate key", text.replace('"quantity":2', '"quantity":2,"quantity":10000'), "duplicate_key"],
  [
    "a duplicate key, escaped",
    text.replace('"quantity":2', String.raw`"quantity":2,"quantit\u0079":9`),
    "duplicate_key",
  ],
  ["a duplicate object", text.replace("{", '{"payment":{"method":"in_person"},'), "duplicate_key"],
  ["an escaped null character", text.replace("Ada", String.raw`A\u0000da`), "validation_failed"],
  ["a raw null character", text.replace("Ada", "A\u0000da"), "malformed_json"],
  ["null characters around", `\u0000${text}\u0000`, "malformed_json"],
  ["half a surrogate pair", text.replace("Ada", String.raw`\ud83d`), "validation_failed"],
  ["the halves in the wrong order", text.replace("Ada", String.raw`\ude00\ud83d`), "validation_failed"],
  ["a line separator", text.replace("Ada", "A\u2028da"), "validation_failed"],
  ["a newline in the city", text.replace("Oporto", String.raw`Oporto\nX-Header: 1`), "validation_failed"],
  ["full-width digits", text.replace('"quantity":2', '"quantity":"２"'), "validation_failed"],
  ["a homoglyph SKU", text.replace("TSHIRT-M", "TSHІRT-M"), "validation_failed"],
  ["a wildcard SKU", text.replace("TSHIRT-M", "orders.>"), "validation_failed"],
  [
    "overlong UTF-8",
    Buffer.from(text.replace("Ada", "\u0001\u0001\u0001"), "utf8").fill(0xc0, 50, 52),
    "malformed_json",
  ],
  ["latin-1 bytes", Buffer.from(text.replace("Ada", "Ädä"), "latin1"), "malformed_json"],
  ["UTF-16", Buffer.from(`\ufeff${text}`, "utf16le"), "malformed_json"],
  ["gzip without saying so", gzipSync(text), "malformed_json"],
  ["two bodies", `${text}${text}`, "malformed_json"],
  ["only white space", " ".repeat(60_000), "malformed_json"],
  [
    "an e-mail made for backtracking",
    text.replace("ada@example.com", `${"a.".repeat(20_000)}@`),
    "validation_failed",
  ],
  [
    "a host made for backtracking",
    text.replace("ada@example.com", `a@${"a-".repeat(20_000)}`),
    "validation_failed",
  ],
  ["a name of blanks", text.replace("Ada Byron", " ".repeat(60_000)), "validation_failed"],
  [
    "a long name that ends in a control character",
    text.replace("Ada Byron", `${"a ".repeat(30_000)}\\u0007`),
    "validation_failed",
  ],
  [
    "lines as an object",
    text.replace(/"lines":\[.*?\]/u, '"lines":{"length":1,"0":{}}'),
    "validation_failed",
  ],
  ["text", '"order"', "validation_failed"],
  ["a number", "42", "validation_failed"],
  ["true", "true", "validation_failed"],
];
for (const [name, payload, code] of bodies)
  t.test(`a body with ${name} is refused as ${code}`, async (t) => {
    const before = performance.now();
    await refused(t, raw(payload), code);
    t.ok(performance.now() - before < 1_000, "in short time");
    t.equal((Object.prototype as Record<string, unknown>)["polluted"], undefined, "prototypes are as before");
  });

t.test("UTF-8 with a byte order mark is refused, without a fault of the server", async (t) => {
  await refused(t, raw(`\ufeff${text}`), "malformed_json");
});

t.test("content types made to confuse are refused", async (t) => {
  const types = [
    "application/json; charset=utf-7",
    "application/json;charset=x;charset=utf-8",
    "application/jsonp",
    "text/json",
    "a/b;".repeat(500),
    "__proto__",
    "application/",
    "/",
    ";",
    "constructor/prototype",
  ];
  for (const type of types) await refused(t, raw(text, { "content-type": type }), "unsupported_media_type");
});

t.test("ids made to escape their path are refused", async (t) => {
  const ids = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "..%5c..%5c",
    "%00",
    "ord_%00",
    "ord_1%0d%0aX:%201",
    "ord_%F0%9F%92%A9",
    "ord_*",
    "ord_%3E",
    "ord_1.2",
    "__proto__",
    "constructor",
    "%ff",
    "%u0041",
    "%",
    "%%%",
    "ord_%zz",
    "%c0%ae",
    "ord_1%2fcancel",
    "x".repeat(15_000),
  ];
  for (const id of ids)
    for (const path of ["", "/history", "/invoice", "/credit-note"])
      await refused(t, { url: `/v1/orders/${id}${path}` });
  for (const id of ids) {
    await refused(t, { url: `/v1/inventory/${id}` });
    await refused(t, {
      method: "POST",
      url: `/v1/orders/${id}/cancel`,
      headers: json,
      payload: "{}",
    });
  }
});

t.test("queries made to confuse are refused", async (t) => {
  for (const query of [
    "limit=1e3",
    "limit=0x10",
    "limit=%2B1",
    "limit=1%00",
    "limit[]=1",
    "limit=NaN",
    "limit=-1",
    "limit=99999999999999999999",
    "__proto__[x]=1",
    "constructor=1",
    "cursor=..%2f",
    `cursor=${"A".repeat(5000)}`,
    "cursor=AA&cursor=AA",
    "limit=１",
  ])
    await refused(t, { url: `/v1/inventory?${query}` }, "validation_failed");
});

t.test("headers made to confuse do no harm", async (t) => {
  const { app } = await startApp(t);
  const hosts = ["[", "a b", "x:99999", "%", "[::1", "a/b", ""];
  for (const host of hosts)
    for (const url of ["/docs", "/docs/", "/", "/v1/inventory"]) {
      const answer = await app.inject({ url, headers: { host } });
      t.ok(answer.statusCode < 500, `${host} ${url}: ${answer.statusCode}`);
    }
  const headers = {
    prefer: "wait=".repeat(1000),
    "if-none-match": '"'.repeat(4000),
    "accept-version": "1.x",
    "x-http-method-override": "DELETE",
  };
  t.equal((await app.inject({ url: "/v1/orders/ord_1", headers })).statusCode, 200);
});

t.test("any JSON value as body is refused or accepted, and never a fault of the server", async (t) => {
  const { app } = await startApp(t);
  const value = fc.oneof(fc.jsonValue({ maxDepth: 5 }), mutatedOrder());
  await fc.assert(
    fc.asyncProperty(value, async (payload) => {
      const { statusCode } = await app.inject(raw(JSON.stringify(payload)));
      if (statusCode !== 201 && statusCode !== 400) throw new Error(`answered ${statusCode}`);
    }),
    { numRuns: 500 },
  );
});

t.test("any bytes as body are refused, and never a fault of the server", async (t) => {
  const { app } = await startApp(t);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const { statusCode } = await app.inject(raw(Buffer.from(bytes)));
      if (statusCode !== 400) throw new Error(`answered ${statusCode}`);
    }),
    { numRuns: 500 },
  );
});

t.test("any path is answered, and never with a fault of the server", async (t) => {
  const { app } = await startApp(t);
  const path = fc.string({ unit: fc.constantFrom(..."/.%?#;:=&~*>\\ aordv1_-0".split("")), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("/", "/v1/orders/", "/v1/inventory/", "/docs/"),
      path,
      async (prefix, rest) => {
        const { statusCode } = await app.inject({
          url: encodeURI(`${prefix}${rest}`).replaceAll("%25", "%"),
        });
        if (statusCode >= 500) throw new Error(`answered ${statusCode}`);
      },
    ),
    { numRuns: 1_000 },
  );
});

/** A legal order in which one member, somewhere, is another value. */
function mutatedOrder(): fc.Arbitrary<unknown> {
  const places = [
    "customer",
    "customer.email",
    "customer.name",
    "lines",
    "lines.0",
    "lines.0.sku",
    "lines.0.quantity",
    "payment",
    "payment.method",
    "payment.token",
    "shippingAddress",
    "shippingAddress.country",
    "shippingAddress.line2",
  ];
  return fc.tuple(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 3 })).map(([place, value]) => {
    const copy: unknown = structuredClone(body);
    const names = place.split(".");
    const last = names.pop() ?? "";
    const parent = names.reduce((at, name) => (at as Record<string, unknown>)[name], copy);
    (parent as Record<string, unknown>)[last] = value;
    return copy;
  });
}
