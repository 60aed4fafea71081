/** Every arrow of the flowcharts has a row that names the test that walks it, and that test is there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

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

type Row = { readonly arrow: string; readonly test: string; readonly walkedAs: string };

function rows(page: string): Row[] {
  return page.split(/^## /mu).flatMap((section) => {
    const chart = section.split("\n", 1)[0] ?? "";
    return [
      ...section.matchAll(
        /^\| `(\w+) --> (\w+)` \| ([^|]*?) ?\| [^|]+ \| \[[^\]]+\]\(\.\.\/([^)]+)\) \| `(.*)` \|$/gmu,
      ),
    ].map(([, from = "", to = "", label = "", test = "", walkedAs = ""]) => ({
      arrow: named(chart, from, to, label),
      test,
      walkedAs: walkedAs.replaceAll(String.raw`\|`, "|"),
    }));
  });
}

const drawn = arrows(read("docs/flowcharts.md"));
const listed = rows(read("docs/flows.md"));

t.test("every arrow has one row, and every row its arrow", async (t) => {
  t.equal(drawn.length, 42);
  t.strictSame(listed.map(({ arrow }) => arrow).toSorted(), drawn.toSorted());
});

t.test("every row names a test that is there", async (t) => {
  for (const { arrow, test, walkedAs } of listed) {
    t.ok(read(test).includes(walkedAs), `${arrow}: ${test} has ${walkedAs}`);
    // What is walked names the arrow's ends, unless the title is put together of several texts.
    const [, from = "", to = ""] = /: (\w+) --> (\w+)/u.exec(arrow) ?? [];
    t.match(walkedAs, new RegExp(`\\b${from}\\b.*-->.*(\\b${to}\\b|\\$)`, "u"), arrow);
  }
});
