/**
 * Writes the copies of the API's documents that later versions are compared with: test/fixtures/openapi-<name>.json
 * and asyncapi-<name>.json, without examples and texts for people.
 * usage: node orderly.mjs test test/support/programs/write-documents.ts   with COPY=<version>
 */
import { writeFileSync } from "node:fs";
import t from "tap";
import { startApp } from "../http-services.ts";

const name = process.env["COPY"];

const TEXTS = new Set(["description", "example", "examples", "summary"]);

/** They are no promise, and most of the document. Members that are called so are kept: they are inside `properties`. */
function withoutTexts(value: unknown, inProperties = false): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutTexts(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => inProperties || !TEXTS.has(key))
      .map(([key, inner]) => [key, withoutTexts(inner, key === "properties")]),
  );
}

t.test("the documents are copied", name === undefined ? { skip: "COPY names no version" } : {}, async (t) => {
  const { app } = await startApp(t);
  for (const kind of ["openapi", "asyncapi"]) {
    const copy = withoutTexts((await app.inject(`/${kind}.json`)).json());
    const file = new URL(`../../fixtures/${kind}-${name}.json`, import.meta.url);
    writeFileSync(file, `${JSON.stringify(copy, null, 2)}\n`);
    t.pass(file.pathname);
  }
});
