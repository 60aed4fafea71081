/** The command line of `npm run mutants`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export type Options = {
  readonly help: boolean;
  readonly list: boolean;
  readonly types: boolean;
  /** An id, or the beginning of one. */
  readonly only: string | undefined;
  readonly jobs: number;
  readonly budgetMs: number | undefined;
};

export const usage = `usage: npm run mutants [-- options]

Plants one bug after another in a copy of the sources, and runs the tests that must catch it. First those tests run
without any bug, and must pass. Exit code 0 when every bug is caught; 1 for a survivor, for a bug that no assertion
fails for, or for data that does not fit the sources; 130 after Ctrl-C.

  --only ID        the bugs whose id is this or begins so: "relay", "relay-shortened-batch"
  --jobs N         bugs at a time, each in a copy of its own; one per processor by default
  --budget-s N     as many bugs as there is time for, spread over all areas; prints what is left out
  --types          compiles the sources with each bug instead: a bug that the compiler finds needs no test
  --list           prints the bugs, and plants none
  --help           prints this`;

/** @throws Error with one sentence for an option that does not exist, or a number that is none */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      list: { type: "boolean", default: false },
      types: { type: "boolean", default: false },
      only: { type: "string" },
      jobs: { type: "string", default: String(availableParallelism()) },
      "budget-s": { type: "string" },
    },
  });
  const budget = values["budget-s"];
  return {
    help: values.help,
    list: values.list,
    types: values.types,
    only: values.only,
    jobs: positive("--jobs", values.jobs),
    budgetMs: budget === undefined ? undefined : positive("--budget-s", budget) * 1000,
  };
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/u.test(text))
    throw new Error(`${name} needs a whole number above zero, not "${text}"`);
  return Number(text);
}
