/** The comparison of API documents names each incompatible change by its place, and accepts compatible ones. */
import t from "tap";
import { asyncApiChanges, openApiChanges } from "../../support/audits/document-changes.ts";

type Any = Record<string, unknown>;

/** A request body, and an answer, with this schema. */
const document = (body: Any, answer: Any, operation: Any = {}) => ({
  paths: {
    "/v1/things": {
      post: {
        parameters: [
          { name: "id", in: "path", required: true, schema: { type: "string" } },
          { name: "limit", in: "query", schema: { type: "integer", maximum: 200 } },
        ],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Asked" } } } },
        responses: {
          200: {
            headers: { etag: {} },
            content: { "application/json": { schema: { $ref: "#/components/schemas/Told" } } },
          },
          404: { content: { "application/problem+json": { schema: { type: "object" } } } },
        },
        ...operation,
      },
    },
  },
  components: { schemas: { Asked: body, Told: answer, Other: { type: "object" } } },
});

const asked = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 20 },
    kind: { type: "string", enum: ["a", "b"] },
    count: { type: "number" },
    inner: { type: "array", items: { type: "object", properties: { x: { type: "integer", minimum: 1 } } } },
  },
  required: ["name"],
  additionalProperties: false,
};
const answered = {
  type: "object",
  properties: {
    id: { type: "string" },
    note: { type: "string", nullable: true },
    items: {
      type: "array",
      items: { type: "object", properties: { n: { type: "number" } }, required: ["n"] },
    },
    map: { type: "object", additionalProperties: { type: "integer" } },
    next: { $ref: "#/components/schemas/Told" },
  },
  required: ["id"],
};
const base = document(asked, answered);

/** The same with members of `properties` replaced; undefined: removed. */
const withMembers = (schema: typeof asked | typeof answered, members: Any, more: Any = {}): Any => {
  const properties = Object.entries({ ...schema.properties, ...members }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...schema, properties: Object.fromEntries(properties), ...more };
};
const askedWith = (members: Any, more: Any = {}) => document(withMembers(asked, members, more), answered);
const answeredWith = (members: Any, more: Any = {}) => document(asked, withMembers(answered, members, more));
const operation = base.paths["/v1/things"].post;
const operationWith = (more: Any) => document(asked, answered, more);
const BODY = "post /v1/things body";
const ANSWER = "post /v1/things 200";

const incompatible: readonly [what: string, now: ReturnType<typeof document>, sentence: string][] = [
  ["a path is removed", { ...base, paths: {} as never }, "post /v1/things is removed"],
  [
    "a status is removed",
    operationWith({ responses: { 200: operation.responses[200] } }),
    "post /v1/things: 404 is removed",
  ],
  [
    "a header is removed",
    operationWith({
      responses: { ...operation.responses, 200: { ...operation.responses[200], headers: {} } },
    }),
    `${ANSWER}: header etag is removed`,
  ],
  [
    "a media type is removed",
    operationWith({ responses: { ...operation.responses, 404: { content: {} } } }),
    "post /v1/things 404: application/problem+json is removed",
  ],
  [
    "a parameter is removed",
    operationWith({ parameters: operation.parameters.slice(0, 1) }),
    "post /v1/things: query limit is removed",
  ],
  [
    "a parameter is required",
    operationWith({ parameters: [...operation.parameters, { name: "key", in: "header", required: true }] }),
    "post /v1/things: header key is required now",
  ],
  [
    "a parameter is narrower",
    operationWith({
      parameters: operation.parameters.with(1, {
        name: "limit",
        in: "query",
        schema: { type: "integer", maximum: 100 },
      }),
    }),
    "post /v1/things: query limit: maximum is 100 now, and was 200",
  ],
  [
    "the body is required",
    operationWith({ requestBody: { ...operation.requestBody, required: true } }),
    "post /v1/things: a body is required now",
  ],
  ["a member is required", askedWith({}, { required: ["name", "kind"] }), `${BODY}.kind is required now`],
  [
    "a new member is required",
    askedWith({ later: { type: "string" } }, { required: ["name", "later"] }),
    `${BODY}.later is required now`,
  ],
  ["a member is not accepted", askedWith({ kind: undefined }), `${BODY}.kind is not accepted any more`],
  [
    "an enum is narrower",
    askedWith({ kind: { type: "string", enum: ["a", "c"] } }),
    `${BODY}.kind: b is not accepted any more`,
  ],
  [
    "a text becomes an enum",
    askedWith({ name: { type: "string", maxLength: 20, enum: ["x"] } }),
    `${BODY}.name: only x is accepted now`,
  ],
  [
    "a text is shorter",
    askedWith({ name: { type: "string", maxLength: 10 } }),
    `${BODY}.name: maxLength is 10 now, and was 20`,
  ],
  [
    "a text has a pattern",
    askedWith({ name: { type: "string", maxLength: 20, pattern: "^a" } }),
    `${BODY}.name: pattern is ^a now, and was none`,
  ],
  [
    "a number is an integer",
    askedWith({ count: { type: "integer" } }),
    `${BODY}.count: number is not accepted any more`,
  ],
  [
    "an item inside is narrower",
    askedWith({
      inner: { type: "array", items: { type: "object", properties: { x: { type: "integer", minimum: 2 } } } },
    }),
    `${BODY}.inner[].x: minimum is 2 now, and was 1`,
  ],
  ["an answer's member is removed", answeredWith({ note: undefined }), `${ANSWER}.note is removed`],
  [
    "an answer's member is of another type",
    answeredWith({ id: { type: "integer" } }),
    `${ANSWER}.id: it may be integer now, and was string`,
  ],
  [
    "an answer's member may be null",
    answeredWith({ id: { type: "string", nullable: true } }),
    `${ANSWER}.id: it may be null now, and was string`,
  ],
  ["an answer's member may be absent", answeredWith({}, { required: [] }), `${ANSWER}.id may be absent now`],
  [
    "a member of an answer's items may be absent",
    answeredWith({
      items: { type: "array", items: { type: "object", properties: { n: { type: "number" } } } },
    }),
    `${ANSWER}.items[].n may be absent now`,
  ],
  [
    "the values of a map are of another type",
    answeredWith({ map: { type: "object", additionalProperties: { type: "string" } } }),
    `${ANSWER}.map.*: it may be string now, and was integer`,
  ],
  [
    "another form is answered",
    answeredWith({
      next: { oneOf: [{ $ref: "#/components/schemas/Told" }, { $ref: "#/components/schemas/Other" }] },
    }),
    `${ANSWER}.next: Other is answered too`,
  ],
];

for (const [what, now, sentence] of incompatible)
  t.test(`when ${what}, the change is named`, async (t) => {
    t.strictSame(openApiChanges({ before: base, now }), [sentence]);
  });

const compatible: readonly [what: string, now: ReturnType<typeof document>][] = [
  ["nothing changes", base],
  ["a path is added", { ...base, paths: { ...base.paths, "/v1/more": base.paths["/v1/things"] } as never }],
  ["a status is added", operationWith({ responses: { ...operation.responses, 409: {} } })],
  ["an optional member is accepted", askedWith({ later: { type: "string" } })],
  ["a bound is wider", askedWith({ name: { type: "string", maxLength: 30 } })],
  ["an enum has more values", askedWith({ kind: { type: "string", enum: ["a", "b", "c"] } })],
  ["null is accepted", askedWith({ count: { type: "number", nullable: true } })],
  ["another form is accepted", askedWith({ count: { anyOf: [{ type: "number" }, { type: "string" }] } })],
  ["a member is answered", answeredWith({ later: { type: "string" } })],
  ["an answer's member is never null", answeredWith({ note: { type: "string" } })],
  [
    "an answer's number is an integer",
    answeredWith({
      items: {
        type: "array",
        items: {
          type: "object",
          properties: { n: { type: "integer" } },
          required: ["n"],
        },
      },
    }),
  ],
  [
    "an answer has the members of another schema too",
    document(asked, { allOf: [answered, { type: "object", properties: { later: {} } }] }),
  ],
  ["an answer's member is always there", answeredWith({}, { required: ["id", "note"] })],
];

for (const [what, now] of compatible)
  t.test(`when ${what}, there is nothing to name`, async (t) => {
    t.strictSame(openApiChanges({ before: base, now }), []);
  });

const events = (address: string, payload: Any) => ({
  channels: { "thing.made": { address } },
  components: {
    schemas: { "thing.made": payload },
    messageTraits: {
      cloudEvent: { headers: { type: "object", properties: { "ce-id": {} }, required: ["ce-id"] } },
    },
  },
});

t.test("a change of an event's subject, payload or headers is named", async (t) => {
  const { id, note } = answered.properties;
  const payload = { ...answered, properties: { id, note } };
  const before = events("things.{p}.made", payload);
  t.strictSame(asyncApiChanges({ before, now: before }), []);
  t.strictSame(asyncApiChanges({ before, now: events("things.made", payload) }), [
    "thing.made: its subject is things.made now, and was things.{p}.made",
  ]);
  t.strictSame(
    asyncApiChanges({
      before,
      now: events("things.{p}.made", { ...payload, properties: { note } }),
    }),
    ["thing.made.id is removed"],
  );
  t.strictSame(asyncApiChanges({ before, now: { ...before, channels: {} } }), ["thing.made is removed"]);
  const bare = { cloudEvent: { headers: { type: "object", properties: {} } } };
  const now = { ...before, components: { ...before.components, messageTraits: bare } };
  t.strictSame(asyncApiChanges({ before, now }), ["headers.ce-id is removed"]);
});

t.test("a reference without its target is a fault of the document", async (t) => {
  const now = askedWith({ kind: { $ref: "#/components/schemas/Nothing" } });
  t.throws(() => openApiChanges({ before: base, now }), { message: /Nothing has no target/u });
});
