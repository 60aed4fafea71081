/** The command line of the simulation. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** What the command does, as `--help` shows it. */
export const HELP = `Simulates whole clusters with orders, one for each seed, and checks them after every stored message.

  npm run sim -- --seeds 2000            seeds 1 to 2000
  npm run sim -- --seed 7 --trace        seed 7 alone, with its trace

  --seeds N     number of seeds (100)
  --from S      the first seed (1)
  --seed S      this seed alone
  --jobs N      threads (one for each core)
  --until-failure   no new seed after the first one that fails
  --minutes M   no new seed after M minutes
  --trace       prints the trace of a single seed, also when it does not fail
  --lines N     lines of a trace that are printed (120)
  --twice       runs each seed twice, and compares the two runs
  --json FILE   writes the sums, for "--sum"
  --sum FILES   adds up the files of earlier runs, and prints the table
  --help        this text
`;

/** The options, checked. */
export type Options = {
  readonly from: number;
  readonly seeds: number;
  readonly single: boolean;
  readonly jobs: number;
  readonly limitMs: number;
  readonly trace: boolean;
  readonly lines: number;
  readonly twice: boolean;
  readonly untilFailure: boolean;
  readonly json: string | undefined;
  readonly sum: readonly string[];
};

/** Reads the arguments. @returns undefined when help was asked for @throws TypeError, RangeError */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      seed: { type: "string" },
      jobs: { type: "string" },
      minutes: { type: "string" },
      trace: { type: "boolean", default: false },
      lines: { type: "string" },
      "until-failure": { type: "boolean", default: false },
      twice: { type: "boolean", default: false },
      json: { type: "string" },
      sum: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const single = values.seed !== undefined;
  const seeds = single ? 1 : wholeNumber("--seeds", values.seeds, 100);
  const jobs = wholeNumber("--jobs", values.jobs, availableParallelism());
  return {
    from: wholeNumber(single ? "--seed" : "--from", values.seed ?? values.from, 1),
    seeds,
    single,
    jobs: Math.max(1, Math.min(jobs, seeds)),
    limitMs: wholeNumber("--minutes", values.minutes, Number.MAX_SAFE_INTEGER / 60_000) * 60_000,
    trace: values.trace,
    lines: wholeNumber("--lines", values.lines, 120),
    twice: values.twice,
    untilFailure: values["until-failure"],
    json: values.json,
    sum: values.sum ? positionals : [],
  };
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  const number = text === undefined ? Math.floor(otherwise) : Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new RangeError(`${name} ${text}: use a whole number`);
  return number;
}
