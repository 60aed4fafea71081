/** Building blocks of the events' JSON Schemas (draft 2020-12). */
import { type TProperties, type TSchema, Type } from "typebox";

/** A public event: its type, what it says, and the schema of its payload. */
export type PublicEvent = {
  /** `ce-type`, and the last part of the subject. */
  readonly type: string;
  /** One sentence. */
  readonly summary: string;
  /** JSON Schema, draft 2020-12. Open: a reader accepts members that it does not know. */
  readonly schema: TSchema;
  /** True: published only with `ORDERLY_INTERNAL_EVENTS=true`. */
  readonly internal: boolean;
};

/** What an event is described with. The example is the payload of one that was published. */
type Description = { readonly summary: string; readonly example: object; readonly internal?: true };

/** Describes one event. */
export function publicEvent(
  type: string,
  { example, internal, summary }: Description,
  properties: TProperties,
): PublicEvent {
  const schema = Type.Object(properties, {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:orderly:event:${type}`,
    title: type,
    description: summary,
    examples: [example],
  });
  return { type, summary, schema, internal: internal === true };
}

/** One of a closed set of texts. */
export const oneOf = (values: readonly string[], description?: string) =>
  Type.Unsafe<string>({
    type: "string",
    enum: [...values],
    ...(description !== undefined && { description }),
  });

/** The schema, or null. */
export const orNull = (schema: TSchema, description: string) =>
  Type.Union([schema, Type.Null()], { description });

/** Amount in minor units. */
export const money = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, description: "Minor units (cents)" }),
    currency: Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217" }),
  },
  { description: "An amount of money" },
);

/** The order's id, which every event has. */
export const orderId = Type.String({ pattern: "^ord_", description: "The order; also `ce-subject`" });

/** A code or a text of a reason. */
export const reason = (description: string) => Type.String({ description });

/** A time: RFC 3339, UTC. */
export const time = Type.String({ format: "date-time" });

const WIDE = "Only in the wide form (docs/events.md)";

/** Who ordered. */
export const customer = Type.Object(
  {
    id: Type.String({ description: "The caller's id of the customer" }),
    email: Type.Optional(Type.String({ description: WIDE })),
    name: Type.Optional(Type.String({ description: WIDE })),
  },
  { description: "Who ordered" },
);

const sku = Type.String({ description: "Stock keeping unit" });
const quantity = Type.Integer({ minimum: 1, description: "Pieces" });

/** A line as it was asked for. */
export const orderedLine = Type.Object({ sku, quantity });

/** A line at the price at which it was reserved. */
export const pricedLine = Type.Object({
  id: Type.Optional(Type.String({ description: "The line's own for the order's life: `l1`, `l2` ..." })),
  sku,
  quantity,
  name: Type.String({ description: "The catalogue's, when the line was reserved" }),
  unitPrice: money,
});

const optionalText = Type.Optional(Type.String());
const addressParts = {
  name: optionalText,
  company: optionalText,
  line1: Type.String(),
  line2: optionalText,
  city: Type.String(),
  state: optionalText,
  postalCode: Type.String({ description: "Empty where the country has none" }),
  country: Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2" }),
};

/** How an order is paid. */
export const payment = (methods: readonly string[]) => Type.Object({ method: oneOf(methods) });

/** The rate, as in the order's facts. */
export const taxBasisPoints = orNull(
  Type.Integer({ minimum: 0, maximum: 10_000 }),
  "Tax that the prices include, in hundredths of a percent of the net price; null: not recorded",
);

/** Members of the wide form that concern the person. */
export const widePersonal = {
  taxId: Type.Optional(Type.String({ description: WIDE })),
  shippingAddress: Type.Optional(
    Type.Object({ ...addressParts, phone: optionalText }, { description: WIDE }),
  ),
  billingAddress: Type.Optional(Type.Object({ ...addressParts, taxId: optionalText }, { description: WIDE })),
};

/** Members of the wide form that only the first event has otherwise. */
export const wideDetails = (methods: readonly string[]) => ({
  lines: Type.Optional(Type.Array(pricedLine, { description: WIDE })),
  payment: Type.Optional({ ...payment(methods), description: WIDE }),
  taxBasisPoints: Type.Optional({ ...taxBasisPoints, description: WIDE }),
});
