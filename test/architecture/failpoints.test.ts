/** docs/crash-points.md and the code agree: every await has its row, every point stands directly around its await. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { failpointNames } from "../../src/runtime/failpoints.ts";
import { readAwaits } from "./awaits.ts";

type Row = {
  readonly file: string;
  readonly awaited: string;
  readonly point: string;
  readonly told: boolean;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/crash-points.md`, "utf8");

function readRows(): Row[] {
  let file = "";
  const rows: Row[] = [];
  for (const line of PAGE.split("\n")) {
    if (line.startsWith("### ")) file = line.slice(4);
    const cells = /^\| `(.+)` \| (.*) \| (.*) \| (.*) \|$/u.exec(line);
    if (!cells) continue;
    const [, awaited = "", point = "", before = "", after = ""] = cells;
    rows.push({ file, awaited: awaited.replaceAll("\\|", "|"), point, told: before !== "" && after !== "" });
  }
  return rows;
}

const rows = readRows();
const files = globSync("src/{runtime,services}/**/*.ts", { cwd: ROOT }).toSorted();
const { awaits, places } = readAwaits(files);
const ownPoint = (row: Row): string | undefined => /^`([a-z_.]+)`$/u.exec(row.point)?.[1];

t.test("every await has one row, every row its await", async (t) => {
  const inCode = awaits.map(({ file, within, awaited }) => `${file} ${within}: ${awaited}`);
  const onPage = rows.map(({ file, awaited }) => `${file} ${awaited}`);
  t.same(new Set(onPage).size, onPage.length, "no row twice");
  t.same(
    inCode.filter((one) => !onPage.includes(one)),
    [],
    "awaits without a row",
  );
  t.same(
    onPage.filter((one) => !inCode.includes(one)),
    [],
    "rows without an await",
  );
});

t.test("every point has one row, which says what is left before and after it", async (t) => {
  t.same(rows.flatMap((row) => ownPoint(row) ?? []).toSorted(), failpointNames.toSorted());
  for (const row of rows) {
    t.equal(row.told, ownPoint(row) !== undefined, `${row.file} ${row.awaited}`);
    const named = [...row.point.matchAll(/`([a-z_.]+)`/gu)].map((match) => match[1]);
    t.same(
      named.filter((name) => !failpointNames.some((point) => point === name)),
      [],
      "points that are named exist",
    );
    t.ok(named.length > 0 || row.point === "–", `${row.file} ${row.awaited} says where to look`);
  }
});

t.test("every point is reached directly before and directly after its await, and nowhere else", async (t) => {
  for (const row of rows) {
    const point = ownPoint(row);
    if (point === undefined) continue;
    const here = places.filter((place) => place.point === point);
    t.match(
      here,
      [
        { file: row.file, when: "before", next: row.awaited },
        { file: row.file, when: "after", last: row.awaited },
      ],
      point,
    );
    t.equal(here.length, 2, `${point} is reached in two places`);
  }
});
