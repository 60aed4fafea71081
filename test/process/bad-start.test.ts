/** A node that cannot start reports in one line what is wrong and how to fix it, and ends with exit code 1. */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { locateNatsServer } from "../../nodes/local/nats-binary.ts";
import { listen } from "../support/cluster/free-ports.ts";
import { findPlace, isListening, orderly } from "../support/cluster/local-cluster.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { type Started, startNode, startProcess } from "../support/cluster/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const NODE = fileURLToPath(new URL("../../nodes/order-node.ts", import.meta.url));
const OLDEST_NODE = 26;
/** Some of these wait ten seconds for a server; the others need not wait for them. */
t.jobs = 3;

/** Starts an order node and waits for its end. */
async function startBadly(t: Test, env: Readonly<Record<string, string>>): Promise<string> {
  const { port, home, natsPort } = await findPlace(t, 1);
  const node = startNode(t, NODE, [], {
    env: {
      ORDERLY_NODE_ID: "node-1",
      ORDERLY_DEVELOPMENT: "true",
      ORDERLY_HTTP_PORT: String(port),
      ORDERLY_HOME: home,
      NATS_URL: `nats://127.0.0.1:${natsPort}`,
      ...env,
    },
  });
  const output = await failed(t, node);
  t.notOk(await isListening(port), "nothing listens");
  return output;
}

/** What a process wrote that had to end with exit code 1 and without a stack. */
async function failed(t: Test, process: Started): Promise<string> {
  t.same(await process.ended, { code: 1, signal: null });
  t.notMatch(process.output(), /^\s+at .*:\d+:\d+/mu, "no stack");
  return process.output().replace(/^\{[^\n]*"order node starts"\}\n/mu, "");
}

/** One line, and nothing before or after it but the line that names the node's program. */
const line = (text: RegExp) => new RegExp(String.raw`^orderly node: [^\n]*(?:${text.source})[^\n]*\n$`, "u");

t.test(
  "a node names a nats-server that is too old, and the version that it needs",
  { buffered: true },
  async (t) => {
    const info = {
      server_id: "OLD",
      server_name: "old",
      version: "2.9.10",
      proto: 1,
      headers: true,
      jetstream: true,
      max_payload: 1_048_576,
    };
    const server = createServer((socket) => {
      socket.on("error", () => {}).write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on("data", (data) => {
        for (const _ of data.toString().matchAll(/^PING\r?$/gmu)) socket.write("PONG\r\n");
      });
    });
    const { natsPort } = await findPlace(t, 1);
    await new Promise<void>((resolve) => server.listen(natsPort, "127.0.0.1", resolve));
    t.teardown(() => server.close());
    const output = await startBadly(t, { NATS_URL: `nats://127.0.0.1:${natsPort}` });
    t.match(output, line(/2\.9\.10 .*is too old: .*needs 2\.14\.9 or newer.*upgrade nats-server/u));
  },
);

t.test(
  "a node names a nats-server without JetStream, and the missing setting",
  { buffered: true },
  async (t) => {
    const { path } = await locateNatsServer();
    const { natsPort } = await findPlace(t, 1);
    startProcess(t, path, ["-a", "127.0.0.1", "-p", String(natsPort)]);
    await waitUntil("nats-server takes connections", () => isListening(natsPort));
    const output = await startBadly(t, { NATS_URL: `nats://127.0.0.1:${natsPort}` });
    t.match(output, line(/JetStream does not answer at .*enable it/u));
  },
);

t.test("a node names a nats-server that is not there", { buffered: true }, async (t) => {
  const output = await startBadly(t, {});
  t.match(output, line(/NATS.*127\.0\.0\.1:\d+/u));
});

t.test("a node names an SQLite file that another process has locked", { buffered: true }, async (t) => {
  const home = temporaryFolder(t);
  const database = new Database(join(home, "outbox.sqlite"));
  t.teardown(() => database.close());
  database.exec("CREATE TABLE mine (x); BEGIN EXCLUSIVE");
  const output = await startBadly(t, { ORDERLY_HOME: home });
  t.match(output, line(/outbox\.sqlite: another process has this outbox open; .*data folder of its own/u));
});

t.test("a node names a folder that it cannot create", { buffered: true }, async (t) => {
  const output = await startBadly(t, { ORDERLY_HOME: join(NODE, "below-a-file") });
  t.match(output, line(/below-a-file/u));
});

t.test("a node reports all settings that cannot be used together", { buffered: true }, async (t) => {
  const output = await startBadly(t, {
    ORDERLY_NODE_ID: "no spaces please",
    ORDERLY_HTTP_PORT: "eighty",
    ORDERLY_PARTITIONS: "0",
    ORDERLY_SMTP_URL: "mail",
  });
  t.equal(output.split("\n")[0], "orderly node: the settings cannot be used:");
  for (const variable of ["ORDERLY_NODE_ID", "ORDERLY_HTTP_PORT", "ORDERLY_PARTITIONS", "ORDERLY_SMTP_URL"])
    t.match(output, new RegExp(String.raw`\n  - ${variable} must [^\n]*, but is "`, "u"));
  t.equal(output.trim().split("\n").length, 5);
});

t.test(
  "a node reports settings that contradict each other, or are for development only",
  { buffered: true },
  async (t) => {
    const output = await startBadly(t, {
      ORDERLY_DEVELOPMENT: "false",
      ORDERLY_PRESENCE_TTL_MS: "3000",
      ORDERLY_PRESENCE_REFRESH_MS: "1000",
    });
    t.match(
      output,
      /ORDERLY_PRESENCE_REFRESH_MS \(1000\) must be below a third of ORDERLY_PRESENCE_TTL_MS \(3000\)/u,
    );
    t.match(output, /ORDERLY_IDEMPOTENCY_SECRET must be set to a secret of your own/u);
    t.match(output, /ORDERLY_WEBHOOK_SECRET must be set to a secret of your own/u);
    t.notMatch(output, /whsec_/u, "no secret is shown");
  },
);

t.test(
  "a node refuses other numbers of partitions or streams than those of the existing streams",
  { buffered: true },
  async (t) => {
    const nats = await startNatsServer(t);
    const { port, home } = await findPlace(t, 1);
    const env = { NATS_URL: nats.url, ORDERLY_PARTITIONS: "4" };
    const first = startNode(t, NODE, [], {
      env: {
        ...env,
        ORDERLY_NODE_ID: "node-1",
        ORDERLY_DEVELOPMENT: "true",
        ORDERLY_HTTP_PORT: String(port),
        ORDERLY_HOME: home,
      },
    });
    await waitUntil("the first node listens", () => isListening(port), { timeoutMs: 30_000 });
    await first.stop();
    const output = await startBadly(t, { ...env, ORDERLY_PARTITIONS: "8" });
    t.match(output, line(/number of partitions is "4", needed "8"/u));
    const divided = await startBadly(t, { ...env, ORDERLY_STREAMS: "2" });
    t.match(divided, line(/number of streams is "1", needed "2" \(ORDERLY_STREAMS\)/u));
  },
);

t.test("a node names an HTTP port that is taken", { buffered: true }, async (t) => {
  const nats = await startNatsServer(t);
  const { port, home } = await findPlace(t, 1);
  const server = await listen(port);
  t.teardown(() => server.close());
  const node = startNode(t, NODE, [], {
    env: {
      NATS_URL: nats.url,
      ORDERLY_NODE_ID: "node-1",
      ORDERLY_DEVELOPMENT: "true",
      ORDERLY_LOG_LEVEL: "silent",
      ORDERLY_HTTP_PORT: String(port),
      ORDERLY_HOME: home,
    },
  });
  t.match(await failed(t, node), line(new RegExp(`${port}.*choose another port`, "u")));
});

t.test(
  "an old Node without the pinned one beside it is refused before anything is loaded",
  { buffered: true },
  async (t) => {
    // As after an installation without optional dependencies.
    const folder = join(temporaryFolder(t), "orderly");
    mkdirSync(folder);
    const alone = join(folder, "orderly.mjs");
    copyFileSync(orderly, alone);
    const report = /^orderly: needs Node 26 or newer, this is v20\.\d+\.\d+, .*Fix: run "npm ci".*\n$/u;

    const pretend =
      "data:text/javascript," +
      'Object.defineProperty(process,"version",{value:"v20.1.2"});' +
      'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.2"}})';
    const pretending = startProcess(t, process.execPath, ["--import", pretend, alone, "start"]);
    t.match(await failed(t, pretending), report);

    for (const old of oldNodes()) {
      const real = startProcess(t, old, [alone, "start"]);
      t.match(
        await failed(t, real),
        /^orderly: needs Node 26 or newer, this is v\d+\.\d+\.\d+, .*npm ci.*\n$/u,
      );
    }
    t.same(readdirSync(folder), ["orderly.mjs"], "nothing was written");
  },
);

/** Nodes on the PATH that are too old; there may be none. */
function oldNodes(): string[] {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "node"))
    .filter((file) => existsSync(file))
    .filter(
      (file) =>
        Number(execFileSync(file, ["-p", "process.versions.node"]).toString().split(".")[0]) < OLDEST_NODE,
    );
}
