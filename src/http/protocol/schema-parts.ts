/** Building blocks of the API's schemas. One schema validates, types, serializes and documents. */
import { type Static, type TSchema, Type } from "typebox";
import { httpLimits } from "./limits.ts";

/**
 * Alphabetic characters, marks, digits, punctuation and plain spaces of any script, not only blanks. No control
 * characters, no line separators and no lone surrogates (they cannot be written as UTF-8).
 */
const PRINTABLE = "^(?=.*\\S)[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]*$";

/** A line of text that a person wrote. `maxLength` in Unicode code points. */
export const text = (maxLength: number, description?: string) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: PRINTABLE,
    ...(description === undefined ? {} : { description }),
  });

/** Pattern of an order id. */
export const ORDER_ID = "^ord_[A-Za-z0-9_-]{1,64}$";
/** Pattern of a SKU. */
export const SKU = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/** A SKU in a body or path. */
export const sku = Type.String({ pattern: SKU, description: "Stock keeping unit", examples: ["TSHIRT-M"] });

/** Path parameters of the routes of one order. */
export const orderParams = Type.Object({
  id: Type.String({ pattern: ORDER_ID, description: "Order id", examples: ["ord_4f0v5Xk2"] }),
});

/** Path parameters of the routes of one SKU. */
export const skuParams = Type.Object({ sku });

/** An object of a request: a member that is not listed is a fault, not noise. */
export function closed<P extends Record<string, TSchema>>(
  properties: P,
  options: { $id: string; examples?: unknown[] },
) {
  return Type.Object(properties, { additionalProperties: false, title: options.$id, ...options });
}

/** The schema with `null` allowed, in the one form that the serializer handles without a validator. */
export function nullable<S extends TSchema>(schema: S) {
  return Type.Unsafe<Static<S> | null>({ ...schema, nullable: true });
}

/** A string of a closed set. */
export const oneOf = <const V extends readonly string[]>(values: V, description?: string) =>
  Type.Enum([...values] as V[number][], {
    type: "string",
    ...(description === undefined ? {} : { description }),
  });

/** A time in an answer: RFC 3339, UTC. */
export const time = Type.String({ format: "date-time", examples: ["2026-11-22T10:00:00.000Z"] });

/** Money in an answer. */
export const money = Type.Object(
  {
    amount: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Minor units (cents)",
    }),
    currency: Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217", examples: ["EUR"] }),
  },
  { description: "An amount of money" },
);

/** Money in a request: closed, and bounded so that an order's total stays an exact integer. */
export const moneyInput = (maximum: number) =>
  Type.Object(
    {
      amount: Type.Integer({ minimum: 0, maximum, description: "Minor units (cents)" }),
      currency: Type.String({ format: "currency", description: "ISO 4217", examples: ["EUR"] }),
    },
    { additionalProperties: false },
  );

/** Query of a list: page size, and the cursor of the previous page. */
export const pageQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: httpLimits.page.max,
        default: httpLimits.page.default,
        description: "Items on the page",
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_-]{1,128}$",
        description: "`nextCursor` of the previous page",
      }),
    ),
  },
  { additionalProperties: false },
);

/** A reference to a registered component by its `$id`; for a body, `T` is what the handler receives. */
export function ref<T = unknown>(id: string) {
  return Type.Unsafe<T>({ $ref: `${id}#` });
}
