/**
 * What the documents of an earlier release say still holds. Each copy in test/fixtures is compared; a change that
 * breaks callers or consumers fails here with its place, unless it is among the accepted ones with a reason.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import {
  type AsyncApi,
  asyncApiChanges,
  type OpenApi,
  openApiChanges,
} from "../../support/audits/document-changes.ts";
import { startApp } from "../../support/http-services.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));

type Accepted = { readonly change: RegExp; readonly why: string };

/** Changes since a copy that break nothing that a caller of that time may rely on. */
const accepted: Readonly<Record<string, readonly Accepted[]>> = {
  "openapi-0.1.0.json": [
    {
      change: /shippingAddress\.postalCode may be absent now$/u,
      why: "only for countries without postal codes, whose orders 0.1.0 did not take without one",
    },
    {
      change: /200: (?:Stock)?DryRun is answered too$/u,
      why: "only with dryRun=true, which 0.1.0 did not take",
    },
    {
      change: /^get \/v1\/parked 200\.items\[\]\.parkingId: it may be null now/u,
      why: "only with kind=newer or kind=unreadable, which 0.1.0 did not take",
    },
    {
      change: /^post \/v1\/webhooks\/.*(?:header webhook-\w+|a body) is required now$/u,
      why: "0.1.0 did not document them, and answered 401 without them as well",
    },
    {
      change: /currency: format is currency now, and was none$/u,
      why: "0.1.0 took codes that no currency has; its orders could not be paid",
    },
  ],
};

const copiesOf = (kind: string): readonly string[] =>
  globSync(`${kind}-*.json`, { cwd: FIXTURES }).toSorted();
const read = (name: string): unknown => JSON.parse(readFileSync(`${FIXTURES}${name}`, "utf8"));

const { app } = await startApp(t);
const current = async (path: string): Promise<unknown> => (await app.inject(path)).json();

/** Changes that are not accepted, and acceptances that nothing needs any more. */
function unexpected(copy: string, changes: readonly string[]): object {
  const known = accepted[copy] ?? [];
  return {
    incompatible: changes.filter((sentence) => !known.some(({ change }) => change.test(sentence))),
    needless: known.filter(({ change }) => !changes.some((sentence) => change.test(sentence))),
  };
}

t.test("the HTTP API is compatible with that of every release", async (t) => {
  const copies = copiesOf("openapi");
  t.ok(copies.length > 0);
  const now = (await current("/openapi.json")) as OpenApi;
  for (const copy of copies) {
    const before = read(copy) as OpenApi;
    t.ok(Object.keys(before.paths).length >= 20, copy);
    t.strictSame(unexpected(copy, openApiChanges({ before, now })), { incompatible: [], needless: [] }, copy);
  }
});

t.test("the events are compatible with those of every copy", async (t) => {
  const copies = copiesOf("asyncapi");
  t.ok(copies.length > 0);
  const now = (await current("/asyncapi.json")) as AsyncApi;
  for (const copy of copies) {
    const before = read(copy) as AsyncApi;
    t.ok(Object.keys(before.channels).length >= 30, copy);
    t.strictSame(
      unexpected(copy, asyncApiChanges({ before, now })),
      { incompatible: [], needless: [] },
      copy,
    );
  }
});
