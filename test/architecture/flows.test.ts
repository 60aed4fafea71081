/**
 * Every arrow of the flowcharts has a row that names the test that walks it, and that test is there: the text of the
 * row is in the title of a test that runs, it has the arrow itself, and every label of the arrow is walked by some
 * title.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { readTitles } from "./titles.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** `Order Creation: D5 --> D1 (Authorized)` */
const named = (chart: string, from: string, to: string, label: string): string =>
  `${chart}: ${from} --> ${to}${label === "" ? "" : ` (${label})`}`;

const NODE = String.raw`(\w+)(?:\[[^\]]*\]|\{[^}]*\}|\(\[[^)]*\]\))?`;
const LABEL = String.raw`(?:\|\s*"?([^|"]*)"?\s*\|)?`;
const ARROW = new RegExp(String.raw`^\s*${NODE}\s*-->\s*${LABEL}\s*${NODE}\s*$`, "u");

/** Arrows by their names; a line with an arrow that cannot be read is a fault. */
function arrows(page: string): string[] {
  const found: string[] = [];
  for (const [, chart = "", body = ""] of page.matchAll(/^## ([^\n]+)\n+```mermaid\n([^]*?)^```$/gmu)) {
    for (const line of body.split("\n").filter((one) => one.includes("-->"))) {
      const [, from = "", label = "", to = ""] = ARROW.exec(line) ?? [];
      if (from === "") throw new Error(`unreadable arrow: ${line}`);
      found.push(named(chart, from, to, label.replaceAll("<br/>", "")));
    }
  }
  return found;
}

type Row = {
  readonly arrow: string;
  readonly from: string;
  readonly to: string;
  /** `Credit`, `Debit`, `Tokenized`; none for an arrow without a label. */
  readonly labels: readonly string[];
  readonly test: string;
  readonly walkedAs: string;
};

function rows(page: string): Row[] {
  return page.split(/^## /mu).flatMap((section) => {
    const chart = section.split("\n", 1)[0] ?? "";
    return [
      ...section.matchAll(
        /^\| `(\w+) --> (\w+)` \| ([^|]*?) ?\| [^|]+ \| \[[^\]]+\]\(\.\.\/([^)]+)\) \| `(.*)` \|$/gmu,
      ),
    ].map(([, from = "", to = "", label = "", test = "", walkedAs = ""]) => ({
      arrow: named(chart, from, to, label),
      from,
      to,
      labels: label === "" ? [] : label.split("/"),
      test,
      walkedAs: walkedAs.replaceAll(String.raw`\|`, "|"),
    }));
  });
}

type Walked = { readonly from: string; readonly to: string; readonly label: string };

/** The arrows in a title, each with its two ends: `A --> B -->|"Out of Stock"| C` has two. */
function walk(title: string): Walked[] {
  return [...title.matchAll(/\b(\w+) -->(?:\|"([^"]+)"\|)? (?=(\w+)\b)/gu)].map(
    ([, from = "", label = "", to = ""]) => ({ from, to, label }),
  );
}

const drawn = arrows(read("docs/flowcharts.md"));
const listed = rows(read("docs/flows.md"));

t.test("the reader of titles skips what is not a test that runs", async (t) => {
  const fixture = "test/architecture/fixtures/titles.ts";
  t.strictSame(readTitles([fixture]).get(fixture), [
    "start: A --> B (one)",
    "inner",
    "start: B --> C (two)",
    "inner",
    "tok is paid",
    "handed on",
  ]);
});

t.test("a title walks the arrows that it writes, and no others", async (t) => {
  t.strictSame(walk('A --> A1; B -->|"Out of Stock"| C --> D: 409 and so on'), [
    { from: "A", to: "A1", label: "" },
    { from: "B", to: "C", label: "Out of Stock" },
    { from: "C", to: "D", label: "" },
  ]);
});

t.test("every arrow has one row, and every row its arrow", async (t) => {
  t.equal(drawn.length, 54);
  t.strictSame(listed.map(({ arrow }) => arrow).toSorted(), drawn.toSorted());
});

t.test("every row names a test that runs, and walks its arrow under every label", async (t) => {
  const titles = readTitles([...new Set(listed.map(({ test }) => test))]);
  for (const { arrow, from, to, labels, test, walkedAs } of listed) {
    const found = titles.get(test) ?? [];
    t.ok(
      found.some((title) => title.includes(walkedAs)),
      `${arrow}: ${test} runs ${walkedAs}`,
    );
    const walks = (title: string, label: string): boolean =>
      walk(title).some((one) => one.from === from && one.to === to && one.label === label);
    for (const label of labels.length === 0 ? [""] : labels)
      t.ok(
        found.some((title) => walks(title, label)),
        `${arrow}: ${test} walks it as ${label}`,
      );
    t.ok(
      (labels.length === 0 ? [""] : labels).some((label) => walks(walkedAs, label)),
      `${arrow} is in ${walkedAs}`,
    );
  }
});
