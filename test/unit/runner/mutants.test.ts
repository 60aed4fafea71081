/** The runner of planted bugs knows a caught one from a survivor, and from one for which nothing is known. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Mutant } from "../../mutants/mutant.ts";
import { groupsOf } from "../../mutants/runner/compile.ts";
import { FailureReader } from "../../mutants/runner/failures.ts";
import { readOptions } from "../../mutants/runner/options.ts";
import { copyProject, planted } from "../../mutants/runner/planting.ts";
import { tableOf } from "../../mutants/runner/report.ts";
import { runMutants, type RunOptions } from "../../mutants/runner/run-mutants.ts";
import { selected, spread } from "../../mutants/runner/selection.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FIXTURES = join(ROOT, "test/mutants/fixtures");

const mutant = (id: string, find: string, replace: string, ...tests: string[]): Mutant => ({
  id,
  does: `It is ${id}.`,
  file: "limit.ts",
  find,
  replace,
  tests: tests.length === 0 ? ["limit-checks.ts"] : tests,
});

const caught = mutant("caught", "value <= limit", "value < limit");
const survivor = mutant("survivor", "left > 0", "left > 1");
const syntax = mutant("syntax", "value <= limit", "value <= <= limit");
const endless = mutant("endless", "left--", "left++", "countdown-checks.ts");

const run = (mutants: readonly Mutant[], options: Partial<RunOptions> = {}) =>
  runMutants(mutants, { jobs: 2, root: FIXTURES, ...options });

// The runner's own folder is in the temporary folder: here one that shows what is left.
const temporary = temporaryFolder(t);
process.env["TMPDIR"] = temporary;
const whatIsLeft = (): string[] =>
  readdirSync(temporary).filter((name) => name.startsWith("orderly-mutants-"));

function titleIn(...lines: string[]): string | undefined {
  const reader = new FailureReader();
  reader.read(`${lines.join("\n")}\n`);
  return reader.title;
}

const area = (name: string, size: number): Mutant[] =>
  Array.from({ length: size }, (_, index) => mutant(`${name}-${index}`, "a", "b"));

t.test("a bug is caught by the first test that fails, and one that no test fails for survives", async (t) => {
  const { results, leftOut } = await run([caught, survivor]);
  t.same(leftOut, []);
  t.match(Object.fromEntries(results.map((result) => [result.mutant.id, result])), {
    caught: { outcome: "caught", by: "limit-checks.ts", says: "a value at the limit is within it" },
    survivor: { outcome: "survived" },
  });
  t.match(readFileSync(join(FIXTURES, "limit.ts"), "utf8"), "value <= limit", "the source is as it was");
  t.same(whatIsLeft(), []);
});

t.test(
  "the next file is asked when the first one passes, and the source is restored between bugs",
  async (t) => {
    const both = { ...survivor, tests: ["limit-checks.ts", "countdown-checks.ts"] };
    const { results } = await run([caught, both, { ...survivor, id: "alone" }], { jobs: 1 });
    t.same(
      results.map(({ outcome, by }) => [outcome, by]),
      [
        ["caught", "limit-checks.ts"],
        ["caught", "countdown-checks.ts"],
        ["survived", "limit-checks.ts"],
      ],
    );
  },
);

t.test("a bug for which a file cannot be loaded or does not end is broken, and not caught", async (t) => {
  const { results } = await run([syntax]);
  t.match(results, [{ outcome: "broken", says: /exit code 1: .*SyntaxError/u }]);
  const { results: ended } = await run([endless], { limitMs: 1500 });
  t.match(ended, [{ outcome: "broken", says: "no test has failed within 1.5 s" }]);
});

t.test("a text that occurs twice or never is an error that names the bug and the file", async (t) => {
  await t.rejects(run([mutant("twice", "limit", "bound")]), {
    message: /twice: the text to find occurs 2 times in limit\.ts/u,
  });
  t.throws(() => planted(mutant("never", "absent", ""), "text"), /never: .* 0 times in limit\.ts/u);
  t.throws(
    () => planted(mutant("same", "text", "text"), "text"),
    /same: the replacement is what it replaces/u,
  );
  t.equal(planted(mutant("dollar", "b", "$&$1"), "abc"), "a$&$1c", "the replacement is no pattern");
});

t.test("no bug is planted when test files fail without any, and all of them are named", async (t) => {
  const results: unknown[] = [];
  const failing = mutant("failing", "left > 0", "left > 1", "failing-checks.ts", "missing-checks.ts");
  await t.rejects(run([caught, failing], { onResult: (result) => results.push(result) }), {
    message: /failing-checks\.ts fails without any bug: one is two[^]*missing-checks\.ts fails/u,
  });
  t.same([results, whatIsLeft()], [[], []]);
});

t.test("an interruption ends the processes, and the results until then are returned", async (t) => {
  const interruption = new AbortController();
  const { results, leftOut } = await run([caught, endless], {
    jobs: 1,
    signal: interruption.signal,
    onResult: () => interruption.abort(),
  });
  t.same([results.length, leftOut, whatIsLeft()], [1, [endless], []]);
});

t.test("a budget that is used up ends the run, and says what was left out", async (t) => {
  const { results, leftOut } = await run([endless, caught, survivor], { jobs: 1, budgetMs: 2000 });
  t.same([results, leftOut, whatIsLeft()], [[], [endless, caught, survivor], []]);
  t.match(tableOf({ results, leftOut }, 2000), /left out: endless, caught, survivor/u);
});

t.test("Ctrl-C ends the command with 130, without a folder or a process of it", async (t) => {
  const command = spawn(process.execPath, ["test/mutants/run.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.teardown(() => command.kill("SIGKILL"));
  let output = "";
  command.stdout.on("data", (text) => (output += text));
  const ended = once(command, "close");
  await waitUntil("the first test file has passed", () => output.includes("without a bug 1/"));
  command.kill("SIGINT");
  t.same(await ended, [130, null]);
  t.same(whatIsLeft(), []);
});

t.test(
  "an error outside of every test, and a test that ran out of time, are no failure of a test",
  async (t) => {
    t.equal(titleIn("TAP version 14", "not ok 1 - Cannot find module"), undefined);
    t.equal(
      titleIn("# Subtest: a rule", "    not ok 1 - timeout!", "    ", "not ok 1 - a rule # time=3ms"),
      undefined,
    );
    t.equal(titleIn("# Subtest: a rule", "    not ok 1 - later # TODO"), undefined);
    t.equal(titleIn("# Subtest: a rule", "    not ok 1 - test unfinished"), "a rule");
    t.equal(
      titleIn(
        "# Subtest: a rule",
        "    # Subtest: in detail",
        "        ok 1 - one",
        "        not ok 2 - timeout!",
        "    not ok 1 - in detail",
        "not ok 1 - a rule",
        "# Subtest: another",
        "    ok 1 - one",
        "    not ok 2 - two",
      ),
      "another",
    );
  },
);

t.test(
  "a selection is spread over the areas, and begins elsewhere when the sources are others",
  async (t) => {
    const areas = { one: area("one", 5), two: area("two", 2), none: [] };
    const ids = (seed: string): string[] => spread(areas, seed).map(({ id }) => id);
    t.equal(ids("x").length, 7);
    t.same(ids("x"), ids("x"));
    for (const seed of ["x", "y", "z"])
      t.same(
        ids(seed)
          .slice(0, 4)
          .map((id) => id.replace(/\d/u, "")),
        ["one-", "two-", "one-", "two-"],
      );
    t.ok(new Set(["a", "b", "c", "d", "e", "f"].map((seed) => ids(seed)[0])).size > 1);
    t.equal(selected(spread(areas, "x"), "two").length, 2);
  },
);

t.test("no two bugs of one file are compiled together", async (t) => {
  const other = { ...caught, id: "other", file: "other.ts" };
  t.same(groupsOf([caught, survivor, other]), [[caught, other], [survivor]]);
});

t.test("a copy has the packages, and neither ignored files nor the history", async (t) => {
  const folder = temporaryFolder(t);
  const project = temporaryFolder(t);
  writeFileSync(join(project, ".gitignore"), "# built\n.tap/\n*.log\n");
  for (const name of [".tap", ".git", "a.log", "a.ts", ".taprc"]) writeFileSync(join(project, name), name);
  copyProject(project, join(folder, "copy"), join(ROOT, "node_modules"));
  t.same(readdirSync(join(folder, "copy")).toSorted(), [".gitignore", ".taprc", "a.ts", "node_modules"]);
  t.ok(existsSync(join(folder, "copy/node_modules/tap")));
});

t.test("an option that does not exist and a number that is none are refused", async (t) => {
  t.match(readOptions(["--only", "relay", "--budget-s", "3", "--jobs", "7"]), {
    only: "relay",
    budgetMs: 3000,
    jobs: 7,
  });
  t.throws(() => readOptions(["--all"]), /--all/u);
  t.throws(() => readOptions(["--jobs", "0"]), /--jobs needs a whole number above zero/u);
});
