/** Comments, texts and pages keep to the words of test/architecture/prose-rules.ts, except for the allowed counts. */
import t from "tap";
import { proseFindings } from "./house-findings.ts";
import { isAboutDocstrings } from "./docstrings.ts";
import { type Allowance, faultsIn, type Finding, readAllowances } from "./findings.ts";
import { findInvariants } from "./invariants.ts";
import { readParsed } from "./parsed.ts";
import { passageOfPage, passagesOf } from "./passages.ts";
import { findProse } from "./prose.ts";

const FIXTURE = "test/architecture/fixtures/prose.ts";
const [passages = []] = readParsed([FIXTURE], passagesOf);
const allowed = (count: number): Allowance[] => [{ file: "a.ts", rule: "tell", count, reason: "" }];
const brief = (findings: readonly Finding[]) =>
  findings.map(({ line, rule, found }) => `${line} ${rule}: ${found}`).toSorted();

t.test(
  "the checker finds forbidden words in comments and texts, and none in code, paths and queries",
  async (t) => {
    t.same(
      brief(findProse(passages)),
      [
        "15 give up: given up",
        "16 British spelling: authorised",
        "16 letter: letter",
        "18 give up: gives it up",
        "19 want: wants",
        "2 behind: behind",
        "2 indefinite people: Nobody",
        "2 tell: told",
        "25 long line: line 25",
        "3 floor: floor",
      ].toSorted(),
    );
  },
);

t.test("the checker finds an id that two comments define, and one that none defines", async (t) => {
  t.same(brief(findInvariants(passages)), [
    "11 invariant id twice: S1",
    "11 invariant id unknown: fixture.F2",
    "5 invariant id twice: S1",
  ]);
});

t.test("the checker reads pages without their code, and measures no tables, links and blocks", async (t) => {
  const long = "word ".repeat(30);
  const page = [
    "The owner tells it.",
    "```ts",
    "// nobody",
    "```",
    `| ${long} |`,
    `[link](https://example.com/${"a".repeat(120)}) \`nobody\``,
    long,
  ].join("\n");
  t.same(brief(findProse([passageOfPage("page.md", page)])), ["1 tell: tells", "7 long line: line 7"]);
});

t.test("an allowance fails above its count and below it", async (t) => {
  const finding: Finding = { file: "a.ts", line: 3, rule: "tell", found: "tells", instead: "reports" };
  t.same(faultsIn([finding], allowed(1)), []);
  t.same(faultsIn([finding], []), [
    { title: 'a.ts: 1 of "tell", 0 allowed', places: ['a.ts:3 "tells": reports'] },
  ]);
  t.match(faultsIn([finding], allowed(2)), [{ title: /lowers it/u }]);
  t.match(faultsIn([], allowed(1)), [{ title: /lowers it/u }]);
});

t.test("the project's prose has no forbidden word but those that are allowed", async (t) => {
  const allowances = readAllowances().filter(({ rule }) => !isAboutDocstrings(rule));
  for (const { title, places } of faultsIn(proseFindings(), allowances)) t.fail(title, { places });
  t.pass("all passages read");
});

t.test("every allowance says why it is left", async (t) => {
  t.same(
    readAllowances()
      .filter(({ reason }) => reason.trim() === "")
      .map(({ file, rule }) => `${file}: ${rule}`),
    [],
  );
});
