/** The command `npm run sim`: runs many seeds on all cores, and prints what they met. docs/simulation.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { HELP, type Options, readOptions } from "./options.ts";
import { addRun, addTotals, noTotals, tableOf, type Totals } from "./report.ts";
import { simulate, type SimulationRun } from "./simulate.ts";
import type { Work } from "./thread.ts";

/** Seeds that a thread gets at once. */
const SEEDS_AT_ONCE = 5;
const PROGRESS_EVERY_MS = 10_000;
/** A thread that needs longer for its seeds is in an endless loop: one seed takes less than a second. */
const THREAD_LIMIT_MS = 300_000;
/** Failures whose traces are printed; the others are listed. */
const TRACES_MAX = 3;

type Stored = Totals & { readonly tookMs: number };

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.sum.length > 0) return addUp(options.sum);
  const begun = performance.now();
  const totals = options.single ? await runSingle(options) : await runMany(options, begun);
  const tookMs = performance.now() - begun;
  process.stdout.write(`${tableOf(totals, tookMs)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ ...totals, tookMs }));
  for (const { seed, violations } of totals.failures)
    process.stdout.write(`failed: seed ${seed}: ${violations[0]}\n  replay: ${replayOf(seed)}\n`);
  return totals.failures.length > 0 ? 1 : 0;
}

const replayOf = (seed: number): string => `npm run sim -- --seed ${seed} --trace`;

function addUp(files: readonly string[]): number {
  const totals = noTotals();
  let tookMs = 0;
  for (const file of files) {
    const stored = JSON.parse(readFileSync(file, "utf8")) as Stored;
    addTotals(totals, stored);
    tookMs += stored.tookMs;
  }
  process.stdout.write(`${tableOf(totals, tookMs)}\n`);
  for (const { seed, violations } of totals.failures)
    process.stdout.write(`seed ${seed}: ${violations[0]}\n`);
  return totals.failures.length > 0 ? 1 : 0;
}

async function runSingle({ from, lines, trace, twice }: Options): Promise<Totals> {
  const totals = noTotals();
  const run = await simulate(from, lines);
  const again = twice ? await simulate(from, lines) : run;
  if (trace || run.violations.length > 0) printTrace(run);
  process.stdout.write(`seed ${from}: digest ${run.digest}\n`);
  addRun(totals, run);
  if (again.digest !== run.digest)
    totals.failures.push({ seed: from, violations: [`two runs differ: ${run.digest}, ${again.digest}`] });
  return totals;
}

function printTrace({ seed, lines, violations }: SimulationRun): void {
  process.stdout.write(
    `-- seed ${seed}, the newest lines of its trace: virtual ms, node or place, what happened\n`,
  );
  process.stdout.write(`${lines.join("\n")}\n`);
  for (const violation of violations) process.stdout.write(`violated: ${violation}\n`);
  process.stdout.write(`replay: ${replayOf(seed)}\n`);
}

async function runMany(options: Options, begun: number): Promise<Totals> {
  const { from, jobs, limitMs, lines, seeds, twice, untilFailure } = options;
  const totals = noTotals();
  let next = from;
  let shownAt = begun;
  const take = (): number[] => {
    if (performance.now() - begun > limitMs) return [];
    if (untilFailure && totals.failures.length > 0) return [];
    const first = next;
    next = Math.min(first + SEEDS_AT_ONCE, from + seeds);
    return Array.from({ length: next - first }, (_, i) => first + i);
  };
  const collect = (run: SimulationRun): void => {
    addRun(totals, run);
    if (run.violations.length > 0 && totals.failures.length <= TRACES_MAX) printTrace(run);
    if (performance.now() - shownAt < PROGRESS_EVERY_MS) return;
    shownAt = performance.now();
    const seconds = Math.round((shownAt - begun) / 1000);
    process.stderr.write(
      `${seconds} s: ${totals.seeds} of ${seeds} seeds, ${totals.failures.length} failed\n`,
    );
  };
  await Promise.all(
    Array.from({ length: jobs }, () => runThread(() => ({ seeds: take(), lines, twice }), collect)),
  );
  totals.failures.sort((a, b) => a.seed - b.seed);
  return totals;
}

/** Resolves when no seed is left. */
async function runThread(work: () => Work, collect: (run: SimulationRun) => void): Promise<void> {
  const thread = new Worker(new URL("./thread.ts", import.meta.url));
  let answer = Promise.withResolvers<SimulationRun[]>();
  thread.on("message", (runs: SimulationRun[]) => answer.resolve(runs));
  thread.on("error", (error) => answer.reject(error));
  thread.on("exit", (code) => answer.reject(new Error(`a thread ended with ${code}`)));
  try {
    for (let next = work(); next.seeds.length > 0; next = work()) {
      answer = Promise.withResolvers();
      thread.postMessage(next);
      const { reject } = answer;
      const late = new Error(`seeds ${next.seeds.join(", ")}: not ended after ${THREAD_LIMIT_MS / 1000} s`);
      const limit = setTimeout(reject, THREAD_LIMIT_MS, late);
      for (const run of await answer.promise.finally(() => clearTimeout(limit))) collect(run);
    }
  } finally {
    answer.promise.catch(() => {});
    await thread.terminate();
  }
}

process.exitCode = await main();
