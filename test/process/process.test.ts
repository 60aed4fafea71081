/** The life of any of our processes: start, stop by signal, faults, and the parent that is watched. */
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { type Started, startNode } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

const FILE = fileURLToPath(new URL("../support/programs/fake-process.ts", import.meta.url));

async function started(t: Test, behavior: string, env: Record<string, string> = {}): Promise<Started> {
  const child = startNode(t, FILE, [behavior], { env });
  await waitUntil("the process has started", () => /start(ed|ing)/u.test(child.output()));
  return child;
}

for (const signal of ["SIGTERM", "SIGINT"] as const)
  t.test(`${signal} stops a process in order, once, with exit code 0`, async (t) => {
    const child = await started(t, "good");
    child.send(signal);
    t.same(await child.ended, { code: 0, signal: null });
    t.same(child.output().split("\n"), ["started", "stopping", "stopped", ""]);
  });

t.test("a second signal ends a stop that hangs, with exit code 1", async (t) => {
  const child = await started(t, "hang");
  child.send("SIGTERM");
  await waitUntil("the process stops", () => child.output().includes("stopping"));
  child.send("SIGTERM");
  t.equal((await child.ended).code, 1);
});

t.test("a stop that hangs ends within its bound, with exit code 1", async (t) => {
  const child = await started(t, "hang");
  const from = performance.now();
  child.send("SIGTERM");
  t.equal((await child.ended).code, 1);
  t.ok(performance.now() - from < 8000, "within 5 s and some");
  t.match(child.output(), /orderly fake: did not stop within 5 s of SIGTERM/u);
});

t.test("a stop that is asked for while it starts ends the start, with exit code 0", async (t) => {
  const child = await started(t, "slow-start");
  child.send("SIGTERM");
  t.same(await child.ended, { code: 0, signal: null });
});

t.test("a start that fails reports its reason in one line, with exit code 1", async (t) => {
  const child = startNode(t, FILE, ["refuse"]);
  t.equal((await child.ended).code, 1);
  t.equal(child.output(), "orderly fake: cannot start: set FAKE to something better\n");
});

t.test(
  "a process that cannot go on ends at once with its reason in one line, and without its stop",
  async (t) => {
    const child = startNode(t, FILE, ["cannot-go-on"]);
    t.equal((await child.ended).code, 1);
    t.match(child.output(), /^orderly fake: the log went back$/mu);
    t.notMatch(child.output(), /stopping/u);
  },
);

t.test("an unhandled rejection ends the process with its stack", async (t) => {
  const child = startNode(t, FILE, ["reject"]);
  t.equal((await child.ended).code, 1);
  t.match(child.output(), /fatal: Error: unhandled on purpose\n\s+at .*fake-process\.ts/u);
});

t.test("a process whose parent is watched stops when standard input closes", async (t) => {
  const child = await started(t, "good");
  child.closeStdin();
  t.equal((await child.ended).code, 0);
  t.match(child.output(), /stopped/u);
});

t.test("a process whose parent is not watched goes on when standard input closes", async (t) => {
  const child = await started(t, "good", { ORDERLY_PARENT: "" });
  child.closeStdin();
  const other = await started(t, "good");
  other.closeStdin();
  await other.ended;
  t.ok(child.running());
});
