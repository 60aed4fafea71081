/** The figures of the house as tables of Markdown. */
import { findProse } from "../prose.ts";
import type { Passage } from "../passages.ts";
import type { Measured } from "./measure.ts";

type Area = { readonly name: string; readonly files: RegExp };

const PRODUCT: Area = { name: "all but test and bench", files: /^(?:src|machines|config|nodes)\// };

/** In the order of the tables. */
const AREAS: readonly Area[] = [
  PRODUCT,
  ...["src/runtime", "src/services", "src/http", "src/adapters"].map(areaOf),
  ...["machines", "config", "nodes", "bench", "test"].map(areaOf),
];

const LONG_FUNCTION = 70;
const SHORT_FILE = 30;
const LONG_FILE = 400;
/** Groups of forbidden words that are counted, by the names of their rules. */
const GROUPS = ["indefinite people", "tell", "behind", "personal pronouns"];

function areaOf(folder: string): Area {
  return { name: folder, files: new RegExp(`^${folder}/`, "u") };
}

/** One row an area: sizes, long functions, comments, exports. */
export function sizesTable(measured: readonly Measured[]): string {
  const rows = AREAS.map(({ name, files }) => [
    name,
    ...sizesOf(measured.filter(({ file }) => files.test(file))),
  ]);
  return table(
    [
      "area",
      "files",
      "lines",
      "median",
      "max",
      `<${SHORT_FILE}`,
      `>${LONG_FILE}`,
      `functions >${LONG_FUNCTION} (share)`,
      "comment %",
      "file header %",
      "exports with doc %",
    ],
    rows,
  );
}

/** The functions that are too long, the longest first. */
export function longFunctions(measured: readonly Measured[]): string[] {
  return measured
    .flatMap(({ file, functions }) => functions.map((one) => ({ file, ...one })))
    .filter(({ file, lines }) => lines > LONG_FUNCTION && PRODUCT.files.test(file))
    .toSorted((one, other) => other.lines - one.lines)
    .map(({ file, name, lines }) => `${lines} lines: ${file}: ${name}`);
}

function sizesOf(measured: readonly Measured[]): string[] {
  const lines = measured.map((one) => one.lines);
  const functions = measured.flatMap((one) => one.functions);
  const long = functions.filter((one) => one.lines > LONG_FUNCTION).length;
  const total = sum(lines);
  return [
    String(measured.length),
    String(total),
    String(median(lines)),
    String(Math.max(0, ...lines)),
    String(lines.filter((count) => count < SHORT_FILE).length),
    String(lines.filter((count) => count > LONG_FILE).length),
    `${long} (${percent(long, functions.length)} %)`,
    percent(sum(measured.map((one) => one.commentLines)), sum(measured.map((one) => one.written))),
    percent(measured.filter((one) => one.hasHeader).length, measured.length, 0),
    percent(sum(measured.map((one) => one.documented)), sum(measured.map((one) => one.exports)), 0),
  ];
}

/** One row an area: the groups of forbidden words for 10 000 words of its comments, and its sentences. */
export function proseTable(passages: readonly Passage[]): string {
  const comments = passages.filter(({ kind }) => kind === "comment");
  const rows = AREAS.map(({ name, files }) => {
    const own = comments.filter(({ file }) => files.test(file));
    const words = sum(own.map(({ text }) => wordsIn(text)));
    const findings = findProse(own);
    const per10k = (rule: string): string => {
      const count = findings.filter((one) => one.rule === rule).length;
      return words === 0 ? "-" : ((count * 10_000) / words).toFixed(1);
    };
    const sentences = own.flatMap(({ text }) => sentencesIn(text)).map(wordsIn);
    return [name, String(words), ...GROUPS.map(per10k), String(median(sentences))];
  });
  return table(["area", "words", ...GROUPS, "median sentence (words)"], rows);
}

const wordsIn = (text: string): number => text.match(/[\p{L}][\p{L}\p{N}'-]*/gu)?.length ?? 0;

/** A sentence ends with a point before a space; a number of a list or a tag begins a new one. */
const sentencesIn = (text: string): string[] =>
  text.split(/(?<=[.!?])\s+|\n\s*\n|\n\s*(?=@|-\s)/u).filter((sentence) => wordsIn(sentence) > 1);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const percent = (part: number, whole: number, digits = 1): string =>
  whole === 0 ? "-" : ((100 * part) / whole).toFixed(digits);

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(heads), line(rule), ...rows.map(line)].join("\n");
}
