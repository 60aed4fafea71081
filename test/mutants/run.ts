/** Process: `npm run mutants`. Plants the bugs of the catalogue, and prints which are caught; see `--help`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { areas, mutants } from "./catalogue.ts";
import { compileMutants } from "./runner/compile.ts";
import { type Options, readOptions, usage } from "./runner/options.ts";
import { UnusableData } from "./runner/planting.ts";
import { listOf, progressOf, tableOf } from "./runner/report.ts";
import { runMutants } from "./runner/run-mutants.ts";
import { selected, spread } from "./runner/selection.ts";

const INTERRUPTED = 130;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const interruption = new AbortController();
const { signal } = interruption;

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interruption.abort());

const print = (text: string): void => void process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}\n`);
    return 2;
  }
  const chosen = selected(options.budgetMs === undefined ? mutants : spread(areas, seed()), options.only);
  if (options.help) print(usage);
  else if (options.list) print(listOf(chosen));
  else if (chosen.length === 0) return refuse(`no id begins with "${options.only}"`);
  else return await work(options, chosen);
  return 0;
}

async function work(options: Options, chosen: typeof mutants): Promise<number> {
  try {
    const failed = await (options.types ? compile(chosen) : plantAll(options, chosen));
    return signal.aborted ? INTERRUPTED : failed ? 1 : 0;
  } catch (error) {
    if (error instanceof UnusableData) return refuse(error.message);
    throw error;
  }
}

/** @returns whether a bug is not caught */
async function plantAll(options: Options, chosen: typeof mutants): Promise<boolean> {
  const startedAt = performance.now();
  const run = await runMutants(chosen, {
    jobs: options.jobs,
    signal,
    ...(options.budgetMs === undefined ? {} : { budgetMs: options.budgetMs }),
    onUnchanged: (file, done, all) => showProgress(`without a bug ${done}/${all}: ${file}`),
    onResult: (result, done, all) => showProgress(progressOf(result, done, all), result.outcome !== "caught"),
  });
  showProgress("");
  print(tableOf(run, performance.now() - startedAt));
  return run.results.length === 0 || run.results.some(({ outcome }) => outcome !== "caught");
}

/** @returns whether a bug does not compile */
async function compile(chosen: typeof mutants): Promise<boolean> {
  let done = 0;
  const rejected = await compileMutants(chosen, {
    signal,
    onGroup: (size) => showProgress(`compiled ${(done += size)}/${chosen.length}`),
  });
  showProgress("");
  for (const { mutant, errors } of rejected) print([mutant.id, ...errors].join("\n  "));
  print(`${chosen.length} planted bugs: ${rejected.length} do not compile`);
  return rejected.length > 0;
}

/** One line that changes, in a terminal; else a line each. `stays` keeps the line in a terminal as well. */
function showProgress(line: string, stays = false): void {
  if (!process.stdout.isTTY) {
    if (line !== "") print(line);
    return;
  }
  const width = process.stdout.columns;
  process.stdout.write(`\r\u001B[K${stays ? `${line}\n` : line.slice(0, width - 1)}`);
}

/** The sources that are changed: the same sources have the same selection. */
function seed(): string {
  const files = [...new Set(mutants.map(({ file }) => file))].toSorted();
  return files.map((file) => readFileSync(join(ROOT, file), "utf8")).join("\n");
}

function refuse(why: string): number {
  process.stderr.write(`${why}\n`);
  return 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
