/** The outbox's file: locked, full, not writable, damaged. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import t from "tap";
import { sqliteOutbox } from "../../src/adapters/local/sqlite-outbox.ts";
import type { OutboxRow } from "../../src/runtime/ports.ts";
import { startNode } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

const row = (commit: string, payload = "{}"): OutboxRow => ({
  commit,
  messages: [{ subject: "orders.journal.1.a", payload }],
});

const writer = fileURLToPath(new URL("../support/programs/outbox-writing.ts", import.meta.url));

t.test("a second process cannot open the file, and is told in one line why", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const outbox = sqliteOutbox({ path });
  t.teardown(() => outbox.close());
  const second = spawnSync(process.execPath, [writer, path, "1"], { encoding: "utf8" });
  t.not(second.status, 0);
  t.match(second.stderr, /outbox\.db: another process has this outbox open/);
  outbox.write([row("still-works")]);
});

t.test("nor can this process open it twice", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const outbox = sqliteOutbox({ path });
  t.teardown(() => outbox.close());
  t.throws(() => sqliteOutbox({ path }), { name: "StoreUnavailable", message: /another process/ });
});

t.test("after kill -9 in the middle of writing, whole transactions are left over, in order", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const child = startNode(t, writer, [path, "1000000"]);
  await waitUntil("it has written", () => child.output().includes("written 50\n"), { intervalMs: 1 });
  await child.kill();
  const outbox = sqliteOutbox({ path });
  t.teardown(() => outbox.close());
  const commits = outbox.leftover();
  t.ok(commits.length >= 100, "what was written before the kill is there");
  t.equal(commits.length % 2, 0, "each transaction had two rows");
  t.strictSame(
    commits,
    commits.map((_, index) => `c-${index}`),
  );
  t.equal(outbox.depth(), commits.length);
});

t.test("a full disk is told, nothing is written, and it works again with room", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const small = sqliteOutbox({ path, maxPages: 20 });
  small.write([row("fits")]);
  t.throws(() => small.write([row("a"), row("large", "x".repeat(200_000))]), {
    name: "StoreUnavailable",
    message: /the disk is full/,
  });
  t.equal(small.depth(), 1);
  small.write([row("fits too")]);
  small.close();
  const outbox = sqliteOutbox({ path });
  t.teardown(() => outbox.close());
  outbox.write([row("large", "x".repeat(200_000))]);
  t.strictSame(outbox.leftover(), ["fits", "fits too", "large"]);
});

t.test("a folder that is missing is told", async (t) => {
  const path = join(t.testdir(), "missing", "outbox.db");
  t.throws(() => sqliteOutbox({ path }), { name: "StoreUnavailable", message: /folder/ });
});

t.test("a file that is no database is moved aside and said", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  writeFileSync(path, "this is no database, but it is long enough to be looked at ".repeat(100));
  const told: string[] = [];
  const outbox = sqliteOutbox({ path, onDamaged: (movedTo, reason) => told.push(movedTo, reason) });
  t.teardown(() => outbox.close());
  t.equal(told[0], `${path}.damaged`);
  t.match(told[1], /not a database/);
  t.ok(existsSync(`${path}.damaged`));
  outbox.write([row("a")]);
  t.equal(outbox.depth(), 1);
});

t.test("a file with damaged pages is moved aside and said", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const first = sqliteOutbox({ path });
  first.write(Array.from({ length: 200 }, (_, n) => row(`c-${n}`, "x".repeat(500))));
  first.close();
  const bytes = readFileSync(path);
  t.ok(bytes.length > 60_000, "the pages are in the file itself");
  bytes.fill(0xff, 8_192, 40_960);
  writeFileSync(path, bytes);
  const told: string[] = [];
  const outbox = sqliteOutbox({ path, onDamaged: (movedTo) => told.push(movedTo) });
  t.teardown(() => outbox.close());
  t.strictSame(told, [`${path}.damaged`]);
  t.strictSame(outbox.leftover(), []);
  outbox.write([row("a")]);
});

t.test("the write-ahead log stays small however much passes through", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  const outbox = sqliteOutbox({ path });
  t.teardown(() => outbox.close());
  for (let n = 0; n < 500; n++) {
    const rows = Array.from({ length: 64 }, (_, k) => row(`${n}-${k}`, "x".repeat(1_000)));
    outbox.write(rows);
    outbox.remove(rows.map(({ commit }) => commit));
  }
  t.equal(outbox.depth(), 0);
  t.ok(statSync(`${path}-wal`).size < 64 * 1024 * 1024);
  t.ok(statSync(path).size < 64 * 1024 * 1024);
});

t.test("it is in write-ahead mode", async (t) => {
  const path = join(t.testdir(), "outbox.db");
  sqliteOutbox({ path }).close();
  const database = new Database(path);
  t.teardown(() => database.close());
  t.equal(database.pragma("journal_mode", { simple: true }), "wal");
});
