/** The packed library in an empty folder: both examples run from there, and go on after a `kill -9`. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { freePorts } from "../support/cluster/free-ports.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { type Started, startProcess } from "../support/cluster/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACK_TIMEOUT_MS = 120_000;

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = startProcess(t, command, args, { cwd });
  await waitUntil(`${command} ${args[0]} ends`, () => !child.running(), { timeoutMs: PACK_TIMEOUT_MS });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${child.output()}`);
  return child.output();
}

/** An empty folder with the packed library and its dependencies, which are linked so that no network is needed. */
async function installed(): Promise<string> {
  const folder = temporaryFolder(t);
  await run(process.execPath, [join(ROOT, "nodes/package/packing.mjs"), folder], ROOT);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  await run("tar", ["xzf", join(folder, tarball ?? "none"), "-C", modules], folder);
  cpSync(join(modules, "package"), join(modules, "orderly"), { recursive: true });
  for (const name of ["@nats-io", "better-sqlite3", "xstate"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  cpSync(join(modules, "orderly/examples"), join(folder, "examples"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  return folder;
}

const folder = await installed();
const server = await startNatsServer(t);

function start(example: string, env: Readonly<Record<string, string>> = {}): Started {
  return startProcess(t, process.execPath, [`examples/${example}/main.ts`], {
    cwd: folder,
    env: { NATS_URL: server.url, ...env },
  });
}

const says = (host: Started, text: RegExp): Promise<true> =>
  waitUntil(`the example says ${text}`, () => text.test(host.output()), { timeoutMs: 60_000 });

t.test("a turnstile goes on with its call and its timer after its process was killed", async (t) => {
  const env = { CHECK_MS: "500", LOCK_AFTER_MS: "3000" };
  // Killed before the terminal answers.
  const first = start("turnstile", { ...env, CHECK_MS: "60000" });
  await says(first, /gate-1 is locked: 0 coins, 0 passages/);
  first.write("push");
  await says(first, /push: illegal/);
  first.write("coin");
  await says(first, /checking a coin/);
  const key = /checking a coin \((.*)\)/.exec(first.output())?.[1] ?? "none";
  await first.kill();
  const second = start("turnstile", env);
  await says(second, /checking a coin/);
  t.ok(second.output().includes(key), "the call that the killed process had begun, under its key");
  await waitUntil("the turnstile has unlocked, and locked by itself", async () => {
    second.write("");
    return /is unlocked: 1 coins[\s\S]*is locked: 1 coins/.test(second.output());
  });
  await second.kill();
  const third = start("turnstile", env);
  await says(third, /gate-1 is locked: 1 coins, 0 passages/);
  third.closeStdin();
  t.match(await third.ended, { code: 0 });
});

t.test("a booking's card is charged once, and its deadline passes while no process runs", async (t) => {
  const env = { CHARGE_MS: "8000", HOLD_MS: "6000" };
  const first = start("booking", env);
  await says(first, /bookings are open/);
  first.write("book 12A");
  await says(first, /12A held/);
  first.write("pay 12A");
  await says(first, /charging 2500 cents/);
  await waitUntil("the terminal has stored the charge", () =>
    readdirSync(join(folder, ".orderly/booking/terminal")).some((name) => name.endsWith(".json")),
  );
  await first.kill();
  const second = start("booking", env);
  await says(second, /bookings are open/);
  await waitUntil("the booking is confirmed", () => {
    second.write("show 12A");
    return /12A confirmed, charge-2500/.test(second.output());
  });
  t.notMatch(second.output(), /charging/, "the terminal was asked, and not charged again");
  second.write("book 12B");
  await says(second, /12B held/);
  await second.kill();
  const third = start("booking", env);
  await waitUntil("the deadline has passed", () => {
    third.write("show 12B");
    return /12B released, not paid in time/.test(third.output());
  });
  third.closeStdin();
  t.match(await third.ended, { code: 0 });
});

t.test("without a server the example ends with one line that says what to do", async (t) => {
  const [port] = await freePorts(1);
  const host = start("booking", { NATS_URL: `nats://127.0.0.1:${port}` });
  await waitUntil("the example has ended", () => !host.running(), { timeoutMs: 60_000 });
  t.match(host.output(), /CannotHost: cannot host: cannot connect to NATS.*start nats-server/);
});

t.test("the packed library depends on what it imports, and on nothing else", async (t) => {
  const text = readFileSync(join(folder, "node_modules/orderly/package.json"), "utf8");
  const manifest = JSON.parse(text) as { dependencies: Record<string, string> };
  t.same(Object.keys(manifest.dependencies), ["@nats-io/transport-node", "better-sqlite3", "xstate"]);
});

t.test("a turnstile is hosted in fewer than 60 lines of the user's own", async (t) => {
  t.ok(readFileSync(join(ROOT, "examples/turnstile/main.ts"), "utf8").split("\n").length < 60);
});
