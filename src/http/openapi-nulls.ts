/** The form of schemas in OpenAPI 3.1: JSON Schema's `null` in place of the serializer's `nullable`. Pure. */

type Parts = Readonly<Record<string, unknown>>;

/** The document with `null` among the types of each schema that is `nullable`. */
export function withNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== "object" || value === null) return value;
  const parts: Parts = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withNulls(inner)]),
  );
  // A member that is called so has a schema as its value.
  return parts["nullable"] === true ? nullable(parts) : parts;
}

function nullable(parts: Parts): Parts {
  const { nullable: _, ...schema } = parts;
  const { enum: values, type } = schema;
  if (typeof type !== "string") return { anyOf: [schema, { type: "null" }] };
  return { ...schema, type: [type, "null"], ...(Array.isArray(values) && { enum: [...values, null] }) };
}
