/** `npm run bench` as a process: its output, its refusals, and its end at an interrupt. */
import t from "tap";
import { childrenOf } from "../../bench/process-costs.ts";
import { orderly } from "../support/cluster/local-cluster.ts";
import { isAlive, startProcess } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

type Line = {
  readonly benchmark: string;
  readonly parameters: Record<string, unknown>;
  readonly metrics: Record<string, { readonly value: unknown; readonly unit: unknown }>;
  readonly machine: Record<string, unknown>;
};

const bench = (t: Parameters<typeof startProcess>[0], ...args: string[]) =>
  startProcess(t, process.execPath, [orderly, "bench", ...args]);

t.test(
  "a short run prints one line of JSON per result, with what it was measured on, and a table",
  async (t) => {
    const run = bench(t, "ceiling", "b", "--seconds=1", "--warmup=0", "--batches=8", "--callers=4");
    t.match(await run.ended, { code: 0 }, run.output().slice(-1000));
    const lines = run
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line);
    t.strictSame(
      lines.map(({ benchmark }) => benchmark),
      ["ceiling", "ceiling", "runtime", "runtime"],
    );
    for (const { metrics, machine, benchmark } of lines) {
      const rate = Number(metrics["commitRate"]?.value);
      t.ok(rate > 0, `${benchmark}: ${rate} commits/s`);
      const wrong = Object.entries(metrics).filter(
        ([, { value, unit }]) => typeof value !== "number" || typeof unit !== "string",
      );
      t.strictSame(wrong, [], "every metric is a number with a unit of measure");
      t.match(machine, { cores: Number, node: process.version, natsServer: /^2\./u, commit: String });
    }
    t.match(run.output(), /commitRate \[commits\/s\] /u, "the table");
  },
);

t.test("the command names an argument that it does not understand, and runs nothing", async (t) => {
  for (const [wrong, why] of [
    ["z", /no benchmark "z"/u],
    ["--callers=0", /--callers: "0"/u],
    ["--seconds=1e9", /--seconds/u],
    ["--fast", /--fast/u],
  ] as const) {
    const run = bench(t, wrong);
    t.match(await run.ended, { code: 2 });
    t.match(run.output(), why);
    t.match(run.output(), /usage: npm run bench/u);
  }
});

t.test("an interrupted run leaves no process", async (t) => {
  const run = bench(t, "b", "--seconds=600");
  await waitUntil(
    "it has started a nats-server",
    // The run, the server, and the process that ends the server; git and other commands come one by one.
    () =>
      run.output().includes("runtime: counter") &&
      (process.platform !== "linux" || descendantsOf(run.pid).length >= 3),
    { timeoutMs: 30_000 },
  );
  const started = descendantsOf(run.pid);
  run.send("SIGINT");
  t.match(await run.ended, { code: 130 });
  await waitUntil("all processes are gone", () => !started.some(isAlive));
});

/** None on systems that do not report them: then the test checks only the exit code. */
function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}
