/** What `npm run mutants` prints. Every function returns text without the last line break. */
import type { Mutant } from "../mutant.ts";
import type { Result, Run } from "./run-mutants.ts";

const MARK = { caught: "caught", survived: "SURVIVED", broken: "BROKEN" } as const;

export const listOf = (mutants: readonly Mutant[]): string =>
  [...mutants.map(({ id, file, does }) => `${id}\n  ${file}\n  ${does}`), `${mutants.length} in all`].join(
    "\n",
  );

export const progressOf = (result: Result, done: number, all: number): string =>
  `${String(done).padStart(4)}/${all} ${MARK[result.outcome].padEnd(8)} ${result.mutant.id} (${seconds(result.ms)} s)`;

/** One line for each bug, then what is left out, then the counts. */
export function tableOf({ results, leftOut }: Run, ms: number): string {
  const sorted = results.toSorted((one, other) => (one.mutant.id < other.mutant.id ? -1 : 1));
  const width = Math.max(0, ...sorted.map(({ mutant }) => mutant.id.length));
  const rows = sorted.map(({ mutant, outcome, by, says, ms: taken }) =>
    [mutant.id.padEnd(width), MARK[outcome].padEnd(8), seconds(taken).padStart(5), `${by}: ${says}`].join(
      "  ",
    ),
  );
  const count = (outcome: Result["outcome"]): number =>
    results.filter((one) => one.outcome === outcome).length;
  return [
    ...rows,
    "",
    ...(leftOut.length === 0 ? [] : [`left out: ${leftOut.map(({ id }) => id).join(", ")}`, ""]),
    `${results.length} planted bugs: ${count("caught")} caught, ${count("survived")} survived, ` +
      `${count("broken")} broken, ${leftOut.length} left out; ${seconds(ms)} s`,
  ].join("\n");
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
