/** `npm run test:faults` runs all of test/fault, and that folder holds every test that has a longer form. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = (file: string) => readFileSync(`${root}/${file}`, "utf8");

t.test("the script runs the folder, whatever files it holds", async (t) => {
  const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
  t.match(scripts["test:faults"], /ORDERLY_TEST_ROUNDS=20 .* test\/fault\/\*\.test\.ts$/u);
  t.ok(globSync("test/fault/*.test.ts", { cwd: root }).length >= 18);
});

t.test("every test that reads the number of rounds is in the folder", async (t) => {
  const long = globSync("test/**/*.test.ts", { cwd: root }).filter(
    (file) => !file.startsWith("test/architecture/") && text(file).includes('"ORDERLY_TEST_ROUNDS"'),
  );
  t.ok(long.length >= 9, `${long.length} have a longer form`);
  t.same(
    long.filter((file) => !file.startsWith("test/fault/")),
    [],
  );
});

t.test("every test that a variable steers prints the command that replays it", async (t) => {
  const steered = globSync("test/**/*.ts", { cwd: root }).filter((file) =>
    /process\.env\["(?:CHAOS_|SIM_|CRASH_POINT|ORDERLY_TEST_ROUNDS)/u.test(text(file)),
  );
  t.ok(steered.length >= 12, `${steered.length} read such a variable`);
  t.same(
    steered.filter(
      (file) => !/replay(?:Hint|Command)\(|printReplay\(|npm run sim -- --seed/u.test(text(file)),
    ),
    [],
  );
});
