/** The pages lead somewhere: every link has its target, every word of the glossary has one meaning and its file. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = globSync(["*.md", "docs/**/*.md", "bench/*.md", "test/*.md", "examples/**/*.md"], {
  cwd: ROOT,
});
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Targets of the links of one page, as paths from the root; addresses and anchors are not among them. */
const linksOf = (path: string): string[] =>
  [...read(path).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/gu)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/u.test(target))
    .map((target) => join(dirname(path), target));

t.test("every link of a page has its target", async (t) => {
  t.ok(PAGES.length > 25, `${PAGES.length} pages`);
  for (const path of PAGES) {
    const broken = linksOf(path).filter((target) => !existsSync(join(ROOT, target)));
    t.same(broken, [], path);
  }
});

t.test("a word of the glossary has one row, and its file exists", async (t) => {
  const [words = ""] = read("docs/glossary.md").split("## Stored and public names");
  const rows = [...words.matchAll(/^\| (?!word|---)([^|]+) \| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$/gmu)].map(
    ([, word = "", meaning = "", , file = ""]) => ({ word, meaning, file }),
  );
  t.ok(rows.length > 100, `${rows.length} words`);
  const known = new Set<string>();
  for (const { word, meaning, file } of rows) {
    t.notOk(known.has(word), `${word} has one row`);
    known.add(word);
    t.match(meaning, /\.$/u, `${word} has a sentence`);
    t.ok(existsSync(join(ROOT, file)), `${word}: ${file}`);
  }
  t.equal(rows.length, words.split("\n").filter((line) => line.startsWith("| ")).length - headings(words));
});

/** Header rows: each table has one, and its line of dashes. */
const headings = (text: string): number => 2 * [...text.matchAll(/^\| word \|/gmu)].length;
