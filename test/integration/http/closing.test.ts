/** Closing the API: open requests are answered, late ones get an error, and no answer is interrupted. */
import { once } from "node:events";
import type { Socket } from "node:net";
import t, { type Test } from "tap";
import { stopping } from "../../../src/runtime/limits.ts";
import type { PlaceResult } from "../../../src/services/orders/contract.ts";
import { body, order, ordersWith, startApp } from "../../support/http-services.ts";
import { rawConnection, type RawConnection } from "../../support/clients/raw-http.ts";
import { waitUntil } from "../../support/wait-until.ts";

/** An app whose `place` waits until it is released. */
async function gated(t: Test) {
  const gate = Promise.withResolvers<PlaceResult>();
  let waiting = 0;
  const orders = ordersWith({
    place: () => {
      waiting++;
      return gate.promise;
    },
  });
  const started = await startApp(t, { orders });
  const url = await started.app.listen({ host: "127.0.0.1", port: 0 });
  const open = (): RawConnection => {
    const connection = rawConnection(started.app);
    t.teardown(() => connection.socket.destroy());
    return connection;
  };
  /** A connection on which an order is being placed. */
  const placing = async (): Promise<RawConnection> => {
    const connection = open();
    const before = waiting;
    connection.send(posted);
    await waitUntil("the order is being placed", () => waiting > before);
    return connection;
  };
  const release = () => gate.resolve({ status: "placed", order });
  t.teardown(release);
  const refuses = () =>
    waitUntil("new connections are refused", () =>
      fetch(`${url}/health/live`).then(
        () => false,
        (error: Error) => (error.cause as { code?: string }).code === "ECONNREFUSED",
      ),
    );
  return { ...started, open, placing, release, refuses };
}

const json = JSON.stringify(body);
const posted = [
  "POST /v1/orders HTTP/1.1",
  "Host: localhost",
  "Content-Type: application/json",
  `Content-Length: ${Buffer.byteLength(json)}`,
  "",
  json,
].join("\r\n");
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

t.test("closing lets answers under way finish, and accepts no new connection", async (t) => {
  const { app, placing, release, refuses } = await gated(t);
  const accepted = once(app.server, "connection");
  const connection = await placing();
  const [socket]: Socket[] = await accepted;
  const closed = app.close();
  await refuses();
  // On the open connection a later request is still accepted, after the one that waits.
  connection.send(get("/health/ready"));
  await waitUntil("it has arrived", () => socket?.bytesRead === connection.socket.bytesWritten);
  release();
  const [placed, ready] = await connection.take(2);
  t.equal(placed?.status, 201);
  t.match(JSON.parse(ready?.body ?? "{}"), { status: 503, code: "not_ready" });
  t.match(ready?.head, /connection: close/iu);
  await closed;
});

t.test("a request on an idle connection, sent just when the app closes, is answered", async (t) => {
  const { app, open, refuses } = await gated(t);
  const connection = open();
  connection.send(get("/v1/orders/ord_1"));
  await connection.take(1);
  const closed = app.close();
  await refuses();
  connection.send(get("/v1/orders/ord_1"));
  const [, answer] = await connection.take(2);
  t.equal(answer?.status, 200);
  t.match(answer?.head, /connection: close/iu);
  await closed;
});

t.test("a connection whose answer was waited for is closed after it", async (t) => {
  const { app, placing, release, refuses } = await gated(t);
  const connection = await placing();
  const begun = performance.now();
  const closed = app.close();
  await refuses();
  release();
  const [answer] = await connection.take(1);
  t.equal(answer?.status, 201);
  t.match(answer?.head, /connection: close/iu);
  await closed;
  t.ok(performance.now() - begun < stopping.answersMs, "nothing else is waited for");
});

t.test(
  "a request without an answer in time gets 503 with the time of a retry; then the app is closed",
  async (t) => {
    const { app, placing, release, logged } = await gated(t);
    const connection = await placing();
    const begun = performance.now();
    const closed = app.close();
    const [answer] = await connection.take(1);
    t.equal(answer?.status, 503);
    t.match(answer?.head, /retry-after: \d/iu);
    t.match(JSON.parse(answer?.body ?? "{}"), { code: "unavailable" });
    t.match(answer?.head, /connection: close/iu);
    await closed;
    const tookMs = performance.now() - begun;
    t.ok(
      tookMs >= stopping.answersMs - 50 && tookMs < stopping.closeGraceMs + 1000,
      `${Math.round(tookMs)} ms`,
    );
    await connection.closed();
    // A result that comes too late has no receiver.
    release();
    await new Promise(setImmediate);
    t.strictSame(
      logged.filter(({ level }) => Number(level) >= 50),
      [],
      "no error is logged",
    );
  },
);

t.test("closing ends although a sender never ends its request", async (t) => {
  const { app, open } = await gated(t);
  const connection = open();
  connection.send(posted.slice(0, -10));
  await waitUntil("the piece is sent", () => connection.socket.bytesWritten > 0);
  const begun = performance.now();
  await app.close();
  t.ok(performance.now() - begun < stopping.closeGraceMs + 2000, "within the grace");
  await connection.closed();
});
