/** Process: `npm run bench`. Runs the chosen benchmarks: JSON lines to standard output, the rest to standard error. */
import { runProcess } from "../nodes/process.ts";
import { ceiling } from "./ceiling.ts";
import { failover } from "./failover.ts";
import { lists } from "./lists.ts";
import { describeMachine } from "./machine.ts";
import { moreNodes } from "./more-nodes.ts";
import { CommandLineInvalid, type Options, optionsHelp, readCommandLine } from "./options.ts";
import { ordersOverHttp } from "./orders-over-http.ts";
import type { Part } from "./part.ts";
import { reservations } from "./reservations.ts";
import { type Result, tableOf } from "./result.ts";
import { runtime } from "./runtime.ts";
import { Stage } from "./stage.ts";
import { storedOrdersCost } from "./stored-orders-cost.ts";

const parts: readonly Part[] = [
  ceiling,
  runtime,
  ordersOverHttp,
  reservations,
  storedOrdersCost,
  failover,
  moreNodes,
  lists,
];

/** A cluster needs up to 10 s to stop; a frozen one is killed. */
const STOP_TIMEOUT_MS = 25_000;
const INTERRUPTED = 130;

const progress = (line: string) => process.stderr.write(`${line}\n`);

runProcess("bench", async (signal) => process.exit(await bench(signal)), { stopTimeoutMs: STOP_TIMEOUT_MS });

/** @returns the exit code */
async function bench(signal: AbortSignal): Promise<number> {
  let options: Options;
  let chosen: readonly Part[];
  try {
    options = readCommandLine(process.argv.slice(2));
    chosen = choose(options.parts);
  } catch (error) {
    if (!(error instanceof CommandLineInvalid)) throw error;
    progress(`${error.message}\n\n${usage()}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${usage()}\n`);
    return 0;
  }
  const machine = await describeMachine(progress);
  const results: Result[] = [];
  const report = (result: Result) => {
    results.push(result);
    process.stdout.write(`${JSON.stringify({ ...result, settings: options.set, machine })}\n`);
  };
  const stage = new Stage();
  const interrupted = new Promise<"interrupted">((resolve) => {
    signal.addEventListener("abort", () => resolve("interrupted"), { once: true });
  });
  let code = 0;
  for (const part of chosen) {
    const own = stage.inner();
    const ran = part.run({ options, stage: own, progress, report }).catch((error: unknown) => {
      // Work that was under way at an interruption fails because its processes have ended.
      if (signal.aborted) return;
      progress(
        `${part.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      code = 1;
    });
    if ((await Promise.race([ran, interrupted])) === "interrupted") {
      progress("interrupted: stopping what runs ...");
      code = INTERRUPTED;
      break;
    }
    // Otherwise the next benchmark would also measure what a failed one has left running.
    await own.end();
  }
  await stage.end();
  if (results.length > 0) progress(`\n${tableOf(results)}`);
  return code;
}

/** The benchmarks with these names; all when there are none. @throws CommandLineInvalid */
function choose(names: readonly string[]): readonly Part[] {
  if (names.length === 0) return parts;
  return names.map((name) => {
    const part = parts.find(({ letter, name: long }) => letter === name || long === name);
    if (part === undefined) throw new CommandLineInvalid(`there is no benchmark "${name}"`);
    return part;
  });
}

function usage(): string {
  return [
    "usage: npm run bench -- [benchmark ...] [options]",
    "",
    ...parts.map(({ letter, name, what }) => `  ${letter}, ${name.padEnd(18)} ${what}`),
    "",
    optionsHelp,
  ].join("\n");
}
