/** `npm run test:faults` runs every test that has a longer form, and none that is not there. */
import { readdirSync, readFileSync } from "node:fs";
import t from "tap";

const root = new URL("../../", import.meta.url);
const text = (file: string) => readFileSync(new URL(file, root), "utf8");
const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
const told = [...(scripts["test:faults"] ?? "").matchAll(/test\/\S+\.test\.ts/gu)].map(([file]) => file);
const processTests = readdirSync(new URL("test/process/", root))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `test/process/${name}`);

t.test("its list is the files there are, each once", async (t) => {
  t.equal(new Set(told).size, told.length);
  t.same(
    told.filter((file) => !processTests.includes(file)),
    [],
  );
});

t.test("each that asks for the number of rounds is among them", async (t) => {
  const long = processTests.filter((file) => text(file).includes('"ORDERLY_TEST_ROUNDS"'));
  t.ok(long.length >= 9, `${long.length} have a longer form`);
  t.same(
    long.filter((file) => !told.includes(file)),
    [],
  );
});
