/** The schemas of public events describe what the machines publish, member by member. */
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import * as fc from "fast-check";
import t from "tap";
import type { Message } from "../../../../src/runtime/ports.ts";
import {
  eventAddress,
  eventHeaders,
  type PublicEvent,
  publicEvents,
} from "../../../../src/services/events/contract.ts";
import { internalEvents } from "../../../../src/services/orders/definition.ts";
import { orderInput } from "../../machines/order-input.ts";
import { happen, happening, methods } from "../orders/order-walk.ts";
import { Published, walkAll } from "./published.ts";

const ajv = new Ajv2020({ strict: true, allErrors: true });
formats.default(ajv);

/** The schema in which no object takes a member that it does not name. */
function closed(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const { $id: _, examples: __, ...rest } = schema as Record<string, unknown>;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, closed(value)]));
  return rest["type"] === "object" ? { ...inner, additionalProperties: false } : inner;
}

type Checks = {
  readonly event: PublicEvent;
  readonly open: ValidateFunction;
  readonly exact: ValidateFunction;
};

const checks = new Map<string, Checks>(
  publicEvents.map((event) => [
    event.type,
    {
      event,
      open: ajv.compile(event.schema as AnySchemaObject),
      exact: ajv.compile(closed(event.schema) as AnySchemaObject),
    },
  ]),
);
const headersOf = ajv.compile(closed(eventHeaders) as AnySchemaObject);

/** What is wrong with a published event, as text; empty: nothing. */
function faultsOf({ headers, payload, subject }: Message): string {
  const type = headers?.["ce-type"] ?? "";
  const known = checks.get(type);
  if (!known) return `${subject}: ${type} has no schema`;
  const data: unknown = JSON.parse(typeof payload === "string" ? payload : new TextDecoder().decode(payload));
  const faults: string[] = [];
  if (!known.exact(data))
    faults.push(`${type}: ${ajv.errorsText(known.exact.errors)} ${JSON.stringify(data)}`);
  if (!headersOf(headers)) faults.push(`headers: ${ajv.errorsText(headersOf.errors)}`);
  if (eventAddress(type).replace("{partition}", subject.split(".")[2] ?? "") !== subject)
    faults.push(subject);
  return faults.join("; ");
}

const typesOf = (messages: readonly Message[]): Set<string> =>
  new Set(messages.map(({ headers }) => headers?.["ce-type"] ?? ""));

for (const [wide, form] of [
  [false, "the form of today"],
  [true, "the form of version 0.1.0"],
] as const)
  t.test(`every public event is published in ${form}, and its schema describes it exactly`, async (t) => {
    const published = new Published();
    await walkAll(published, wide);
    t.strictSame([...new Set(published.messages.map(faultsOf))].filter(Boolean), []);
    t.strictSame(
      publicEvents.map(({ type }) => type).filter((type) => !typesOf(published.messages).has(type)),
      [],
      "types that no order has published",
    );
  });

t.test("every member that a schema names is published by an order", async (t) => {
  const seen = new Map<string, Set<string>>();
  for (const wide of [false, true]) {
    const published = new Published();
    await walkAll(published, wide);
    for (const { headers, payload } of published.messages) {
      const type = headers?.["ce-type"] ?? "";
      const names = seen.get(type) ?? new Set();
      for (const name of Object.keys(JSON.parse(payload) as object)) names.add(name);
      seen.set(type, names);
    }
  }
  for (const { schema, type } of publicEvents) {
    const { properties } = schema as unknown as { readonly properties: object };
    t.strictSame([...(seen.get(type) ?? [])].toSorted(), Object.keys(properties).toSorted(), type);
  }
});

t.test("whatever happens to an order, its events are as their schemas say", async () => {
  const published = new Published();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.boolean(),
      fc.boolean(),
      fc.array(happening, { maxLength: 40, size: "max" }),
      async (method, joins, wide, happenings) => {
        published.messages.length = 0;
        const world = published.order({ ...orderInput(method), ...(wide && { wide }) }, joins).start();
        for (const next of happenings) await happen(world, next, []);
        const faults = published.messages.map(faultsOf).filter(Boolean);
        if (faults.length > 0) throw new Error(faults.join("\n"));
      },
    ),
    { numRuns: 300 },
  );
});

t.test("a schema accepts its examples, and members of later versions", async (t) => {
  for (const { exact, event, open } of checks.values()) {
    const { examples } = event.schema as unknown as { readonly examples: readonly object[] };
    t.equal(examples.length, 1, event.type);
    for (const example of examples) {
      t.ok(exact(example), `${event.type}: ${ajv.errorsText(exact.errors)}`);
      t.ok(open({ ...example, later: true }), event.type);
      t.notOk(open({ ...example, orderId: 7 }), event.type);
    }
  }
});

t.test("types are unique, and those that a setting publishes are marked", async (t) => {
  t.equal(checks.size, publicEvents.length);
  t.strictSame(
    publicEvents
      .filter(({ internal }) => internal)
      .map(({ type }) => type)
      .toSorted(),
    internalEvents.toSorted(),
  );
});
