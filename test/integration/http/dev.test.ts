/** The routes of a developer are there in development only, from this machine only, with their header only. */
import { createServer } from "node:http";
import t from "tap";
import { devSources } from "../../../nodes/order/dev-sources.ts";
import type { DevSources, DrillResult } from "../../../src/http/dev/dev-sources-port.ts";
import { startApp } from "../../support/http-services.ts";

const dev: DevSources = {
  mail: async () => Buffer.from('[{"to":"ada@example.com"}]'),
  ledger: async () => Buffer.from('{"entries":[]}'),
  parcels: async () => undefined,
  faults: async ({ forMs, mode }) => Buffer.from(JSON.stringify({ mode, forMs })),
};
const headers = { "x-orderly-dev": "1" };

t.test("a developer reads mails and books as the simulators answer them", async (t) => {
  const { app } = await startApp(t, { dev });
  const mail = await app.inject({ url: "/v1/dev/mail", headers });
  t.match(mail, { statusCode: 200, headers: { "cache-control": "no-store" } });
  t.strictSame(mail.json(), [{ to: "ada@example.com" }]);
  t.strictSame((await app.inject({ url: "/v1/dev/ledger", headers })).json(), { entries: [] });
  t.match((await app.inject({ url: "/v1/dev/parcels", headers })).json(), {
    status: 503,
    code: "unavailable",
  });
});

t.test("a drill is passed on to the launcher, and its result is answered", async (t) => {
  const asked: string[] = [];
  const results: Record<string, DrillResult> = {
    kill: { status: "done", node: "node-2", state: "ended", until: null },
    freeze: { status: "refused", state: "frozen" },
    resume: { status: "node_not_found" },
    start: { status: "failed" },
  };
  const drill = async (node: string, action: string): Promise<DrillResult> => {
    asked.push(`${action} ${node}`);
    return results[action] ?? { status: "failed" };
  };
  const { app } = await startApp(t, { dev: { ...dev, drill } });
  const post = async (action: string, sent: object = headers) =>
    (
      await app.inject({ method: "POST", url: `/v1/dev/nodes/node-2/${action}`, headers: { ...sent } })
    ).json();
  t.strictSame(await post("kill"), { node: "node-2", state: "ended", until: null });
  t.match(await post("freeze"), { status: 409, code: "refused", refusal: "node_frozen" });
  t.match(await post("resume"), { status: 404, code: "node_not_found" });
  t.match(await post("start"), { status: 503, code: "unavailable" });
  t.match(await post("explode"), { status: 404, code: "not_found" });
  t.match(await post("kill", {}), { status: 404, code: "not_found" }, "without the header");
  t.strictSame(asked, ["kill node-2", "freeze node-2", "resume node-2", "start node-2"]);
  const { app: alone } = await startApp(t, { dev });
  const none = await alone.inject({ method: "POST", url: "/v1/dev/nodes/node-2/kill", headers });
  t.equal(none.statusCode, 404, "without a launcher there is no such route");
});

t.test("the gateway simulator fails as a developer asks, for a minute or as long as asked", async (t) => {
  const { app } = await startApp(t, { dev });
  const url = "/v1/dev/gateway/faults";
  const post = async (payload: object, sent: object = headers) =>
    (await app.inject({ method: "POST", url, payload, headers: { ...sent } })).json();
  t.strictSame(await post({ mode: "errors" }), { mode: "errors", forMs: 60_000 });
  t.strictSame(await post({ mode: "slow", forMs: 5 }), { mode: "slow", forMs: 5 });
  t.match(await post({ mode: "explode" }), { status: 400 });
  t.match(await post({ mode: "errors", forMs: 600_001 }), { status: 400 });
  t.match(await post({ mode: "errors" }, {}), { status: 404, code: "not_found" });
});

t.test("elsewhere, outside development and without the header there are no such routes", async (t) => {
  const { app } = await startApp(t, { dev });
  const production = (await startApp(t, { dev, development: false })).app;
  const without = (await startApp(t)).app;
  const url = "/v1/dev/mail";
  const answers = [
    await app.inject({ url }),
    await app.inject({ url, headers: { "x-orderly-dev": "0" } }),
    await app.inject({ url, headers, remoteAddress: "10.0.0.7" }),
    await app.inject({ url, headers, remoteAddress: "::ffff:10.0.0.7" }),
    await production.inject({ url, headers }),
    await without.inject({ url, headers }),
  ];
  for (const answer of answers) t.match(answer.json(), { status: 404, code: "not_found" });
  for (const remoteAddress of ["::1", "::ffff:127.0.0.1", "127.9.9.9"])
    t.equal((await app.inject({ url, headers, remoteAddress })).statusCode, 200, remoteAddress);
});

t.test(
  "an answer that is too long, refused or missing is none, and there is no mail without a mailbox",
  async (t) => {
    let body: string | undefined = '{"entries":[]}';
    const server = createServer((_request, response) => {
      if (body === undefined) response.writeHead(500).end();
      else response.end(body);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    t.teardown(() => server.close());
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    const sources = devSources({ gatewayUrl: url, carrierUrl: "http://127.0.0.1:1", mailboxUrl: undefined });
    t.equal(sources.mail, undefined);
    t.equal((await sources.ledger())?.toString(), body);
    t.equal(await sources.parcels(), undefined);
    body = "x".repeat(9 * 1024 * 1024);
    t.equal(await sources.ledger(), undefined);
    body = undefined;
    t.equal(await sources.ledger(), undefined);
  },
);

t.test("the history of ownership is asked for since a moment, or for the last hour", async (t) => {
  const asked: number[] = [];
  const span = {
    partition: 3,
    node: "node-1",
    epoch: 7,
    from: "2026-11-22T10:00:00.000Z",
    to: null,
    gapMs: 30,
  };
  const ownerships = async (since: number) => {
    asked.push(since);
    return [span];
  };
  const { app } = await startApp(t, { ownerships, now: () => 10_000_000 });
  t.strictSame((await app.inject("/v1/cluster/history")).json(), [span]);
  await app.inject("/v1/cluster/history?since=2026-11-22T10:00:00.000Z");
  t.strictSame(asked, [6_400_000, Date.parse("2026-11-22T10:00:00.000Z")]);
  t.match((await app.inject("/v1/cluster/history?since=yesterday")).json(), { code: "validation_failed" });
});
