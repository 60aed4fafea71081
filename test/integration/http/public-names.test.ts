/** Callers of an earlier version find every path, status, code and name of it in this one. */
import { readFileSync } from "node:fs";
import t from "tap";
import { apiNames } from "../../support/audits/api-names.ts";
import { startApp } from "../../support/http-services.ts";

t.test("the API has every name of version 0.1.0", async (t) => {
  const { app } = await startApp(t);
  const names = apiNames((await app.inject("/openapi.json")).json());
  const fixture = readFileSync(new URL("../../fixtures/api-0.1.0.txt", import.meta.url), "utf8");
  const lines = fixture.trim().split("\n");
  t.ok(lines.length >= 25, `${lines.length} operations`);
  for (const line of lines) {
    const [operation = "", before = ""] = line.split(": ");
    const now = names.get(operation);
    t.strictSame(
      before.split(" ").filter((name) => now?.has(name) !== true),
      [],
      operation,
    );
  }
});
