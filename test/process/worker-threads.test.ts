/** The process notices the end of a worker's thread, whenever it comes. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";

const host = fileURLToPath(new URL("../support/programs/worker-host.ts", import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [host, ...args], { encoding: "utf8" });

t.test("a thread that ends before it has started fails the start, and the report names it", async (t) => {
  const { status, stderr } = run("early");
  t.equal(status, 1);
  t.match(stderr, /email worker: its thread ended while it started/u);
});

t.test("a thread that ends by itself ends the process", async (t) => {
  const { status, stderr } = run("late");
  t.equal(status, 1);
  t.match(stderr, /email worker: its thread has ended/u);
});

t.test("a thread that ends at its stop is no fault", async (t) => {
  const { status, stdout, stderr } = run("obedient", "stop");
  t.equal(stderr, "");
  t.equal(status, 0);
  t.equal(stdout, "stopped\n");
});
