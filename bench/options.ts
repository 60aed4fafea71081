/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";

/** What counts as a done order: confirmed, or delivered with its invoice. */
export type Mode = "placed" | "completed";

/** The user's choices; undefined: the benchmark's default. */
export type Options = {
  /** Benchmarks, in the order given; empty: all. */
  readonly parts: readonly string[];
  readonly quick: boolean;
  readonly help: boolean;
  readonly callers: readonly number[] | undefined;
  readonly nodes: readonly number[] | undefined;
  readonly batches: readonly number[] | undefined;
  readonly orders: readonly number[] | undefined;
  readonly modes: readonly Mode[] | undefined;
  readonly seconds: number | undefined;
  readonly warmupSeconds: number | undefined;
  readonly kills: number | undefined;
  /** Variables for the processes that are measured. */
  readonly set: Readonly<Record<string, string>>;
};

/** Largest accepted values: every run ends, and no figure needs more. */
const MAX = { callers: 2_000, nodes: 8, batch: 400, orders: 2_000_000, seconds: 600, kills: 200 } as const;

/** The options in the text of `--help`. */
export const optionsHelp = `  --quick             shorter and fewer runs: all parts within about two minutes
  --callers=1,16,64   callers at work at the same time (all but a; e and f take the first), 1 to ${MAX.callers}
  --seconds=20        measured time of one run (all but f), 1 to ${MAX.seconds}
  --warmup=5          time before it, not measured, 0 to ${MAX.seconds}
  --modes=placed,completed   what c and g count
  --batches=1,8,64    commits in one batch (a), 1 to ${MAX.batch}
  --nodes=1,2,4       order nodes (g), 1 to ${MAX.nodes}
  --orders=1000,20000 stored orders (e, h), 1000 to ${MAX.orders}
  --kills=20          nodes to be killed (f), 1 to ${MAX.kills}
  --set=NAME=VALUE    a variable for the processes that are measured; may be repeated
  --help`;

/** The command line is invalid. The message says why. */
export class CommandLineInvalid extends Error {
  override readonly name = "CommandLineInvalid";
}

/** Parses the arguments. @throws CommandLineInvalid */
export function readCommandLine(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const list = (name: "callers" | "nodes" | "batches" | "orders", min: number, max: number) =>
    values[name]?.split(",").map((text) => wholeNumber(name, text, min, max));
  const one = (name: "seconds" | "warmup" | "kills", min: number, max: number) =>
    values[name] === undefined ? undefined : wholeNumber(name, values[name], min, max);
  return {
    parts: positionals,
    quick: values.quick,
    help: values.help,
    callers: list("callers", 1, MAX.callers),
    nodes: list("nodes", 1, MAX.nodes),
    batches: list("batches", 1, MAX.batch),
    orders: list("orders", 1_000, MAX.orders),
    modes: values.modes?.split(",").map(modeOf),
    seconds: one("seconds", 1, MAX.seconds),
    warmupSeconds: one("warmup", 0, MAX.seconds),
    kills: one("kills", 1, MAX.kills),
    set: Object.fromEntries((values.set ?? []).map(variableOf)),
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: flag,
        help: { ...flag, short: "h" },
        callers: text,
        nodes: text,
        batches: text,
        orders: text,
        modes: text,
        seconds: text,
        warmup: text,
        kills: text,
        set: { ...text, multiple: true },
      },
    });
  } catch (error) {
    throw new CommandLineInvalid(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CommandLineInvalid(`--${name}: "${text}" is not a whole number from ${min} to ${max}`);
}

function modeOf(text: string): Mode {
  if (text === "placed" || text === "completed") return text;
  throw new CommandLineInvalid(`--modes: "${text}" is neither placed nor completed`);
}

function variableOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new CommandLineInvalid(`--set: "${text}" is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}
