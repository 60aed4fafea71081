/** Random requests from an OpenAPI document: right ones, broken ones, and such as no client would send. */
import * as fc from "fast-check";
import type { InjectOptions } from "fastify";
import {
  type ApiDocument,
  type ApiParameter,
  type ApiSchema,
  bodyOf,
  type Operation,
  resolved,
} from "./api-requests.ts";

/** A request, and the operation that it was made for; with another method than the operation's it is for none. */
export type Fuzzed = { readonly one: Operation; readonly itsOwn: boolean; readonly request: InjectOptions };

/** Longer than a body may be. */
const HUGE = "x".repeat(70_000);

/** Any JSON, with what breaks programs. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0.5,
    1e308,
    2 ** 53,
    "",
    "0",
    " ",
    HUGE,
    "\u0000",
    "\ud800",
    "‮x",
    "２",
    "__proto__",
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [[[[]]]],
    { constructor: { prototype: 1 } },
    "ord_1",
    "../..",
    "%00",
    "'; --",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Text that a header can carry. */
const headerText = fc
  .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 })
  .map((text) => text.trim() || "x");

/** Values that a schema accepts, except what it says in words. */
function valid(document: ApiDocument, given: ApiSchema, depth = 0): fc.Arbitrary<unknown> {
  const schema = resolved(document, given);
  const {
    const: only,
    enum: values,
    examples = [],
    items,
    maxItems = 3,
    minItems = 0,
    properties = {},
  } = schema;
  if (only !== undefined) return fc.constant(only);
  if (values !== undefined) return fc.constantFrom(...values);
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined) return fc.oneof(...variants.map((one) => valid(document, one, depth + 1)));
  const shown = examples.map((one) => fc.constant(one));
  const [type] = [schema.type ?? "object"].flat();
  if (type === "object") {
    if (depth > 6) return fc.constant({});
    const members = Object.entries(properties).map(
      ([name, one]) => [name, valid(document, one, depth + 1)] as const,
    );
    const { required = [] } = schema;
    return fc.oneof(
      ...shown,
      fc.record(Object.fromEntries(members), { requiredKeys: required.filter((name) => name in properties) }),
    );
  }
  if (type === "array")
    return fc.array(valid(document, items ?? {}, depth + 1), {
      minLength: minItems,
      maxLength: Math.max(minItems, Math.min(maxItems, 3)),
    });
  if (type === "string") return fc.oneof(...shown, textOf(schema));
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  const { maximum = 2 ** 31, minimum = -(2 ** 31) } = schema;
  return fc.oneof(
    fc.constantFrom(minimum, maximum),
    fc.integer({ min: minimum, max: Math.min(maximum, 2 ** 53 - 1) }),
  );
}

function textOf({ maxLength = 20, minLength = 0, pattern }: ApiSchema): fc.Arbitrary<string> {
  const lengths = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 20)) };
  // The generator knows no look-ahead and no classes of Unicode.
  if (pattern !== undefined && !/\(\?|\\p/u.test(pattern)) return fc.stringMatching(new RegExp(pattern, "u"));
  return fc.string({ unit: "grapheme", ...lengths });
}

/** The value with one member replaced, removed or added, wherever it is. */
function broken(value: unknown, at: number, replacement: unknown): unknown {
  const copy: unknown = structuredClone(value);
  const places: [Record<string, unknown>, string][] = [];
  const visit = (inner: unknown): void => {
    if (typeof inner !== "object" || inner === null) return;
    const members = inner as Record<string, unknown>;
    for (const key of Object.keys(members)) {
      places.push([members, key]);
      visit(members[key]);
    }
    places.push([members, "later"]);
  };
  visit(copy);
  const place = places[at % Math.max(places.length, 1)];
  if (place === undefined) return replacement;
  const [members, key] = place;
  if (at % 3 === 0) delete members[key];
  else members[key] = replacement;
  return copy;
}

function bodies(document: ApiDocument, one: Operation): fc.Arbitrary<string | undefined> {
  const schema = bodyOf(document, one);
  if (schema === undefined) return fc.option(fc.constant("{}"), { nil: undefined, freq: 8 });
  const right = valid(document, schema);
  const wrong = fc
    .tuple(right, fc.nat({ max: 999 }), odd)
    .map(([value, at, other]) => broken(value, at, other));
  const json = fc
    .oneof({ weight: 3, arbitrary: right }, { weight: 5, arbitrary: wrong }, odd)
    .map((value) => JSON.stringify(value));
  const cut = fc.tuple(json, fc.nat({ max: 60 })).map(([text, length]) => text.slice(0, length));
  return fc.oneof(
    { weight: 8, arbitrary: json },
    cut,
    fc.constant(undefined),
    fc.string({ unit: "binary", maxLength: 30 }),
  );
}

const asText = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 3_000).toWellFormed();

/** A value of a parameter: as documented, mostly. */
function parameter(document: ApiDocument, { example, schema }: ApiParameter): fc.Arbitrary<string> {
  const right = fc.oneof(valid(document, schema), ...(example === undefined ? [] : [fc.constant(example)]));
  return fc.oneof({ weight: 4, arbitrary: right }, { weight: 1, arbitrary: odd }).map(asText);
}

function parametersIn(
  document: ApiDocument,
  { operation }: Operation,
  where: ApiParameter["in"],
): fc.Arbitrary<Record<string, string>> {
  const known = (operation.parameters ?? []).filter((it) => it.in === where);
  return fc.record(Object.fromEntries(known.map((it) => [it.name, parameter(document, it)])), {
    requiredKeys: where === "path" ? known.map(({ name }) => name) : [],
  });
}

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] as const;
const oddHeaders = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  fc.dictionary(
    fc.constantFrom(
      "prefer",
      "accept",
      "if-match",
      "if-none-match",
      "idempotency-key",
      "x-request-id",
      "cookie",
      "range",
      "expect",
      "content-encoding",
    ),
    headerText,
    { maxKeys: 3 },
  ),
);
const mediaType = fc.oneof(
  { weight: 9, arbitrary: fc.constant("application/json") },
  fc.constantFrom("text/plain", "application/json; charset=utf-16", "multipart/form-data", "nonsense"),
);

/** Requests for any of the operations. */
export function fuzzed(document: ApiDocument, operations: readonly Operation[]): fc.Arbitrary<Fuzzed> {
  return fc.oneof(...operations.map((one) => requests(document, one)));
}

function requests(document: ApiDocument, one: Operation): fc.Arbitrary<Fuzzed> {
  const method = one.method.toUpperCase();
  return fc
    .record({
      asked: fc.oneof({ weight: 9, arbitrary: fc.constant(method) }, fc.constantFrom(...METHODS)),
      path: parametersIn(document, one, "path"),
      query: fc.oneof(
        { weight: 6, arbitrary: parametersIn(document, one, "query") },
        fc.dictionary(headerText, headerText, { maxKeys: 2 }),
      ),
      headers: parametersIn(document, one, "header"),
      others: oddHeaders,
      body: bodies(document, one),
      type: mediaType,
    })
    .map(({ asked, body, headers, others, path, query, type }) => {
      const url = one.path.replace(/\{(\w+)\}/gu, (_whole, name: string) => segment(path[name] ?? ""));
      const sent = body === undefined ? {} : { "content-type": type };
      const printable = Object.entries({ ...others, ...headers, ...sent }).map(
        ([name, value]) => [name, value.replace(/[^\x20-\x7e]/gu, "?").slice(0, 1_000)] as const,
      );
      const all = Object.fromEntries(printable);
      const payload = body === undefined ? {} : { payload: body.toWellFormed() };
      return {
        one,
        itsOwn: asked === method,
        request: { method: asked as "GET", url, query, headers: all, ...payload },
      };
    });
}

/** One segment of a path: `.`, `..` and nothing would lead to another one. */
const segment = (text: string): string => (/^\.{0,2}$/u.test(text) ? "x" : encodeURIComponent(text));
