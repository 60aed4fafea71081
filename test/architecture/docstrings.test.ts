/** Every export of src, machines, config and nodes says what it is, except for the allowed counts. */
import t from "tap";
import { docstringFindings } from "./house-findings.ts";
import { findDocstrings, isAboutDocstrings, startsWithSentence } from "./docstrings.ts";
import { faultsIn, readAllowances } from "./findings.ts";
import { readParsed } from "./parsed.ts";

t.test("the checker finds exports without a docstring, and docstrings without a sentence", async (t) => {
  const [found = []] = readParsed(["test/architecture/fixtures/prose.ts"], findDocstrings);
  t.same(
    found.map(({ line, rule, found }) => `${line} ${rule}: ${found}`),
    [
      "17 export without docstring: titles",
      "23 export without docstring: expression",
      "25 export without docstring: address",
      "28 docstring without a sentence: greet",
      "35 export without docstring: Undocumented",
    ],
  );
});

t.test("a docstring starts with a sentence", async (t) => {
  for (const good of [
    "Ends it.",
    "`null` when there is none.\n@throws StoreError",
    "Two lines,\none sentence.",
  ])
    t.ok(startsWithSentence(good), good);
  for (const bad of ["", "@param path absolute", "ends it.", "No end", "@returns Nothing. At all."])
    t.notOk(startsWithSentence(bad), bad);
});

t.test("every export has a docstring, except for those that are allowed to have none", async (t) => {
  const allowances = readAllowances().filter(({ rule }) => isAboutDocstrings(rule));
  for (const { title, places } of faultsIn(docstringFindings(), allowances)) t.fail(title, { places });
  t.pass("all exports read");
});
