/** Thread: runs the seeds that its parent sends, and reports each. */
import { parentPort } from "node:worker_threads";
import { simulate, type SimulationRun } from "./simulate.ts";

/** What the parent sends. */
export type Work = { readonly seeds: readonly number[]; readonly lines: number; readonly twice: boolean };

parentPort?.on("message", (work: Work) => void serve(work));

async function serve({ seeds, lines, twice }: Work): Promise<void> {
  const runs: SimulationRun[] = [];
  for (const seed of seeds) runs.push(await runSeed(seed, lines, twice));
  parentPort?.postMessage(runs);
}

async function runSeed(seed: number, lines: number, twice: boolean): Promise<SimulationRun> {
  const run = await simulate(seed, lines);
  const again = twice ? await simulate(seed, lines) : run;
  // Only of a failure: they are long.
  const kept = { ...run, lines: run.violations.length > 0 ? run.lines : [] };
  if (again.digest === run.digest) return kept;
  return { ...kept, violations: [...run.violations, `two runs differ: ${run.digest}, ${again.digest}`] };
}
