/** The build of the console: its hash, its compressed copies, its budget. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import t from "tap";
import { budget, measure, overBudget } from "../../../console/build/budget.ts";
import { compressFiles } from "../../../console/build/compress.ts";
import { hashOfBuild, hashOfSources } from "../../../console/build/sources-hash.ts";

const file = (path: string, gzip: number) => ({ path, bytes: gzip, gzip, brotli: gzip });

t.test("the hash changes with a name and with a content, and without a build there is none", async (t) => {
  const root = t.testdir({
    console: { "index.html": "<!doctype html>", src: { "a.ts": "1" }, dist: { ".hash": "abc\n" } },
  });
  const first = hashOfSources(root);
  t.equal(hashOfSources(root), first);
  writeFileSync(join(root, "console/src/a.ts"), "2");
  const second = hashOfSources(root);
  t.not(second, first);
  writeFileSync(join(root, "console/src/b.css"), "");
  t.not(hashOfSources(root), second);
  writeFileSync(join(root, "console/dist/b.js"), "");
  t.equal(hashOfBuild(join(root, "console/dist")), "abc");
  t.equal(hashOfBuild(join(root, "nowhere")), undefined);
});

t.test("compressed copies hold what the file holds, and fonts have none", async (t) => {
  const folder = t.testdir({ "index.html": "<p>".repeat(500) });
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "assets/a.js"), "let a;".repeat(500));
  writeFileSync(join(folder, "assets/f.woff2"), Buffer.alloc(100, 7));
  const files = compressFiles(folder);
  t.same(files.map(({ path }) => path).toSorted(), ["assets/a.js", "assets/f.woff2", "index.html"]);
  const text = readFileSync(join(folder, "assets/a.js"), "utf8");
  t.equal(gunzipSync(readFileSync(join(folder, "assets/a.js.gz"))).toString(), text);
  t.equal(brotliDecompressSync(readFileSync(join(folder, "assets/a.js.br"))).toString(), text);
  t.throws(() => readFileSync(join(folder, "assets/f.woff2.gz")), { code: "ENOENT" });
  t.match(
    files.find(({ path }) => path.endsWith(".woff2")),
    { bytes: 100, gzip: 100 },
  );
});

t.test("a build above a bound is named with the bound", async (t) => {
  const files = [file("a.js", 100_000), file("b.js", 30_000), file("c.css", 4_000), file("f.woff2", 9_000)];
  const measured = measure(files, new Set(["a.js"]));
  t.same(measured, { firstPageJs: 100, css: 4, js: 130, font: 9 });
  t.same(overBudget(measured), []);
  const over = overBudget({ ...measured, firstPageJs: budget.firstPageJs + 1 });
  t.same(over, [`firstPageJs has ${budget.firstPageJs + 1}.0 KB, ${budget.firstPageJs} are allowed`]);
});
