/** `GET /asyncapi.json` is an AsyncAPI 3.0 document of exactly the public events. */
import { createRequire } from "node:module";
import { Ajv, type AnySchemaObject } from "ajv";
import formats from "ajv-formats";
import t from "tap";
import { eventAddress, publicEvents } from "../../../src/services/events/contract.ts";
import { startApp } from "../../support/http-services.ts";

type Named<T> = Readonly<Record<string, T>>;
type Reference = { readonly $ref: string };
type Document = {
  readonly channels: Named<{ readonly address: string; readonly messages: Named<Reference> }>;
  readonly operations: Named<{ readonly channel: Reference }>;
  readonly components: {
    readonly messages: Named<{ readonly payload: Reference }>;
    readonly schemas: Named<object>;
  };
};

/** The schema of AsyncAPI 3.0.0 documents, as its makers publish it. */
const specification = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0.json") as AnySchemaObject;

const { app } = await startApp(t);
const answer = await app.inject("/asyncapi.json");
const document = answer.json<Document>();

/** What a reference into the document points to. */
function resolved({ $ref }: Reference): unknown {
  const path = $ref.replace(/^#\//u, "").split("/");
  return path.reduce<unknown>((value, key) => (value as Named<unknown> | undefined)?.[key], document);
}

function references(value: unknown): Reference[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "$ref" in value && typeof value.$ref === "string" ? [value as Reference] : [];
  return [...own, ...Object.values(value).flatMap(references)];
}

t.test("the document is one of AsyncAPI 3.0, and other documents are not", async (t) => {
  t.match(answer.headers["content-type"], "application/json");
  // It brings the schema of schemas along.
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  formats.default(ajv);
  const isAsyncApi = ajv.compile(specification);
  t.ok(isAsyncApi(document), ajv.errorsText(isAsyncApi.errors));
  for (const broken of [
    { ...document, asyncapi: "2.6.0" },
    { ...document, channels: { "order.created": { address: 7 } } },
    { ...document, operations: { "order.created": { action: "shout", channel: { $ref: "#/channels/x" } } } },
  ])
    t.notOk(isAsyncApi(broken));
});

t.test("every reference has its target, and nothing comes from elsewhere", async (t) => {
  const all = references(document);
  t.ok(all.length > publicEvents.length * 5, `${all.length} references`);
  for (const one of all) {
    t.match(one.$ref, /^#\//u);
    t.ok(resolved(one), one.$ref);
  }
});

t.test("every public event has its channel, message and schema, and nothing else has", async (t) => {
  const types = publicEvents.map(({ type }) => type);
  const { channels, components, operations } = document;
  for (const part of [channels, operations, components.messages, components.schemas])
    t.strictSame(Object.keys(part), types);
  for (const { schema, type } of publicEvents) {
    t.equal(channels[type]?.address, eventAddress(type));
    t.match(eventAddress(type), /^orders\.events\.\{partition\}\.[a-z_]+\.[a-z_]+$/u);
    t.strictSame(
      resolved(components.messages[type]?.payload ?? { $ref: "" }),
      JSON.parse(JSON.stringify(schema)),
    );
  }
});
