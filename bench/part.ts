/** The interface of a benchmark. */
import type { Options } from "./options.ts";
import type { Result } from "./result.ts";
import type { Stage } from "./stage.ts";

/** What a benchmark receives. */
export type PartContext = {
  readonly options: Options;
  /** Ends with the part, however it ends. */
  readonly stage: Stage;
  /** Progress, one line each; for people. */
  readonly progress: (line: string) => void;
  /** One measured line. */
  readonly report: (result: Result) => void;
};

/** One benchmark. */
export type Part = {
  readonly letter: string;
  readonly name: string;
  /** One line for `--help`. */
  readonly what: string;
  /** @throws Error when a result is wrong: such a run has no figures */
  run(context: PartContext): Promise<void>;
};
