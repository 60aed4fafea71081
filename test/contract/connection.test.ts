/** Which servers are accepted. */
import { subjects } from "../../src/services/subjects.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type AddressInfo, createServer } from "node:net";
import t, { type Test } from "tap";
import { connectNats, isAtLeast, type NatsSettings } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { freePorts } from "../support/cluster/free-ports.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { mustStore } from "./expect.ts";

const settings = (server: string, more: Partial<NatsSettings> = {}): NatsSettings => ({
  servers: [server],
  name: "test",
  connectTimeoutMs: 1_000,
  ...more,
});

/** A server that speaks just enough of the protocol to report its version. */
async function oldServer(t: Test, version: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const info = { server_id: "X", version, headers: true, max_payload: 1_048_576, jetstream: true };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => {
      for (const _ of String(data).matchAll(/PING\r\n/g)) socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test("versions are compared by their numbers", async (t) => {
  for (const version of ["2.14.9", "2.14.10", "2.15.0", "3.0.0", "2.15.1-RC.2"])
    t.ok(isAtLeast(version, "2.14.9"), version);
  for (const version of ["2.14.8", "2.9.10", "1.99.99", "2.14"])
    t.notOk(isAtLeast(version, "2.14.9"), version);
});

t.test("a server that is too old is refused in one line with its version and the remedy", async (t) => {
  const old = await oldServer(t, "2.9.10");
  await t.rejects(connectNats(settings(old)), {
    name: "ServerIncompatible",
    message: /^NATS server 2\.9\.10 at .* is too old: Orderly needs 2\.14\.9 or newer.*upgrade nats-server$/,
  });
});

t.test(
  "without a server the connection is refused in one line with the address, when the time is over",
  async (t) => {
    const [port] = await freePorts(1);
    await t.rejects(connectNats(settings(`127.0.0.1:${port}`)), {
      name: "ServerIncompatible",
      message: new RegExp(`^cannot connect to NATS at 127.0.0.1:${port}: .*start nats-server`),
    });
    for (const user of ["me:hunter2", "me:hunter2@/x", "hunter2"])
      await t.rejects(connectNats(settings(`nats://${user}@127.0.0.1:${port}`, { connectTimeoutMs: 1 })), {
        message: new RegExp(`^cannot connect to NATS at 127.0.0.1:${port}: `),
      });
  },
);

t.test("the connection waits for a server that starts a moment later", async (t) => {
  const [port] = await freePorts(1);
  const connecting = connectNats(settings(`127.0.0.1:${port}`, { connectTimeoutMs: 20_000 }));
  await startNatsServer(t, { port: port! });
  const link = await connecting;
  t.ok(link.connected());
  await link.close();
  t.notOk(link.connected());
});

t.test("a server without JetStream is refused with that reason", async (t) => {
  const server = await startNatsServer(t, {
    extraConfig:
      "accounts { A: { users: [{ user: a, password: a }] }, SYS: { users: [{ user: s, password: s }] } }\nsystem_account: SYS",
  });
  const asUser = { user: "a", password: "a" };
  await t.rejects(connectNats(settings(server.url, asUser)), {
    name: "ServerIncompatible",
    message: /JetStream/,
  });
  await t.rejects(connectNats(settings(server.url, { ...asUser, password: "b" })), {
    name: "ServerIncompatible",
    message: /cannot connect to NATS at .*[Aa]uthorization/,
  });
});

t.test(
  "a subject that the user's list lacks is refused at once and by name, not as a late answer",
  async (t) => {
    const user = nkeys.createUser();
    const server = await startNatsServer(t, {
      extraConfig: `authorization { users: [ { nkey: ${user.getPublicKey()}, permissions: {
      publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.>"], subscribe: ["_INBOX_me.>"] } } ] }`,
    });
    const seedFile = join(temporaryFolder(t), "me.nk");
    writeFileSync(seedFile, `${new TextDecoder().decode(user.getSeed())}\n`);
    const reasons: string[] = [];
    const onForbidden = (reason: string) => reasons.push(reason);
    const link = await connectNats(settings(server.url, { seedFile, inboxPrefix: "_INBOX_me", onForbidden }));
    t.teardown(() => link.close());
    t.equal(link.forbidden(), undefined);
    t.match(link.newInbox(), /^_INBOX_me\./u);
    const forbidden = "forbidden by the server: publish $JS.API.STREAM.CREATE.X";
    const startedAt = performance.now();
    await t.rejects(apiRequest(link, "STREAM.CREATE.X", {}, 20_000), {
      name: "Unavailable",
      message: forbidden,
    });
    t.ok(performance.now() - startedAt < 5_000);
    t.match(link.forbidden(), { reason: forbidden });
    link.nc.subscribe("cmd.1", { callback: () => {} });
    await waitUntil("both refusals are reported", () => reasons.length === 2);
    t.strictSame(reasons, [forbidden, "forbidden by the server: subscription cmd.1"]);
    await t.rejects(connectNats(settings(server.url)), {
      name: "ServerIncompatible",
      message: /Authorization.*ORDERLY_NATS_NKEY_SEED_FILE/u,
    });
    await t.rejects(connectNats(settings(server.url, { seedFile: "/nowhere/me.nk" })), {
      name: "ServerIncompatible",
      message: /^cannot log in to NATS: .*\/nowhere\/me\.nk/u,
    });
  },
);

t.test("an append ends when the connection does, not at its time limit", async (t) => {
  const server = await startNatsServer(t);
  const link = await connectNats(settings(server.url));
  t.teardown(() => link.close());
  await ensureStreams(link, { replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
  const journal = natsJournal(link, subjects.stream(0));
  const thaw = server.freeze();
  const message = { subject: "orders.journal.1.a", payload: "{}" };
  const startedAt = performance.now();
  const pending = journal.append([message, message], 60_000);
  await server.kill();
  t.equal((await pending).status, "unanswered");
  t.ok(performance.now() - startedAt < 10_000);
  t.equal((await journal.append([message], 60_000)).status, "unanswered", "at once, while disconnected");
  thaw();
  await server.restart();
  await waitUntil("reconnected", () => link.connected());
  await waitUntil(
    "it takes writes",
    async () => (await journal.append([message], 1_000)).status === "stored",
  );
});

t.test("a frozen server is noticed, and consumers continue when it resumes", async (t) => {
  const server = await startNatsServer(t);
  const link = await connectNats(settings(server.url));
  t.teardown(() => link.close());
  await ensureStreams(link, { replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
  const journal = natsJournal(link, subjects.stream(0));
  const got: string[] = [];
  const followed = await journal.consume({ filters: ["orders.inbox.>"], fromSequence: 1 }, (message) => {
    got.push(message.payload);
  });
  await mustStore(journal, [{ subject: "orders.inbox.1.a", payload: "1" }]);
  const thaw = server.freeze();
  // The signal needs some time: a message sent immediately may still be stored.
  await waitUntil("an append stays without an answer", async () => {
    const result = await journal.append([{ subject: "orders.inbox.1.a", payload: "2" }], 300);
    return result.status === "unanswered";
  });
  await waitUntil("it is noticed", () => !link.connected(), { timeoutMs: 20_000 });
  thaw();
  await waitUntil("it is back", () => link.connected());
  await waitUntil("it can be written", async () => {
    await mustStore(journal, [{ subject: "orders.inbox.1.a", payload: "3" }]);
    return true;
  });
  await waitUntil("the rest came", () => got.at(-1) === "3");
  // The unanswered one may have landed when the server continued, or not.
  const stored = await journal.readAll("orders.inbox.1.a");
  t.strictSame(
    got,
    stored.map((message) => message.payload),
  );
  await followed.stop();
});
