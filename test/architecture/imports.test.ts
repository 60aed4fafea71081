/** Which file may import which, and what every source must have in common: length, names, privacy, no hidden clock. */
import { existsSync } from "node:fs";
import t from "tap";
import { importsDown, rules } from "./rules.ts";
import { codeOf, cyclesIn, readSources, type Source } from "./sources.ts";

const MAX_LINES = 400;
const sources = readSources();
const paths = new Set(sources.map((source) => source.path));

const within = (pattern: RegExp) => sources.filter((source) => pattern.test(source.path));

const file = (path: string, target: string, typeOnly = false): Source => ({
  path,
  text: "",
  lines: 0,
  imports: [{ target, own: true, typeOnly }],
});

/** Files whose code, comments apart, holds the pattern. */
const holding = (candidates: readonly Source[], pattern: RegExp) =>
  candidates.filter((source) => pattern.test(codeOf(source.text))).map((source) => source.path);

t.test("the sources are found, and their imports with them", async (t) => {
  t.ok(paths.has("nodes/local-cluster.ts"));
  t.ok(paths.has("test/architecture/imports.test.ts"));
  const own = sources.flatMap((source) => source.imports.filter((imported) => imported.own));
  t.ok(own.length > sources.length, "every file has about one import");
  t.same(
    own.filter(
      ({ target }) => !paths.has(target) && !(/\.(?:json|css)$/u.test(target) && existsSync(target)),
    ),
    [],
    "every imported file exists",
  );
});

t.test("every file imports only what its place allows", async (t) => {
  for (const source of sources) {
    const rule = rules.find((candidate) => candidate.files.test(source.path));
    if (rule === undefined) {
      t.fail(`no rule says what ${source.path} may import`);
      continue;
    }
    for (const imported of source.imports)
      if (!rule.allows(imported)) t.fail(`${source.path} imports ${imported.target}: ${rule.why}`);
  }
  t.pass("all files are checked");
});

t.test("the rules reject an import that breaks them", async (t) => {
  for (const [from, target, own] of [
    ["machines/order.ts", "src/runtime/ports.ts", true],
    ["src/runtime/commit/relay.ts", "src/adapters/nats/journal.ts", true],
    ["src/runtime/commit/relay.ts", "@nats-io/jetstream", false],
    ["src/runtime/commit/relay.ts", "xstate", false],
    ["src/adapters/nats/journal.ts", "src/http/app.ts", true],
    ["src/services/orders/orders.ts", "src/adapters/nats/journal.ts", true],
    ["src/http/app.ts", "src/runtime/node.ts", true],
    ["src/http/app.ts", "src/services/orders/orders.ts", true],
    ["nodes/order-node.ts", "test/support/cluster/processes.ts", true],
    ["config/settings.ts", "src/runtime/ports.ts", true],
    ["orderly.mjs", "nodes/process.ts", true],
    ["console/src/main.tsx", "src/http/app.ts", true],
    ["console/src/main.tsx", "node:fs", false],
    ["console/build/run.ts", "src/http/app.ts", true],
  ] as const) {
    const rule = rules.find((candidate) => candidate.files.test(from));
    t.equal(rule?.allows({ target, own, typeOnly: false }), false, `${from} may not import ${target}`);
  }
});

t.test("inside the runtime imports go down only", async (t) => {
  for (const { path, imports } of within(/^src\/runtime\//u))
    for (const imported of imports)
      if (!importsDown(path, imported)) t.fail(`${path} imports ${imported.target}, which is above it`);
  for (const [from, target] of [
    ["src/runtime/actor/cascade.ts", "src/runtime/commit/relay.ts"],
    ["src/runtime/commit/relay.ts", "src/runtime/tenure/tenure.ts"],
    ["src/runtime/effects/effect-runner.ts", "src/runtime/commit/relay.ts"],
    ["src/runtime/tenure/tenure.ts", "src/runtime/cluster/ownership.ts"],
    ["src/runtime/routing/router.ts", "src/runtime/partition/partition.ts"],
    ["src/runtime/partition/partition.ts", "src/runtime/node.ts"],
    ["src/runtime/ports.ts", "src/runtime/definition.ts"],
    ["src/runtime/workers/worker.ts", "src/runtime/tenure/tenure.ts"],
  ] as const)
    t.notOk(importsDown(from, { target, own: true, typeOnly: true }), `${from} may not import ${target}`);
});

t.test("no file imports itself, directly or through others", async (t) => {
  t.same(
    cyclesIn(sources).map((cycle) => cycle.join(" -> ")),
    [],
  );
});

t.test("the search finds a cycle, also one of types only", async (t) => {
  t.same(cyclesIn([file("a", "b"), file("b", "c"), file("c", "b")]), [["b", "c", "b"]]);
  t.same(cyclesIn([file("a", "b"), file("b", "a", true)]), [["a", "b", "a"]]);
});

t.test("no file is longer than can be read in one sitting", async (t) => {
  t.same(
    sources.filter(({ lines }) => lines > MAX_LINES).map(({ path, lines }) => `${path}: ${lines} lines`),
    [],
  );
});

t.test("no file does nothing but export what others define", async (t) => {
  const barrels = sources.filter((source) => {
    const code = codeOf(source.text).trim();
    return code !== "" && code.replace(/^export\s[^;]*?\sfrom\s+"[^"]+";$/gmu, "").trim() === "";
  });
  t.same(
    barrels.map((source) => source.path),
    [],
  );
});

t.test("only the configuration reads the environment", async (t) => {
  // The environment a child inherits is handed on whole, not read.
  const handedOn = /\.\.\.process\.env\b/gu;
  const readers = sources.filter(
    (source) =>
      /^(src|machines|nodes)\//u.test(source.path) &&
      /process\.env\b/u.test(codeOf(source.text).replace(handedOn, "")),
  );
  t.same(
    readers.map((source) => source.path),
    [],
  );
});

t.test("machines and runtime read no clock, draw no chance and set no timer of their own", async (t) => {
  const impure =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\(|\bperformance\.|\bcrypto\b/u;
  t.same(holding(within(/^(machines|src\/runtime|src\/adapters\/memory)\/(?!virtual-clock)/u), impure), []);
});

t.test(
  "what is stored or compared takes the server's time: no other source reads the machine's clock",
  async (t) => {
    const shown = /\/(?:adapters\/local\/(?:system-clock|stderr-log)|order\/process-use)\.ts$/u;
    const decides = within(/^(src|machines|config|nodes\/order)\//u).filter(({ path }) => !shown.test(path));
    t.same(holding(decides, /\bDate\.now\b|\bnew Date\(\)|\btimeOrigin\b/u), []);
  },
);

t.test("no file has a name that says nothing", async (t) => {
  t.same(
    [...paths].filter((path) => /(^|[/.-])(utils?|helpers?|manager|common|misc)([/.-]|$)/u.test(path)),
    [],
  );
  t.same(
    [...paths].filter((path) => !/^[a-z0-9/.-]+$/u.test(path)),
    [],
    "names are in kebab-case",
  );
});

t.test("private members are written one way", async (t) => {
  const hashed = /(?:\bthis|\b\w+)\.#\w|^\s+(?:(?:static|readonly|async|get|set|override)\s+)*#\w/mu;
  t.same(holding(sources, hashed), [], "`private name`, never `#name`");
});
