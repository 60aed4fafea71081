/** Streams of one order over HTTP, on services in memory: positions, slow clients, limits, the end of the node. */
import { connect } from "node:net";
import fastify from "fastify";
import t, { type Test } from "tap";
import { EventStreams } from "../../../src/http/live/event-stream.ts";
import { httpLimits } from "../../../src/http/protocol/limits.ts";
import type { ClusterNode } from "../../../src/http/operations/operations-port.ts";
import type {
  CommitListener,
  LiveOrders,
  OrderCommit,
  OrdersListener,
} from "../../../src/services/live/contract.ts";
import { openEvents, untilEvents } from "../../support/clients/event-client.ts";
import { order, startApp } from "../../support/http-services.ts";
import { quietNode } from "../../support/quiet-cluster.ts";
import { waitUntil } from "../../support/wait-until.ts";

const commit = (sequence: number, reason = ""): OrderCommit => ({
  item: {
    version: sequence,
    sequence,
    at: "2026-11-22T10:00:00.000Z",
    input: "start",
    actor: { kind: "anonymous", id: null },
    transitions: [],
    sent: [],
    events: [],
    effects: { opened: [], closed: [] },
    timers: { armed: [], cancelled: [] },
    node: "node-1",
    epoch: 1,
    reason,
  },
  order: { ...order, version: sequence },
});

/** Orders whose commits the test makes. */
function followed(positionGone = false) {
  const asked: [string, number | undefined][] = [];
  const listeners = new Set<CommitListener>();
  let stopped = 0;
  const live: LiveOrders = {
    follow: async (id, after) => {
      if (id === "ord_none") return { status: "not_found" };
      asked.push([id, after]);
      let own: CommitListener | undefined;
      return {
        status: "found",
        positionGone,
        begin: (listener) => listeners.add((own = listener)),
        stop: () => {
          if (own === undefined || !listeners.delete(own)) return;
          stopped++;
        },
      };
    },
  };
  const commits = (one: OrderCommit) => {
    for (const listener of listeners) listener.commit(one);
  };
  return { live, asked, commits, listeners, stopped: () => stopped };
}

async function listening(t: Test, live: LiveOrders, isolated: () => string | undefined = () => undefined) {
  const { app } = await startApp(t, {
    live,
    operations: {
      isolation: isolated,
      health: () => ({ ready: true, checks: [] }),
      cluster: async () => ({ nodes: [], partitions: [], workers: [] }),
      metrics: () => "",
    },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, url: `${url}/v1/orders/ord_1/stream`, base: url };
}

t.test("each commit is one event with its sequence, as it comes", async (t) => {
  const { live, asked, commits, stopped } = followed();
  const { url } = await listening(t, live);
  const client = await openEvents(t, url);
  await waitUntil("the client knows when to come again", () => /^retry: \d{4}\n\n/u.test(client.text()));
  commits(commit(7));
  commits(commit(9));
  const events = await untilEvents(client, 2);
  t.strictSame(
    events,
    [7, 9].map((id) => ({ event: "record", id: `${id}`, data: commit(id) })),
  );
  t.strictSame(asked, [["ord_1", undefined]]);
  client.close();
  await waitUntil("its order is not followed any more", () => stopped() === 1);
});

t.test("a client resumes with the header or the query; the header wins", async (t) => {
  const { live, asked } = followed();
  const { url } = await listening(t, live);
  await openEvents(t, `${url}?after=4`);
  await openEvents(t, `${url}?after=4`, { "last-event-id": "12" });
  t.strictSame(asked, [
    ["ord_1", 4],
    ["ord_1", 12],
  ]);
  for (const query of ["after=", "after=-1", "after=x", "after=1.5", "before=3"]) {
    const refused = await fetch(`${url}?${query}`);
    t.equal(refused.status, 400, query);
    t.match(await refused.json(), { code: "validation_failed" });
  }
  t.equal((await fetch(url, { headers: { "last-event-id": "1.2" } })).status, 400);
  t.equal(asked.length, 2);
});

t.test("an order that does not exist, and a position that the journal does not have", async (t) => {
  const { live, commits } = followed(true);
  const { base, url } = await listening(t, live);
  const none = await fetch(`${base}/v1/orders/ord_none/stream`);
  t.equal(none.status, 404);
  t.match(await none.json(), { code: "order_not_found" });
  const client = await openEvents(t, url, { "last-event-id": "999" });
  commits(commit(3));
  t.match(await untilEvents(client, 2), [
    { event: "reset", data: { why: "position_gone" } },
    { event: "record", id: "3" },
  ]);
});

t.test("its headers keep it out of caches and buffers, and HEAD has no stream", async (t) => {
  const { live } = followed();
  const { url } = await listening(t, live);
  const abort = new AbortController();
  const { headers } = await fetch(url, { signal: abort.signal });
  abort.abort();
  t.equal(headers.get("content-type"), "text/event-stream; charset=utf-8");
  t.equal(headers.get("cache-control"), "no-store, no-transform");
  t.equal(headers.get("x-accel-buffering"), "no");
  t.equal(headers.get("connection"), "close");
  t.equal(headers.get("x-content-type-options"), "nosniff");
  t.ok(headers.get("x-request-id"));
  t.equal((await fetch(url, { method: "HEAD" })).status, 405);
});

t.test("a client that does not read is cut, and holds a bounded amount", async (t) => {
  const { live, listeners, stopped } = followed();
  const { app, base } = await listening(t, live);
  const address = app.server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const socket = connect({ port, host: "127.0.0.1" });
  t.teardown(() => socket.destroy());
  const read: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => read.push(chunk));
  socket.write(`GET /v1/orders/ord_1/stream HTTP/1.1\r\nHost: ${new URL(base).host}\r\n\r\n`);
  await waitUntil("the stream is open", () => listeners.size === 1 && read.length > 0);
  socket.pause();
  let sent = 0;
  while (listeners.size > 0 && sent < 10_000) {
    for (const listener of listeners) listener.commit(commit(++sent, "x".repeat(4096)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(stopped(), 1, "the order is not followed any more");
  t.ok(sent < 5000, `${sent} events of 4 KiB were taken: the system's own buffers and 256 KiB`);
  socket.resume();
  await waitUntil("the connection ends", () => socket.closed || socket.readableEnded);
  const text = Buffer.concat(read).toString("utf8");
  if (text.includes("event: reset")) t.match(text, /event: reset\ndata: \{"why":"too_slow"\}/u);
  t.notMatch(text, new RegExp(`id: ${sent + 1}\\n`, "u"));
});

t.test("a node has a limited number of streams", async (t) => {
  const { live, listeners } = followed();
  const { url } = await listening(t, live);
  const clients = [];
  for (let n = 0; n < httpLimits.streams.open; n++) clients.push(await openEvents(t, url));
  const refused = await fetch(url);
  t.equal(refused.status, 503);
  t.equal(refused.headers.get("retry-after"), "5");
  t.match(await refused.json(), { code: "too_many_streams" });
  clients[0]?.close();
  await waitUntil("one has ended", () => listeners.size === httpLimits.streams.open - 1);
  t.ok(await openEvents(t, url));
});

t.test("a closing node says so on each stream, and its close does not wait for the clients", async (t) => {
  const { live, listeners } = followed();
  const { app, url } = await listening(t, live);
  const clients = [await openEvents(t, url), await openEvents(t, url)];
  const begun = performance.now();
  await app.close();
  t.ok(performance.now() - begun < 3000);
  for (const client of clients) {
    await waitUntil("the stream has ended", () => client.ended());
    t.match(client.events, [{ event: "bye", data: { why: "closing" } }]);
  }
  t.equal(listeners.size, 0);
});

t.test("a stream that cannot go on ends, and the client may ask again", async (t) => {
  const { live, listeners } = followed();
  const { url } = await listening(t, live);
  const client = await openEvents(t, url);
  for (const listener of listeners) listener.ended("no server");
  await waitUntil("the stream has ended", () => client.ended());
  t.match(client.events, [{ event: "bye", data: { why: "unavailable" } }]);
});

t.test("comments keep connections alive, and the streams of an isolated node end", async (t) => {
  let isolated: string | undefined;
  const app = fastify();
  t.teardown(() => app.close());
  const streams = new EventStreams(app, { isolation: () => isolated }, 50);
  app.get("/", async (_request, reply) => {
    streams.begin(reply, () => undefined);
    return reply;
  });
  const client = await openEvents(t, await app.listen({ host: "127.0.0.1", port: 0 }));
  await waitUntil("comments come", () => /\n\n:\n\n:\n\n/u.test(client.text()));
  t.strictSame(client.events, []);
  isolated = "no server";
  await waitUntil("the stream has ended", () => client.ended());
  t.match(client.events, [{ event: "bye", data: { why: "isolated" } }]);
  t.equal(streams.hasRoom(), true);
});

/** An app whose topics the test feeds. */
async function withTopics(t: Test) {
  const { live, commits, listeners } = followed();
  const rows = new Set<OrdersListener>();
  const from: (string | undefined)[] = [];
  const view: { nodes: ClusterNode[]; partitions: []; workers: [] } = {
    nodes: [],
    partitions: [],
    workers: [],
  };
  const { app } = await startApp(t, {
    live,
    liveList: {
      follow: (after, listener) => {
        from.push(after);
        rows.add(listener);
        return () => rows.delete(listener);
      },
    },
    development: false,
    operations: {
      isolation: () => undefined,
      health: () => ({ ready: true, checks: [] }),
      cluster: async () => structuredClone(view),
      metrics: () => "",
    },
  });
  const url = `${await app.listen({ host: "127.0.0.1", port: 0 })}/v1/stream`;
  return { url, commits, listeners, rows, from, view };
}

const asOf = { sequence: 12, at: "2026-11-22T10:00:00.000Z", behindMs: 0 };

t.test("topics share a stream, and its ids have the position of each", async (t) => {
  const { commits, from, listeners, rows, url } = await withTopics(t);
  const client = await openEvents(t, `${url}?topics=orders,order:ord_1`);
  await waitUntil("both are followed", () => rows.size === 1 && listeners.size === 1);
  for (const row of rows) row.counted({ counts: [{ key: "confirmed", value: 1 }], asOf, position: "12" });
  commits(commit(9));
  for (const row of rows) row.changed({ items: [], more: true, position: "14", asOf });
  t.match(await untilEvents(client, 3), [
    {
      event: "counts",
      id: undefined,
      data: { by: "status", counts: [{ key: "confirmed", value: 1 }], asOf },
    },
    { event: "record", id: "12~9", data: commit(9) },
    { event: "rows", id: "14~9", data: { items: [], more: true, asOf } },
  ]);
  t.strictSame(from, [undefined]);
  client.close();
  await waitUntil("nothing is followed any more", () => rows.size === 0 && listeners.size === 0);
});

t.test("a client resumes all topics with an id, or with one position", async (t) => {
  const { from, url } = await withTopics(t);
  await openEvents(t, `${url}?topics=order:ord_1,orders`, { "last-event-id": "9~0.14,1.3" });
  await openEvents(t, `${url}?topics=orders&after=7`);
  await waitUntil("both are followed", () => from.length === 2);
  t.strictSame(from, ["0.14,1.3", "7"]);
  for (const query of [
    "",
    "topics=",
    "topics=all",
    "topics=orders,",
    "topics=orders&after=x",
    "topics=order:x",
  ])
    t.equal((await fetch(`${url}?${query}`)).status, 400, query);
});

t.test("the cluster is sent when it has changed, without process ids outside development", async (t) => {
  const { url, view } = await withTopics(t);
  const node = {
    id: "one",
    startedAt: "2026-11-22T10:00:00.000Z",
    roles: [],
    partitions: [],
    outboxDepth: 0,
    clockOffsetMs: 0,
    ...quietNode,
    url: "http://127.0.0.1:1",
    pid: 7,
  };
  view.nodes.push(node);
  const client = await openEvents(t, `${url}?topics=cluster,messages`);
  await untilEvents(client, 2);
  view.nodes[0] = { ...node, clockOffsetMs: 3, outboxDepth: 1 };
  await new Promise((resolve) => setTimeout(resolve, 1200));
  t.equal(client.events.length, 2, "measures alone are not passed on at once");
  view.nodes[0] = node;
  view.nodes.push({ ...node, id: "two" });
  const events = await untilEvents(client, 3);
  const { pid: _, ...shown } = node;
  t.strictSame(
    events.filter(({ event }) => event === "cluster").map(({ data }) => (data as { nodes: unknown }).nodes),
    [[shown], [shown, { ...shown, id: "two" }]],
  );
  t.match(
    events.filter(({ event }) => event === "messages"),
    [{ data: { workers: [] } }],
  );
});

t.test("an order that does not exist does not end the other topics", async (t) => {
  const { rows, url } = await withTopics(t);
  const client = await openEvents(t, `${url}?topics=orders,order:ord_none`);
  t.match(await untilEvents(client, 1), [{ event: "reset", data: { why: "order_not_found" } }]);
  for (const row of rows) row.counted({ counts: [], asOf, position: "3" });
  t.match(await untilEvents(client, 2), [{}, { event: "counts", id: "3~0" }]);
});

t.test("a client that has gone before its stream begins is not followed", async (t) => {
  const gate = Promise.withResolvers<void>();
  const { live, listeners, stopped } = followed();
  let asked = 0;
  const { app, base } = await listening(t, {
    follow: async (...how) => {
      asked++;
      await gate.promise;
      return await live.follow(...how);
    },
  });
  const address = app.server.address();
  const socket = connect({
    port: typeof address === "object" && address ? address.port : 0,
    host: "127.0.0.1",
  });
  t.teardown(() => socket.destroy());
  const connected = new Promise((resolve) =>
    app.server.once("connection", (one) => one.once("close", resolve)),
  );
  socket.write(`GET /v1/orders/ord_1/stream HTTP/1.1\r\nHost: ${new URL(base).host}\r\n\r\n`);
  await waitUntil("the order is looked for", () => asked === 1);
  socket.destroy();
  await connected;
  gate.resolve();
  await app.close();
  t.equal(stopped(), 0, "it was never begun");
  t.equal(listeners.size, 0);
});
