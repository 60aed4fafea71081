/** What a test file's output in the Test Anything Protocol says: its counts, and its failures. */

export type Counts = {
  readonly total: number;
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
  readonly todo: number;
};

/** Counts of no tests. */
export const NONE: Counts = { total: 0, pass: 0, fail: 0, skip: 0, todo: 0 };

const KINDS = ["total", "pass", "fail", "skip", "todo"] as const;

/** From the line that tap ends with: `# { total: 51, pass: 49, fail: 2 }`. Undefined when there is none. */
export function countsIn(output: string): Counts | undefined {
  const line = output.split("\n").findLast((one) => /^# \{ total: \d/u.test(one));
  return line === undefined
    ? undefined
    : countsOf((kind) => Number(line.match(` ${kind}: (\\d+)`)?.[1] ?? 0));
}

/** Of several files together. */
export const sumOf = (all: readonly Counts[]): Counts =>
  countsOf((kind) => all.reduce((sum, counts) => sum + counts[kind], 0));

/** As tap writes them; kinds that are zero are left out. */
export function inOneLine(counts: Counts): string {
  const parts = KINDS.filter((kind) => kind === "total" || counts[kind] > 0);
  return `# { ${parts.map((kind) => `${kind}: ${counts[kind]}`).join(", ")} }`;
}

/** Lines of the tests that failed, each with its diagnostics. */
export function failuresIn(output: string): string[] {
  const failures: string[] = [];
  let state: "passing" | "failed" | "diagnostics" = "passing";
  for (const line of output.split("\n")) {
    if (/^ *not ok /u.test(line) && !/# (?:TODO|SKIP)/iu.test(line)) state = "failed";
    else if (state === "failed") state = /^ *---/u.test(line) ? "diagnostics" : "passing";
    if (state !== "passing") failures.push(line);
    if (state === "diagnostics" && /^ *\.\.\.$/u.test(line)) state = "passing";
  }
  return failures;
}

function countsOf(count: (kind: (typeof KINDS)[number]) => number): Counts {
  const [total, pass, fail, skip, todo] = [
    count("total"),
    count("pass"),
    count("fail"),
    count("skip"),
    count("todo"),
  ];
  return { total, pass, fail, skip, todo };
}
