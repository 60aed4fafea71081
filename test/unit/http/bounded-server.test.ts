/** Bounds of connections, on real sockets: answers under way, senders that are slow, clients that do not read. */
import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import t, { type Test } from "tap";
import { boundedServer, type ConnectionBounds } from "../../../src/http/connections/bounded-server.ts";
import { waitUntil } from "../../support/wait-until.ts";

const until = <T>(reason: string, condition: () => T) => waitUntil(reason, condition, { timeoutMs: 8000 });

const wide: ConnectionBounds = {
  answersUnderWay: 8,
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 60_000,
  checkEveryMs: 20,
  silentConnectionMs: 60_000,
  keepAliveMs: 60_000,
};
const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

async function listening(t: Test, bounds: Partial<ConnectionBounds>, listener: RequestListener) {
  const server = boundedServer({ ...wide, ...bounds }, listener);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted: Socket[] = [];
  server.on("connection", (socket: Socket) => void accepted.push(socket));
  return {
    accepted,
    open: () => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      t.teardown(() => socket.destroy());
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const answers = () => text.split("HTTP/1.1 ").length - 1;
      return { socket, answers, text: () => text };
    },
  };
}

const closed = (socket: Socket) => until("the connection is closed", () => socket.closed);

/** Keeps every request until the test answers it. */
function held() {
  const responses: ServerResponse[] = [];
  const listener: RequestListener = (_request, response) => void responses.push(response);
  return { responses, listener };
}

t.test("as many requests as the bound may be under way; one more closes the connection", async (t) => {
  const { responses, listener } = held();
  const { open } = await listening(t, {}, listener);
  const { socket, answers } = open();
  socket.write(get.repeat(8));
  await until("eight are under way", () => responses.length === 8);
  for (const response of responses.splice(0)) response.end("x");
  await until("eight answers", () => answers() === 8);
  socket.write(get.repeat(8));
  await until("eight more are under way, on the same connection", () => responses.length === 8);
  socket.write(get);
  await closed(socket);
  t.equal(responses.length, 8, "the ninth is dropped");
  t.equal(answers(), 8);
});

t.test("nothing after the request that closed the connection is served", async (t) => {
  const { responses, listener } = held();
  const { open } = await listening(t, {}, listener);
  const { socket } = open();
  socket.write(get.repeat(2000));
  await closed(socket);
  t.equal(responses.length, 8);
});

t.test("the bound holds for each connection", async (t) => {
  const { responses, listener } = held();
  const { open } = await listening(t, { answersUnderWay: 2 }, listener);
  const connections = [open(), open(), open()];
  for (const { socket } of connections) socket.write(get.repeat(2));
  await until("two of each are under way", () => responses.length === 6);
  for (const response of responses) response.end("x");
  await until("all are answered", () => connections.every(({ answers }) => answers() === 2));
  t.notOk(connections.some(({ socket }) => socket.destroyed));
});

t.test("a client that pipelines one after the other reads all answers", async (t) => {
  const { open } = await listening(t, { answersUnderWay: 2 }, (_request, response) => response.end("x"));
  const { socket, answers } = open();
  for (let sent = 1; sent <= 30; sent++) {
    socket.write(get);
    await until("the answer", () => answers() === sent);
  }
  t.notOk(socket.destroyed);
});

t.test(
  "answers that their client does not read are under way, and its connection is closed in the end",
  async (t) => {
    let begun = 0;
    const big = Buffer.alloc(16_000_000);
    const { accepted, open } = await listening(t, { silentConnectionMs: 300 }, (_request, response) => {
      begun++;
      response.end(big);
    });
    const { socket } = open();
    socket.pause();
    socket.write(get.repeat(3));
    await until("three are begun", () => begun === 3);
    await until("the server closes the connection", () => accepted[0]?.destroyed);
  },
);

t.test("a request that arrives slowly is cut soon after its limit", async (t) => {
  const { responses, listener } = held();
  const { open } = await listening(t, { requestTimeoutMs: 200, headersTimeoutMs: 100 }, listener);
  const { socket, text } = open();
  const at = performance.now();
  socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx");
  await closed(socket);
  t.match(text(), /^HTTP\/1\.1 408 /u);
  const headers = open();
  headers.socket.write("GET / HTTP/1.1\r\n");
  await closed(headers.socket);
  t.match(headers.text(), /^HTTP\/1\.1 408 /u);
  t.ok(performance.now() - at < 10_000, "Node's own interval is 30 s");
  t.equal(responses.length, 1);
});
