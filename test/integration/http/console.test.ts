/** The console's page and files, as a node serves them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { consolePages } from "../../../src/http/console/routes.ts";
import { startApp } from "../../support/http-services.ts";

const PAGE = '<!doctype html><meta name="orderly" content="{}" /><script src="/assets/a-1.js"></script>';

async function startWithConsole(t: Test) {
  const folder = t.testdir({ "index.html": PAGE });
  mkdirSync(join(folder, "assets"));
  for (const [name, content] of [
    ["a-1.js", "let a = 1;"],
    ["a-1.js.br", "brotli"],
    ["a-1.js.gz", "gzip"],
  ] as const)
    writeFileSync(join(folder, "assets", name), content);
  const { app } = await startApp(t, { console: { folder, version: '1"&$', environment: "production" } });
  return app;
}

t.test("every page of the console is the same page, with what the node says about itself", async (t) => {
  const app = await startWithConsole(t);
  const first = await app.inject("/");
  t.match(first.body, 'content="{&quot;version&quot;:&quot;1\\&quot;&amp;$&quot;,');
  t.match(first.headers, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    "content-security-policy": /default-src 'none'; script-src 'self'; style-src 'self'/u,
  });
  t.notMatch(first.headers["content-security-policy"], /unsafe|https?:/u);
  for (const page of consolePages)
    for (const url of [`/${page}`, `/${page}/ord_1?at=3`, `/${page}/a/b`])
      t.equal((await app.inject(url)).body, first.body, url);
});

t.test("a browser that has the page gets 304, with the policy of the page", async (t) => {
  const app = await startWithConsole(t);
  const { headers } = await app.inject("/orders");
  const again = await app.inject({ url: "/cluster", headers: { "if-none-match": String(headers["etag"]) } });
  t.match(again, { statusCode: 304, body: "" });
  t.equal(again.headers["content-security-policy"], headers["content-security-policy"]);
});

t.test("files are kept for a year, and sent compressed to those who take that", async (t) => {
  const app = await startWithConsole(t);
  const plain = await app.inject("/assets/a-1.js");
  t.equal(plain.body, "let a = 1;");
  t.match(plain.headers, {
    "cache-control": "public, max-age=31536000, immutable",
    "content-type": /javascript/u,
  });
  for (const encoding of ["br", "gzip"]) {
    const answer = await app.inject({ url: "/assets/a-1.js", headers: { "accept-encoding": encoding } });
    t.match(answer, { body: encoding === "br" ? "brotli" : "gzip", statusCode: 200 });
    t.match(answer.headers, { "content-encoding": encoding, "content-type": /javascript/u });
  }
});

t.test("an address that is no page and no file is unknown, and cannot be written to", async (t) => {
  const app = await startWithConsole(t);
  for (const url of [
    "/order",
    "/ordersx",
    "/assets/",
    "/assets/b.js",
    "/assets/a-1.js.br",
    "/assets/..%2findex.html",
    "/assets/../index.html",
    "/index.html",
    "/.hash",
  ])
    t.match((await app.inject(url)).json(), { status: 404, code: "not_found" }, url);
  for (const url of ["/", "/orders", "/assets/a-1.js"])
    t.match(await app.inject({ url, method: "POST" }), { statusCode: 405, headers: { allow: "GET, HEAD" } });
});

t.test("without a build the page says how to make one, and the other pages are unknown", async (t) => {
  const { app } = await startApp(t);
  t.match((await app.inject("/")).body, "node orderly.mjs build-console");
  t.match((await app.inject("/orders")).json(), { status: 404, code: "not_found" });
});

t.test("a build that is made, or made anew, while the node runs is served at once", async (t) => {
  const folder = t.testdir({});
  const { app } = await startApp(t, { console: { folder, version: "1", environment: "development" } });
  t.match((await app.inject("/")).body, "node orderly.mjs build-console");
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "assets/a-1.js"), "1");
  writeFileSync(join(folder, "index.html"), PAGE);
  t.match((await app.inject("/orders")).body, "a-1.js");
  t.equal((await app.inject("/assets/a-1.js")).statusCode, 200);
  rmSync(join(folder, "assets/a-1.js"));
  writeFileSync(join(folder, "assets/a-2.js"), "2");
  writeFileSync(join(folder, "index.html"), PAGE.replace("a-1", "a-2"));
  t.match((await app.inject("/orders")).body, "a-2.js");
  t.equal((await app.inject("/assets/a-2.js")).body, "2");
  t.match((await app.inject("/assets/a-1.js")).json(), { status: 404, code: "not_found" });
});
