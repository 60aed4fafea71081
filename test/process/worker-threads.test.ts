/** The process notices the end of its workers' thread, whenever it comes. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";
import { stopping } from "../../src/runtime/limits.ts";

/** A thread that is waited for without an end is a failure, and no hanging test. */
const LIMIT_MS = 20_000;
const host = fileURLToPath(new URL("../support/programs/worker-host.ts", import.meta.url));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [host, ...args], {
    encoding: "utf8",
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
const stopTime = (stdout: string): number => Number(/stopped after (\d+) ms/u.exec(stdout)?.[1]);

t.test("a thread that ends before it has started fails the start, and the report names it", async (t) => {
  const { status, stderr } = run("early");
  t.equal(status, 1);
  t.match(stderr, /workers: their thread ended while it started/u);
});

t.test("a thread that ends by itself ends the process", async (t) => {
  const { status, stderr } = run("late");
  t.equal(status, 1);
  t.match(stderr, /workers: their thread has ended/u);
});

t.test("a fault of the thread ends the process", async (t) => {
  const { status, stderr } = run("faulty");
  t.equal(status, 1);
  t.match(stderr, /a fault of the thread/u);
});

t.test("a thread that ends at its stop is no fault", async (t) => {
  const { status, stdout, stderr } = run("obedient", "stop");
  t.equal(stderr, "");
  t.equal(status, 0);
  t.ok(stopTime(stdout) < stopping.workersMs, stdout);
});

t.test("a thread that hangs is abandoned within its time", async (t) => {
  const { status, stdout, stderr } = run("hanging", "stop");
  t.equal(stderr, "");
  t.equal(status, 0);
  t.ok(stopTime(stdout) < stopping.workersMs + 1_000, stdout);
});

t.test("a thread without a server is no fault, and another one may start", async (t) => {
  const { status, stdout, stderr } = run("away", "stop");
  t.equal(stderr, "");
  t.equal(status, 0);
  t.match(stdout, /again: workers: no server/u);
});
