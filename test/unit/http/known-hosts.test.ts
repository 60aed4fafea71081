/** Which requests are those of another site or name, by their headers alone. */
import t from "tap";
import { foreign, knownHosts } from "../../../src/http/connections/known-hosts.ts";

const known = knownHosts("https://shop.example.com", " node-1, ADMIN.example.com:8443");

type Headers = Readonly<Record<string, string | readonly string[]>>;
const asked = (headers: Headers, method = "POST", url = "/v1/orders", signed = false) =>
  foreign(
    {
      method,
      url,
      rawHeaders: Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().flatMap((one) => [name.toUpperCase(), one]),
      ),
    },
    known,
    signed,
  );

t.test("an address of digits, localhost and the names of the settings are known", async (t) => {
  for (const host of [
    "127.0.0.1:3000",
    "127.0.0.1",
    "10.1.2.3:3000",
    "[::1]:3000",
    "localhost",
    "localhost:3001",
    "LOCALHOST:3001",
    "shop.example.com",
    "shop.example.com:8080",
    "node-1",
    "node-1:3000",
    "admin.example.com:8443",
  ])
    t.equal(asked({ host }), undefined, host);
});

t.test("any other host is foreign, for reading too", async (t) => {
  for (const host of [
    "evil.example",
    "evil",
    "x",
    "admin.example.com",
    "shop.example.com.evil.example",
    "evil.example/127.0.0.1",
    "127.0.0.1@evil.example",
    "evil.example#localhost",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "",
    ["127.0.0.1", "evil.example"],
    ["127.0.0.1", "127.0.0.1"],
  ])
    for (const method of ["GET", "POST"])
      t.type(asked({ host }, method), "string", `${method} ${[host].join()}`);
  t.type(asked({}), "string", "no Host at all");
});

t.test("the address of a request may name its host, and no other", async (t) => {
  const host = "127.0.0.1:3000";
  t.equal(asked({ host }, "GET", "http://127.0.0.1:3000/v1/cluster"), undefined);
  t.equal(asked({ host }, "OPTIONS", "*"), undefined);
  t.type(asked({ host }, "GET", "http://evil.example/v1/cluster"), "string");
  t.type(asked({ host }, "GET", "evil.example:80"), "string");
});

t.test("an origin is the request's own host, or one of the names", async (t) => {
  for (const [host, origin] of [
    ["127.0.0.1:3000", "http://127.0.0.1:3000"],
    ["localhost:3000", "http://localhost:3000"],
    ["shop.example.com", "https://shop.example.com"],
    ["node-1:3000", "https://shop.example.com"],
    ["node-1:3000", "https://admin.example.com:8443"],
  ] as const)
    t.equal(asked({ host, origin }), undefined, `${origin} to ${host}`);
  for (const [host, origin] of [
    ["127.0.0.1:3000", "http://evil.example"],
    ["127.0.0.1:3000", "null"],
    ["127.0.0.1:3000", ""],
    ["127.0.0.1:3000", "http://127.0.0.1:3901"],
    ["127.0.0.1:3000", "http://127.0.0.1"],
    ["127.0.0.1:3000", "http://localhost:3000"],
    ["127.0.0.1:3000", "file://"],
    ["shop.example.com", "https://shop.example.com.evil.example"],
    ["shop.example.com", "https://shop.example.com:444"],
  ] as const)
    for (const method of ["GET", "POST"])
      t.type(asked({ host, origin }, method), "string", `${method} ${origin} to ${host}`);
  t.type(
    asked({ host: "localhost", origin: ["http://localhost", "http://localhost"] }),
    "string",
    "given twice",
  );
});

t.test("a page of another site may link here, and send nothing", async (t) => {
  const host = "127.0.0.1:3000";
  for (const site of ["cross-site", "same-site", ["none", "cross-site"]]) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      t.type(asked({ host, "sec-fetch-site": site }, method), "string", `${method} ${[site].join()}`);
    t.equal(asked({ host, "sec-fetch-site": site }, "GET"), undefined);
  }
  for (const site of ["same-origin", "none"]) t.equal(asked({ host, "sec-fetch-site": site }), undefined);
});

t.test("of a signed message only the host counts", async (t) => {
  const headers = { origin: "https://pay.example", "sec-fetch-site": "cross-site" };
  t.equal(asked({ ...headers, host: "shop.example.com" }, "POST", "/", true), undefined);
  t.type(asked({ ...headers, host: "evil.example" }, "POST", "/", true), "string");
});

t.test("a public address that is no URL adds no name", async (t) => {
  t.strictSame([...knownHosts("http://::1:3000", "")], []);
  t.strictSame([...knownHosts(undefined, "a,b:1")], ["a", "b:1"]);
});
