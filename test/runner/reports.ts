/** What the run of the tests prints: for people, or in the Test Anything Protocol. */
import type { Phase } from "./phases.ts";
import { type Counts, failuresIn, inOneLine } from "./tap-output.ts";
import type { FileResult } from "./test-file.ts";

/** Each function returns lines. */
export type Report = {
  begin(files: number): readonly string[];
  phase(phase: Phase): readonly string[];
  file(result: FileResult, number: number): readonly string[];
  end(counts: Counts, results: readonly FileResult[], ms: number): readonly string[];
};

const SLOWEST = 10;
/** Of one file that failed, for people. */
const FAILURE_LINES = 200;

/** One line a file, and what failed in full. */
export const forPeople: Report = {
  begin: () => [],
  phase: ({ name, files, jobs }) => ["", `${name}: ${files.length} files, ${jobs} at a time`],
  file: (result) => [
    `${result.ok ? "ok    " : "FAILED"} ${seconds(result.ms).padStart(6)} s ${String(result.counts.total).padStart(5)}  ${result.file}`,
    ...(result.ok ? [] : failureOf(result)),
  ],
  end: (counts, results, ms) => {
    const failed = results.filter(({ ok }) => !ok);
    return [
      "",
      ...(failed.length === 0 ? [] : ["failed:", ...failed.map(({ file }) => `  ${file}`), ""]),
      "the slowest:",
      ...slowest(results).map((one) => `  ${seconds(one.ms).padStart(6)} s  ${one.file}`),
      "",
      inOneLine(counts),
      `# time=${Math.round(ms)}ms`,
    ];
  },
};

/** Version 14, a subtest for each file; what a file writes to standard error is a comment. */
export const inTap: Report = {
  begin: (files) => ["TAP version 14", `1..${files}`],
  phase: ({ name, files, jobs }) => [`# ${name}: ${files.length} files, ${jobs} at a time`],
  file: ({ file, output, errors, ok, reason, ms }, number) => [
    `# Subtest: ${file}`,
    ...linesOf(errors).map((line) => `    # ${line}`),
    ...linesOf(output).map((line) => `    ${line}`),
    `${ok ? "ok" : "not ok"} ${number} - ${file} # time=${Math.round(ms)}ms`,
    ...(reason === undefined ? [] : ["  ---", `  reason: ${JSON.stringify(reason)}`, "  ..."]),
    "",
  ],
  end: (counts, results, ms) => [
    ...slowest(results).map((one) => `# ${seconds(one.ms)} s: ${one.file}`),
    inOneLine(counts),
    `# time=${Math.round(ms)}ms`,
  ],
};

const failureOf = ({ reason, output, errors, file }: FileResult): string[] => {
  const lines = [...(reason === undefined ? [] : [reason]), ...failuresIn(output), ...linesOf(errors)];
  const more = lines.length - FAILURE_LINES;
  const rest = more > 0 ? [`... ${more} more lines: node orderly.mjs test ${file}`] : [];
  return [...lines.slice(0, FAILURE_LINES), ...rest].map((line) => `    ${line}`);
};

const slowest = (results: readonly FileResult[]): FileResult[] =>
  results.toSorted((one, other) => other.ms - one.ms).slice(0, SLOWEST);

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/u, "").split("\n"));

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
