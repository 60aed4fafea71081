/** The run of all tests loses no failure: of assertions, of errors that no test catches, of files that end badly. */
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { LONGEST, phasesOf } from "../../runner/phases.ts";
import { countsIn, failuresIn, inOneLine, NONE, sumOf } from "../../runner/tap-output.ts";
import { forPeople, inTap } from "../../runner/reports.ts";
import { startFile } from "../../runner/test-file.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FIXTURES = "test/runner/fixtures";

t.test("the counts of a file are those of its assertions", async (t) => {
  const { ok, counts } = await startFile(`${FIXTURES}/passes.ts`).ended;
  t.ok(ok);
  t.same(counts, { ...NONE, total: 3, pass: 2, skip: 1 });
});

t.test(
  "a file fails with an assertion, with an uncaught error and with a rejection that no test awaits",
  async (t) => {
    for (const [name, failure] of [
      ["fails", "one is two"],
      ["throws-later", "thrown in a timer"],
      ["rejects-later", "rejected unawaited"],
      ["exits", "test unfinished"],
    ] as const) {
      const result = await startFile(`${FIXTURES}/${name}.ts`).ended;
      t.notOk(result.ok, name);
      t.ok(result.counts.fail > 0, `${name} has a count of failures`);
      t.match(failuresIn(result.output).join("\n"), failure, `${name} says what failed`);
    }
  },
);

t.test("a file that does not end is ended, and has failed", async (t) => {
  const result = await startFile(`${FIXTURES}/hangs.ts`, 1500).ended;
  t.notOk(result.ok);
  t.match(result.reason, "has not ended after 1.5 s");
  t.ok(result.counts.fail > 0);
});

t.test("a file that cannot be loaded has failed", async (t) => {
  const result = await startFile(`${FIXTURES}/missing.ts`).ended;
  t.match(result, { ok: false, counts: { total: 1, fail: 1 }, reason: /exit code 1/u });
  t.match(result.errors, "missing.ts");
});

t.test("a file that is stopped ends, and says why", async (t) => {
  const started = startFile(`${FIXTURES}/hangs.ts`);
  started.stop("stopped by SIGINT");
  t.match(await started.ended, { ok: false, reason: /stopped by SIGINT/u });
});

t.test("counts are read from tap's last line and written in its form", async (t) => {
  const one = countsIn(
    "# { total: 3, pass: 1 }\nok\n# { total: 10, pass: 7, fail: 1, skip: 2 }\n# time=3ms\n",
  );
  t.same(one, { total: 10, pass: 7, fail: 1, skip: 2, todo: 0 });
  t.equal(countsIn("1..0\n"), undefined);
  t.equal(inOneLine(sumOf([one ?? NONE, one ?? NONE])), "# { total: 20, pass: 14, fail: 2, skip: 4 }");
});

t.test("both reports show a failure and end with the counts", async (t) => {
  const result = await startFile(`${FIXTURES}/fails.ts`).ended;
  for (const report of [forPeople, inTap]) {
    t.match(report.file(result, 1).join("\n"), /not ok 2 - one is two/u);
    t.match(report.end(result.counts, [result], 5).at(-2), "# { total: 2, pass: 1, fail: 1 }");
  }
  t.match(inTap.file(result, 7).join("\n"), /^not ok 7 - test\/runner\/fixtures\/fails\.ts/mu);
});

t.test("every test file is in one phase, and those that begin first exist", async (t) => {
  const files = globSync("test/**/*.test.ts", { cwd: ROOT });
  const phases = phasesOf(files, 2);
  t.same(phases.flatMap((phase) => phase.files).toSorted(), files.toSorted());
  t.same(
    phases.map(({ name }) => name),
    ["unit and architecture", "contract and integration", "process and fault"],
  );
  for (const {
    files: [first = ""],
    jobs,
  } of phasesOf(LONGEST, 4)) {
    t.ok(existsSync(join(ROOT, first)), first);
    t.ok(jobs >= 4);
  }
  t.same(
    LONGEST.filter((file) => !existsSync(join(ROOT, file))),
    [],
  );
});
