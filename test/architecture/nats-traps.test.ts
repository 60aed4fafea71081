/** Every test that docs/nats-traps.md names exists. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

const root = join(import.meta.dirname, "../..");
/** Traps that are measures: a test has nothing to assert. */
const MEASURES = ["20", "21"];

/** A table row: its number, then the tests that it names at its end. */
function traps(): { readonly number: string; readonly tests: readonly { file: string; title: string }[] }[] {
  const rows = readFileSync(join(root, "docs/nats-traps.md"), "utf8")
    .split("\n")
    .filter((line) => /^\| \d/u.test(line));
  return rows.map((row) => {
    const number = /^\| (\w+)/u.exec(row)?.[1] ?? "";
    const tests = [...row.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?:, )?)+)/gu)].flatMap(([, file, titles]) =>
      [...(titles ?? "").matchAll(/"([^"]+)"/gu)].map(([, title]) => ({
        file: file ?? "",
        title: title ?? "",
      })),
    );
    return { number, tests };
  });
}

t.test("every trap names the test that shows it, and every test that is named exists", async (t) => {
  const found = traps();
  t.ok(found.length >= 21);
  for (const { number, tests } of found) {
    if (!MEASURES.includes(number)) t.ok(tests.length > 0, `trap ${number} names a test`);
    for (const { file, title } of tests) {
      const source = readFileSync(join(root, file), "utf8");
      t.ok(source.includes(`"${title}"`), `${file} has "${title}"`);
    }
  }
});

t.test("every trap has a line of its own", async (t) => {
  const numbers = new Set(traps().map(({ number }) => Number.parseInt(number, 10)));
  for (let number = 1; number <= Math.max(...numbers); number++) t.ok(numbers.has(number), `trap ${number}`);
});
