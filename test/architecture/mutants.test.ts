/** The planted bugs fit the sources of today, and each names tests that can show its failure. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import t from "tap";
import { areas, mutants } from "../mutants/catalogue.ts";
import { planted } from "../mutants/runner/planting.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Files of the folder that hold no planted bugs. */
const NO_AREA = ["catalogue", "mutant", "run"];
/** The catalogue may grow, and must not shrink below this. */
const LEAST = 80;
/** Random histories: whether they catch a bug depends on their seeds. */
const SIMULATIONS = [
  "test/unit/runtime/cluster.test.ts",
  "test/simulation/simulation.test.ts",
  "test/unit/services/inventory/shard-interleavings.test.ts",
];
const OF_PROCESSES = /^test\/(?:process|fault)\//u;

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

t.test("every file of planted bugs is in the catalogue", async (t) => {
  const files = globSync("test/mutants/*.ts", { cwd: ROOT }).map((path) => basename(path, ".ts"));
  const imported = [...read("test/mutants/catalogue.ts").matchAll(/from "\.\/([\w-]+)\.ts"/gu)];
  t.same(
    imported
      .map(([, name = ""]) => name)
      .filter((name) => !NO_AREA.includes(name))
      .toSorted(),
    files.filter((name) => !NO_AREA.includes(name)).toSorted(),
  );
});

t.test("every id of a planted bug is unique, in kebab case, and begins with its area", async (t) => {
  t.equal(new Set(mutants.map(({ id }) => id)).size, mutants.length);
  t.ok(mutants.length >= LEAST, `${mutants.length} planted bugs`);
  for (const [area, those] of Object.entries(areas))
    for (const { id, does } of those) {
      t.match(id, /^[a-z0-9]+(?:-[a-z0-9]+)+$/u);
      t.ok(id.startsWith(`${area}-`), `${id} begins with ${area}`);
      t.match(does, /^[A-Z`].*\.$/u, `${id} has a sentence that states what it does`);
    }
});

t.test(
  "the text that a planted bug replaces occurs once in a source, and is replaced by another",
  async (t) => {
    for (const mutant of mutants) {
      t.match(mutant.file, /^(?:src|machines|nodes|config)\//u, mutant.id);
      t.doesNotThrow(() => planted(mutant, read(mutant.file)), mutant.id);
    }
  },
);

t.test("a planted bug has tests that exist, and that fail in every run", async (t) => {
  for (const { id, tests, processesOnly } of mutants) {
    t.ok(tests.length > 0, id);
    t.equal(new Set(tests).size, tests.length, id);
    for (const file of tests)
      t.ok(file.endsWith(".test.ts") && existsSync(join(ROOT, file)), `${id}: ${file}`);
    t.same(
      tests.filter((file) => SIMULATIONS.includes(file)),
      [],
      `${id} is not left to chance`,
    );
    const needsProcesses = tests.every((file) => OF_PROCESSES.test(file));
    t.equal(
      processesOnly !== undefined,
      needsProcesses,
      `${id} says why only processes show it, or has a quicker test`,
    );
  }
});

t.test("files that are simulations exist", async (t) => {
  for (const file of SIMULATIONS) t.ok(existsSync(join(ROOT, file)), file);
});
