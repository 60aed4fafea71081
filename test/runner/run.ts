/**
 * Process: `npm test`, without names of files. Runs every test file, phase after phase, and prints one summary.
 * `--reporter=tap` prints everything in the Test Anything Protocol. Exit code 0 when all passed, 1 when not, 130 after
 * Ctrl-C, which ends every file that is running.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Phase, phasesOf } from "./phases.ts";
import { forPeople, inTap } from "./reports.ts";
import { sumOf } from "./tap-output.ts";
import { type FileResult, startFile } from "./test-file.ts";

const INTERRUPTED = 130;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const report = process.argv.includes("--reporter=tap") ? inTap : forPeople;
const files = globSync("test/**/*.test.ts", { cwd: ROOT }).map((file) => file.replaceAll("\\", "/"));
const running = new Set<ReturnType<typeof startFile>>();
const results: FileResult[] = [];
const interruption = new AbortController();

const print = (lines: readonly string[]): void =>
  void process.stdout.write(lines.map((line) => `${line}\n`).join(""));

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    interruption.abort();
    for (const one of running) one.stop(`stopped by ${signal}`);
  });

const startedAt = performance.now();
print(report.begin(files.length));
for (const phase of phasesOf(files, availableParallelism())) {
  if (interruption.signal.aborted) break;
  print(report.phase(phase));
  await runPhase(phase);
}
const counts = sumOf(results.map((result) => result.counts));
print(report.end(counts, results, performance.now() - startedAt));
process.exitCode = interruption.signal.aborted ? INTERRUPTED : results.every(({ ok }) => ok) ? 0 : 1;

async function runPhase({ files: waiting, jobs }: Phase): Promise<void> {
  const queue = [...waiting];
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined && !interruption.signal.aborted; file = queue.shift())
      await runFile(file);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

async function runFile(file: string): Promise<void> {
  const started = startFile(file);
  running.add(started);
  const result = await started.ended;
  running.delete(started);
  results.push(result);
  print(report.file(result, results.length));
}
