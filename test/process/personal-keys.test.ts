/** `personal-keys` on a real server: a rotation while documents stay readable, and files that cannot be used. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";
import { makeKeyFile, openMasterKeys } from "../../nodes/order/personal-keys.ts";
import { personalKeysBucket } from "../../nodes/order/streams.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import { SharedKeys } from "../../src/services/personal/shared-keys.ts";
import { KeyEntries } from "../../src/services/personal/key-entries.ts";
import { orderly } from "../support/cluster/local-cluster.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

t.test("a rotation: a new key in the file, every entry rewrapped, the old key not needed", async (t) => {
  const server = await startNatsServer(t);
  const link = await connectNats({ servers: [server.url], name: "keys", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  const definition = personalKeysBucket({ replicas: 1 });
  await ensureStream(link, definition);
  const path = join(temporaryFolder(t), "personal.key");
  makeKeyFile(path);
  const first = readFileSync(path, "utf8");
  makeKeyFile(path);
  t.equal(readFileSync(path, "utf8"), first, "a file that is there stays");
  t.equal(statSync(path).mode & 0o777, 0o600);
  const keysOf = (personalKeyFile: string) =>
    new SharedKeys(
      new KeyEntries(natsBucket(link, definition)),
      openMasterKeys({ personalKeyFile, development: false }),
      randomBytes,
    );
  const before = await keysOf(path).ofEntry("documents.2026");
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [orderly, "personal-keys", ...args], {
      env: { ...process.env, NATS_URL: server.url, ORDERLY_PERSONAL_KEY_FILE: path },
    });
    t.teardown(() => child.kill("SIGKILL"));
    const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, stdout, stderr };
  };
  t.match(await run("--help"), { code: 0, stdout: /^usage: .*rotate\|rewrap/u });
  t.match(await run("rotate", "twice"), { code: 2, stderr: /^usage/u });
  const old = (await run("list")).stdout.trim();
  t.match(await run("rotate"), { code: 0, stdout: /^new key [\w-]{8};/u });
  t.equal(statSync(path).mode & 0o777, 0o600);
  const [newest = "", ...others] = (await run("list")).stdout.trim().split("\n");
  t.same(others, [old]);
  t.match(await run("rewrap"), { code: 0, stdout: `1 entries, 1 rewrapped by ${newest}, 0 failed\n` });
  writeFileSync(path, `${readFileSync(path, "utf8").split("\n")[0]}\n`);
  t.ok((await keysOf(path).ofEntry("documents.2026")).equals(before), "the new key alone opens it");
  writeFileSync(path, first);
  t.match(await run("rewrap"), { code: 1, stdout: /1 failed/u, stderr: /documents\.2026: .*is wrapped by/u });
  writeFileSync(path, "no key\n");
  t.match(await run("rotate"), { code: 2, stderr: /is not 32 bytes in base64/u });
  t.equal(readFileSync(path, "utf8"), "no key\n", "a file that cannot be used is never extended");
});
