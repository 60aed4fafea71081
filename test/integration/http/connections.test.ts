/** Behavior of real connections: large and broken bodies, pipelining, senders that disconnect, closing. */
import { once } from "node:events";
import type { Socket } from "node:net";
import t, { type Test } from "tap";
import type { AppDependencies } from "../../../src/http/app.ts";
import { httpLimits } from "../../../src/http/protocol/limits.ts";
import type { PlaceResult } from "../../../src/services/orders/contract.ts";
import { body, order, ordersWith, startApp } from "../../support/http-services.ts";
import { rawConnection, type RawConnection } from "../../support/clients/raw-http.ts";
import { waitUntil } from "../../support/wait-until.ts";

async function listening(t: Test, replace?: Partial<AppDependencies>) {
  const started = await startApp(t, replace);
  const url = await started.app.listen({ host: "127.0.0.1", port: 0 });
  const open = (): RawConnection => {
    const connection = rawConnection(started.app);
    t.teardown(() => connection.socket.destroy());
    return connection;
  };
  return { ...started, url, open };
}

const json = JSON.stringify(body);
const post = (headers: string[], payload: string) =>
  [
    "POST /v1/orders HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    ...headers,
    "",
    payload,
  ].join("\r\n");
const posted = (payload: string) => post([`Content-Length: ${Buffer.byteLength(payload)}`], payload);
const get = "GET /v1/orders/ord_1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A gate that holds every `place` until it is opened. */
function gatedOrders() {
  const gate = Promise.withResolvers<PlaceResult>();
  let waiting = 0;
  const orders = ordersWith({
    place: () => {
      waiting++;
      return gate.promise;
    },
  });
  return { orders, waiting: () => waiting, release: () => gate.resolve({ status: "placed", order }) };
}

t.test("a body over 64 KiB is answered 413, and its sender can read the answer", async (t) => {
  const { url, orders } = await listening(t);
  for (const size of [64 * 1024 + 1, 200_000, 5_000_000]) {
    const answer = await fetch(`${url}/v1/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "x".repeat(size),
    });
    t.equal(answer.status, 413, `${size} bytes`);
    t.match(await answer.json(), { code: "body_too_large" });
  }
  t.equal(orders.placed.length, 0);
});

t.test("a sender that reads only after writing everything can still read the 413", async (t) => {
  const { app, open } = await listening(t);
  const accepted = once(app.server, "connection");
  const connection = open();
  connection.socket.pause();
  connection.send(posted("x".repeat(5_000_000)));
  await waitUntil("all is written", () => connection.socket.writableLength === 0);
  connection.socket.resume();
  const [answer] = await connection.take(1);
  t.match(JSON.parse(answer?.body ?? "{}"), { status: 413, code: "body_too_large" });
  const [socket]: Socket[] = await accepted;
  t.ok(Number(socket?.bytesRead) > 5_000_000, "no byte is left unread, which would reset the connection");
});

t.test("a body of exactly 64 KiB is accepted", async (t) => {
  const { url } = await listening(t);
  const answer = await fetch(`${url}/v1/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: json.padEnd(64 * 1024, " "),
  });
  t.equal(answer.status, 201);
});

t.test("the connection of a chunked body that never ends is closed", async (t) => {
  const { app, open, orders } = await listening(t);
  const accepted = once(app.server, "connection");
  const connection = open();
  connection.send(post(["Transfer-Encoding: chunked"], ""));
  const chunk = `40000\r\n${" ".repeat(0x40000)}\r\n`;
  const sender = setInterval(() => connection.socket.writable && connection.send(chunk), 1);
  t.teardown(() => clearInterval(sender));
  // Whether a sender that never stops can read its 413 depends on its operating system.
  await waitUntil(
    "the connection ends",
    () => connection.socket.destroyed || connection.socket.readableEnded,
  );
  const [socket]: Socket[] = await accepted;
  t.ok(Number(socket?.bytesRead) < 2 * httpLimits.discard.bytes, "little more than the bound is read");
  t.equal(orders.placed.length, 0);
});

t.test("pipelined requests are answered in their order, faults among them", async (t) => {
  const { open } = await listening(t);
  const connection = open();
  connection.send(
    get + posted(json) + "DELETE /v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n" + posted(json) + get,
  );
  const answers = await connection.take(5);
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 201, 405, 201, 200],
  );
});

t.test("a slow body is put together from its pieces", async (t) => {
  const { open, orders } = await listening(t);
  const connection = open();
  const text = JSON.stringify({ ...body, customer: { ...body.customer, name: "Ünïcode €" } });
  const bytes = Buffer.from(posted(text));
  // Cut within a character of several bytes.
  const cut = bytes.indexOf(Buffer.from("€")) + 1;
  connection.send(bytes.subarray(0, cut));
  await waitUntil("the first piece is sent", () => connection.socket.bytesWritten === cut);
  connection.send(bytes.subarray(cut));
  const [answer] = await connection.take(1);
  t.equal(answer?.status, 201);
  t.equal(orders.placed[0]?.order.customer.name, "Ünïcode €");
});

t.test("a sender that disconnects in the middle of its body leaves no order and no error", async (t) => {
  const { app, open, url, orders, logged } = await listening(t);
  for (const cut of [10, 100, json.length - 1]) {
    const connection = open();
    connection.send(post([`Content-Length: ${json.length}`], json.slice(0, cut)));
    await waitUntil("the piece is sent", () => connection.socket.bytesWritten > cut);
    connection.socket.resetAndDestroy();
  }
  await waitUntil("the connections are gone", async () => (await connectionsOf(app)) === 0);
  t.equal(orders.placed.length, 0);
  t.equal((await fetch(`${url}/health/live`, { headers: { connection: "close" } })).status, 200);
  t.strictSame(
    logged.filter(({ level }) => Number(level) >= 50),
    [],
    "no error is logged",
  );
});

t.test("a sender that disconnects before the answer does not disturb the others", async (t) => {
  const gated = gatedOrders();
  const { app, open, url, logged } = await listening(t, { orders: gated.orders });
  const connection = open();
  connection.send(posted(json));
  await waitUntil("the order is being placed", () => gated.waiting() === 1);
  connection.socket.resetAndDestroy();
  await waitUntil("the connection is gone", async () => (await connectionsOf(app)) === 0);
  gated.release();
  t.equal((await fetch(`${url}/health/live`)).status, 200);
  t.strictSame(
    logged.filter(({ level }) => Number(level) >= 50),
    [],
    "no error is logged",
  );
});

t.test("bytes that are not HTTP are answered with a problem, and the connection is closed", async (t) => {
  const { open } = await listening(t);
  const cases: [string, number, string][] = [
    ["hello\r\n\r\n", 400, "bad_request"],
    ["GET / HTTP/9.9\r\n\r\n", 400, "bad_request"],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, "headers_too_large"],
    [post(["Content-Length: 1", "Transfer-Encoding: chunked"], "x"), 400, "bad_request"],
    [post(["Transfer-Encoding: chunked"], "zz\r\n"), 400, "bad_request"],
  ];
  for (const [text, status, code] of cases) {
    const connection = open();
    connection.send(text);
    const [answer] = await connection.take(1);
    t.equal(answer?.status, status, text.slice(0, 30));
    t.match(JSON.parse(answer?.body ?? "{}"), { status, code });
    t.match(answer?.head, /content-type: application\/problem\+json/iu);
    await connection.closed();
  }
});

t.test("a request that does not arrive in time is answered 408", async (t) => {
  const { app, open } = await listening(t);
  const connection = open();
  const [socket] = await Promise.all([
    new Promise((resolve) => app.server.once("connection", resolve)),
    waitUntil("it is connected", () => connection.socket.readyState === "open"),
  ]);
  // The server checks for late requests only every half minute; this event is the result of such a check.
  const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
  app.server.emit("clientError", late, socket);
  const [answer] = await connection.take(1);
  t.match(JSON.parse(answer?.body ?? "{}"), { status: 408, code: "request_timeout" });
});

function connectionsOf(app: {
  server: { getConnections(done: (error: Error | null, count: number) => void): void };
}) {
  return new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)));
}
