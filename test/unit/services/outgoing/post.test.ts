/** Sending one webhook: names are checked at every try, answers are bounded, redirects are not followed. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { poster, type Resolve } from "../../../../src/services/outgoing/post.ts";

const never = new AbortController().signal;

async function serve(
  t: Test,
  listener: RequestListener,
): Promise<{ readonly port: number; requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests: () => requests };
}

const to =
  (...addresses: string[]): Resolve =>
  (_, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );

t.test(
  "an answer of 2xx is a success, and any other one a failure; a redirect is not followed",
  async (t) => {
    const target = await serve(t, (_, response) => response.writeHead(200).end());
    for (const [status, error] of [
      [200, null],
      [204, null],
      [302, "http_302"],
      [400, "http_400"],
      [503, "http_503"],
    ] as const) {
      const { port } = await serve(t, (_, response) => {
        response.writeHead(status, { location: `http://127.0.0.1:${target.port}/` }).end();
      });
      const post = poster({ development: true });
      t.strictSame(await post(`http://127.0.0.1:${port}/`, {}, "{}", never), { status, error });
    }
    t.equal(target.requests(), 0);
  },
);

t.test("what is sent arrives: method, headers and body, on a connection of its own", async (t) => {
  let seen: unknown;
  const { port } = await serve(t, (request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const { connection, "content-type": type, "webhook-id": id } = request.headers;
      seen = { method: request.method, url: request.url, type, id, body, connection };
      response.end();
    });
  });
  await poster({ development: true })(
    `http://127.0.0.1:${port}/a?b=c`,
    { "webhook-id": "m1" },
    '{"x":1}',
    never,
  );
  t.strictSame(seen, {
    method: "POST",
    url: "/a?b=c",
    type: "application/json",
    id: "m1",
    body: '{"x":1}',
    connection: "close",
  });
});

t.test("a name is resolved at every try, and one bad address is enough to refuse it", async (t) => {
  const { port, requests } = await serve(t, (_, response) => response.end());
  const refused = { status: null, error: "address_refused" };
  const url = `http://localhost:${port}/`;
  // A name that was right a moment ago.
  let addresses = ["127.0.0.1"];
  const post = poster({ development: true, resolve: (name, done) => to(...addresses)(name, done) });
  t.strictSame(await post(url, {}, "{}", never), { status: 200, error: null });
  for (const bad of [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["64:ff9b::7f00:1"], []]) {
    addresses = bad;
    t.strictSame(await post(url, {}, "{}", never), refused, bad.join());
  }
  const open = poster({ development: false, resolve: to("127.0.0.1") });
  t.strictSame(await open(`https://shop.example.com/`, {}, "{}", never), refused, "outside development");
  t.strictSame(
    await open(`https://127.0.0.1/`, {}, "{}", never),
    refused,
    "an address that is never resolved",
  );
  t.equal(requests(), 1);
});

t.test(
  "a slow endpoint, one that is gone and one that answers too much cost a bounded time and memory",
  async (t) => {
    const slow = await serve(t, () => undefined);
    const post = poster({ development: true, timeoutMs: 200 });
    t.strictSame(await post(`http://127.0.0.1:${slow.port}/`, {}, "{}", never), {
      status: null,
      error: "timeout",
    });
    const dripping = await serve(t, (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(timer));
    });
    const begun = performance.now();
    t.equal((await post(`http://127.0.0.1:${dripping.port}/`, {}, "{}", never)).status, 200);
    t.ok(performance.now() - begun < 5_000, "an answer without end ends");
    let written = 0;
    const large = await serve(t, (_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && written < 50_000_000 && response.write("x".repeat(16_384)))
          written += 16_384;
      };
      response.on("drain", more);
      more();
    });
    t.equal((await post(`http://127.0.0.1:${large.port}/`, {}, "{}", never)).status, 200);
    t.ok(written < 50_000_000, `${written} bytes were taken`);
    t.match(await post("http://127.0.0.1:1/", {}, "{}", never), {
      status: null,
      error: /^(?:econnrefused|no_answer)$/u,
    });
    const stop = AbortSignal.abort();
    t.strictSame(await post(`http://127.0.0.1:${slow.port}/`, {}, "{}", stop), {
      status: null,
      error: "stopped",
    });
  },
);
