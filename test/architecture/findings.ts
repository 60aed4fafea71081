/**
 * What the tests of prose and docstrings find, and how much of it is allowed. An allowance can only fall: a count above
 * it fails the test, and so does a count below it, until `npm run check:house -- --allow` has lowered it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Finding = {
  /** From the project's root. */
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  /** The words as they are written, or the name of an export. */
  readonly found: string;
  /** What to write in its place. */
  readonly instead: string;
};

export type Allowance = {
  readonly file: string;
  readonly rule: string;
  readonly count: number;
  /** Why it stays. Empty: it does not, its file is still to be rewritten. */
  readonly reason: string;
};

const FILE = fileURLToPath(new URL("allowances.json", import.meta.url));

/** In the order of the file. @throws when the file is missing or no JSON */
export function readAllowances(): Allowance[] {
  return JSON.parse(readFileSync(FILE, "utf8")) as Allowance[];
}

/** Replaces the file by the counts of today; reasons stay with their file and rule. Returns how many rows it has. */
export function writeAllowances(findings: readonly Finding[]): number {
  const before = readAllowances();
  const rows = countsOf(findings).map(({ file, rule, count }) => {
    const reason = before.find((one) => one.file === file && one.rule === rule)?.reason ?? "";
    return JSON.stringify({ file, rule, count, reason });
  });
  writeFileSync(FILE, rows.length === 0 ? "[]\n" : `[\n  ${rows.join(",\n  ")}\n]\n`);
  return rows.length;
}

export type Fault = {
  readonly title: string;
  /** What was found, and what to write instead. */
  readonly places: readonly string[];
};

/** One fault for each file and rule whose count is not the allowed one. */
export function faultsIn(findings: readonly Finding[], allowances: readonly Allowance[]): Fault[] {
  const counts = countsOf(findings);
  const allowedOf = new Map(allowances.map(({ file, rule, count }) => [keyOf({ file, rule }), count]));
  const countOf = new Map(counts.map(({ file, rule, count }) => [keyOf({ file, rule }), count]));
  const above = counts.flatMap(({ file, rule, count, those }) => {
    const allowed = allowedOf.get(keyOf({ file, rule })) ?? 0;
    if (count <= allowed) return [];
    const places = those.map(({ line, found, instead }) => `${file}:${line} "${found}": ${instead}`);
    return [{ title: `${file}: ${count} of "${rule}", ${allowed} allowed`, places }];
  });
  const below = allowances.flatMap(({ file, rule, count: allowed }) => {
    const count = countOf.get(keyOf({ file, rule })) ?? 0;
    if (count >= allowed) return [];
    const title = `${file}: ${count} of "${rule}", ${allowed} allowed: npm run check:house -- --allow lowers it`;
    return [{ title, places: [] }];
  });
  return [...above, ...below];
}

const SEPARATOR = "\n";

const keyOf = ({ file, rule }: Pick<Finding, "file" | "rule">): string => file + SEPARATOR + rule;

function countsOf(findings: readonly Finding[]) {
  const byPlace = Map.groupBy(findings, keyOf);
  return [...byPlace.entries()]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([place, those]) => {
      const [file = "", rule = ""] = place.split(SEPARATOR);
      return { file, rule, count: those.length, those };
    });
}
