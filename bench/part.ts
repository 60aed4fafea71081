/** What every benchmark is given, and what it is. */
import type { Options } from "./options.ts";
import type { Result } from "./result.ts";
import type { Stage } from "./stage.ts";

export type PartContext = {
  readonly options: Options;
  /** Ends with the part, however it ends. */
  readonly stage: Stage;
  /** Progress, one line each; for people. */
  readonly progress: (line: string) => void;
  /** One measured line. */
  readonly report: (result: Result) => void;
};

export type Part = {
  readonly letter: string;
  readonly name: string;
  /** One line for `--help`. */
  readonly what: string;
  /** @throws Error when something was not as it must be: such a run has no figures */
  run(context: PartContext): Promise<void>;
};
