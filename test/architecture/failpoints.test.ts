/**
 * docs/crash-points.md and the code agree: each failpoint has one place in the code and one row on the page, and the
 * page lists every other await of src/runtime and src/services with the failpoints that cover it.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { failpointNames } from "../../src/runtime/failpoints.ts";
import { readAwaits } from "./awaits.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/crash-points.md`, "utf8");
const HELPER = "src/runtime/failpoints.ts";

/** | `point` | `file` | before | after | */
const POINT_ROW = /^\| `([a-z_.]+)` \| `(src\/[^`]+)` \| (.*) \| (.*) \|$/gmu;
/** | `file` | `function` | `callee`, `callee` | `point`, `point` or – | */
const AWAIT_ROW = /^\| `(src\/[^`]+)` \| `([^`]+)` \| (.+) \| (.+) \|$/gmu;

const pointRows = [...PAGE.matchAll(POINT_ROW)].map(([, point = "", file = "", before = "", after = ""]) => ({
  point,
  file,
  before,
  after,
}));
const awaitRows = [...PAGE.matchAll(AWAIT_ROW)].map(
  ([, file = "", within = "", awaited = "", covers = ""]) => ({
    key: `| \`${file}\` | \`${within}\` | ${awaited} |`,
    covers,
  }),
);

const files = globSync("src/{runtime,services}/**/*.ts", { cwd: ROOT }).toSorted();
const { awaits, sites } = readAwaits(files.filter((file) => file !== HELPER));

t.test("every failpoint occurs once in the code, awaited where it occurs", async (t) => {
  t.same(sites.map(({ point }) => point).toSorted(), failpointNames.toSorted());
  t.same(
    sites.filter(({ awaited }) => !awaited),
    [],
    "failpoints that are not awaited at once",
  );
});

t.test("every failpoint has one row, which names its file and says what a crash leaves", async (t) => {
  t.same(pointRows.map(({ point }) => point).toSorted(), failpointNames.toSorted());
  for (const { point, file, before, after } of pointRows) {
    t.ok(before.length > 0 && after.length > 0, `${point} says what a crash before and after it leaves`);
    t.equal(file, sites.find((site) => site.point === point)?.file, `${point} names its file`);
  }
});

t.test("every other await of a function has its row, and every row its function", async (t) => {
  const inCode = awaits.map(
    ({ file, within, awaited }) =>
      `| \`${file}\` | \`${within}\` | ${awaited.map((name) => `\`${name}\``).join(", ")} |`,
  );
  const onPage = awaitRows.map(({ key }) => key);
  t.equal(new Set(onPage).size, onPage.length, "no row occurs twice");
  t.same(
    inCode.filter((row) => !onPage.includes(row)),
    [],
    "awaits without a row: make each a failpoint, or add its row with the failpoints that cover it",
  );
  t.same(
    onPage.filter((row) => !inCode.includes(row)),
    [],
    "rows without such awaits",
  );
});

t.test("a row of other awaits names failpoints that exist, or none", async (t) => {
  for (const { key, covers } of awaitRows) {
    if (covers === "–") continue;
    const named = covers.split(", ").map((name) => /^`([a-z_.]+)`$/u.exec(name)?.[1]);
    t.same(
      named.filter((name) => !failpointNames.some((point) => point === name)),
      [],
      key,
    );
  }
});
