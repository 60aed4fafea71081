/** Every test that a source or a page names as a proof exists. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { readSources } from "./sources.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The text after `Proved by:`, over lines that end with a comma. */
const PROOFS = /Proved by:((?:[^\n]*,\n)*[^\n]*)/gu;
const TEST_FILE = /[\w./*{},-]*\.test\.ts/gu;
/** In backticks: a test file, a folder of tests, a pattern. */
const TEST_IN_PAGE = /`((?:test\/[\w./*{},-]+)|(?:[\w*-]+\.test\.ts))`/gu;

/** In the order in which they are named; a bare name is in the folder of the one before. */
function resolved(names: readonly string[]): string[] {
  let folder = "test";
  return names.map((name) => {
    const path = name.includes("/") ? name : join(folder, name);
    folder = path.endsWith(".ts") ? dirname(path) : path;
    return path;
  });
}

const missing = (paths: readonly string[]): string[] =>
  paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0);

t.test("every test that a source names as its proof exists", async (t) => {
  const claims = readSources()
    .filter(({ path }) => /^(?:src|nodes|config|machines)\//u.test(path))
    .flatMap(({ path, text }) => [...text.matchAll(PROOFS)].map(([, behind = ""]) => ({ path, behind })));
  t.ok(claims.length > 25, `${claims.length} claims`);
  for (const { path, behind } of claims) {
    const names = [...behind.matchAll(TEST_FILE)].map(([name]) => name);
    t.ok(names.length > 0, `${path} names a test`);
    t.same(missing(resolved(names)), [], path);
  }
});

t.test("every test that a page of the documentation names exists", async (t) => {
  for (const page of globSync(["docs/**/*.md", "README.md", "bench/README.md"], { cwd: ROOT })) {
    // A table's row and a paragraph begin anew: a bare name never means the folder of another one.
    const lines = readFileSync(join(ROOT, page), "utf8").split(/\n\s*\n|\n(?=\|)/u);
    const named = lines.flatMap((line) =>
      resolved([...line.matchAll(TEST_IN_PAGE)].map(([, name = ""]) => name)),
    );
    t.same(missing(named), [], page);
  }
});
