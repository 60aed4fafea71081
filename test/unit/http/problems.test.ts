import { readFileSync, readdirSync } from "node:fs";
import t from "tap";
import { faultCodes } from "../../../src/http/protocol/faults.ts";
import { problems, toProblem } from "../../../src/http/protocol/problems.ts";

const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

t.test("docs/errors.md lists exactly the codes of the map, with their statuses", async (t) => {
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gmu)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  t.strictSame(
    rows,
    Object.entries(problems).map(([code, { status }]) => [code, status]),
  );
});

t.test("docs/errors.md lists exactly the codes of faults", async (t) => {
  const faults = page.slice(page.indexOf("## Faults"));
  t.strictSame(
    [...faults.matchAll(/^\| `([a-z_]+)` \|/gmu)].map(([, code]) => code),
    [...faultCodes],
  );
});

t.test("every problem has an error status, a title and a sentence of detail", async (t) => {
  for (const [code, { status, title, detail }] of Object.entries(problems)) {
    t.ok(status >= 400 && status < 600, `${code}: ${status}`);
    t.match(code, /^[a-z][a-z_]*$/u);
    t.match(title, /^[A-Z].*[^.]$/u, code);
    t.match(detail, /^[A-Z].*\.$/u, code);
  }
});

t.test("extensions of a problem do not overrule its standard members, except the detail", async (t) => {
  const problem = toProblem("out_of_stock", "req_1", {
    status: 200,
    code: "ok",
    detail: "Sold out.",
    orderId: "ord_1",
  });
  t.strictSame(problem, {
    type: "urn:orderly:problem:out_of_stock",
    title: "Out of stock",
    status: 409,
    code: "out_of_stock",
    detail: "Sold out.",
    orderId: "ord_1",
    requestId: "req_1",
  });
});

t.test("some route answers every code of the map", async (t) => {
  const folder = new URL("../../../src/http/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && name !== "problems.ts" && !name.startsWith("schemas/"),
  );
  const source = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  for (const code of Object.keys(problems)) t.match(source, `"${code}"`, code);
});
