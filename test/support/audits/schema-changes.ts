/** Whether what one JSON Schema describes fits another one: the part of a comparison of two API documents. Pure. */

/** A JSON Schema as OpenAPI 3.1 and AsyncAPI 3.0 have it, with OpenAPI 3.0's `nullable`. */
export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
};

/** Two versions of a schema, and the documents that their references point into. */
export type Compared = {
  readonly before: Schema;
  readonly now: Schema;
  readonly resolve: { readonly before: Resolve; readonly now: Resolve };
};
type Resolve = (reference: string) => Schema;

/**
 * What callers of before send, or what they read now. `request`: whatever was accepted has to be accepted.
 * `answer`: whatever is answered has to be what it was; members and values may be added.
 */
export type Direction = "request" | "answer";

const ALL_TYPES = ["array", "boolean", "null", "number", "object", "string"];
const LOWER = ["minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum"] as const;
const UPPER = ["maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum"] as const;

/** The incompatible changes, each a sentence that begins with its place. */
export function schemaChanges(
  place: string,
  { before, now, resolve }: Compared,
  direction: Direction,
): readonly string[] {
  const visited = new Set<string>();
  const found: string[] = [];

  const visit = (place: string, one: Schema, other: Schema): void => {
    const pair = `${one.$ref ?? ""} ${other.$ref ?? ""}`;
    if (one.$ref !== undefined && other.$ref !== undefined) {
      if (visited.has(pair)) return;
      visited.add(pair);
    }
    const was = follow(one, resolve.before);
    const is = follow(other, resolve.now);
    const [variants, others] = [variantsOf(was), variantsOf(is)];
    if (variants === undefined && others === undefined) visitOne(place, was, is);
    else visitVariants(place, variants ?? [one], others ?? [other]);
  };

  /** Each variant of the one that has to fit must fit some variant of the other; of the same name, that one. */
  const visitVariants = (place: string, was: readonly Schema[], is: readonly Schema[]): void => {
    const [fitting, others] = direction === "request" ? [was, is] : [is, was];
    const pair = (one: Schema, other: Schema) =>
      direction === "request" ? { before: one, now: other } : { before: other, now: one };
    for (const one of fitting) {
      const namesake = others.find(({ $ref }) => $ref !== undefined && $ref === one.$ref);
      if (namesake !== undefined) {
        const { before, now } = pair(one, namesake);
        visit(place, before, now);
      } else if (
        !others.some(
          (other) => schemaChanges(place, { ...pair(one, other), resolve }, direction).length === 0,
        )
      )
        found.push(
          `${place}: ${nameOf(one)} ${direction === "request" ? "is not accepted any more" : "is answered too"}`,
        );
    }
  };

  const visitOne = (place: string, was: Schema, is: Schema): void => {
    const types = direction === "request" ? missing(was, is) : missing(is, was);
    for (const type of types)
      found.push(
        direction === "request"
          ? `${place}: ${type} is not accepted any more`
          : `${place}: it may be ${type} now, and was ${typesOf(was).join(" or ")}`,
      );
    if (types.length > 0) return;
    if (direction === "request") found.push(...narrowed(place, was, is));
    members(place, was, is);
    if (was.items !== undefined && is.items !== undefined) visit(`${place}[]`, was.items, is.items);
    const [wasValue, isValue] = [valueOf(was), valueOf(is)];
    if (wasValue !== undefined && isValue !== undefined) visit(`${place}.*`, wasValue, isValue);
  };

  const members = (place: string, was: Schema, is: Schema): void => {
    for (const [name, one] of Object.entries(was.properties ?? {})) {
      const other = is.properties?.[name];
      if (other !== undefined) visit(`${place}.${name}`, one, other);
      else if (direction === "answer") found.push(`${place}.${name} is removed`);
      else if (is.additionalProperties === false) found.push(`${place}.${name} is not accepted any more`);
    }
    const [required, asked] = [new Set(was.required), new Set(is.required)];
    if (direction === "request") {
      for (const name of asked) if (!required.has(name)) found.push(`${place}.${name} is required now`);
      if (
        is.additionalProperties === false &&
        was.additionalProperties !== false &&
        typesOf(was).includes("object")
      )
        found.push(`${place}: members that it does not name are not accepted any more`);
    } else
      for (const name of required)
        if (!asked.has(name) && is.properties?.[name]) found.push(`${place}.${name} may be absent now`);
  };

  visit(place, before, now);
  return found;
}

/** The schema that a reference means; of several that hold together, one with the members of all. */
function follow(schema: Schema, resolve: Resolve): Schema {
  if (schema.$ref !== undefined) return follow(resolve(schema.$ref), resolve);
  if (schema.allOf === undefined) return schema;
  const parts = schema.allOf.map((part) => follow(part, resolve));
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
    required: parts.flatMap(({ required = [] }) => required),
  };
}

function variantsOf({ anyOf, nullable, oneOf }: Schema): readonly Schema[] | undefined {
  const variants = oneOf ?? anyOf;
  return variants !== undefined && nullable === true ? [...variants, { type: "null" }] : variants;
}

const nameOf = (schema: Schema): string =>
  schema.$ref?.split("/").at(-1) ??
  (schema.const === undefined ? typesOf(schema).join(" or ") : JSON.stringify(schema.const));

function typesOf({ const: only, enum: values, nullable, type }: Schema): readonly string[] {
  const named = type === undefined ? undefined : typeof type === "string" ? [type] : type;
  const valued = only === undefined ? values : [only];
  const types = named ?? (valued === undefined ? ALL_TYPES : [...new Set(valued.map(typeOf))]);
  return nullable === true ? [...types, "null"] : types;
}

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

/** Types of the one that the other does not have. */
function missing(one: Schema, other: Schema): readonly string[] {
  const known = new Set(typesOf(other));
  if (known.has("number")) known.add("integer");
  return typesOf(one).filter((type) => !known.has(type));
}

/** The schema of the members of a map. */
function valueOf({ additionalProperties, patternProperties }: Schema): Schema | undefined {
  if (typeof additionalProperties === "object") return additionalProperties;
  return Object.values(patternProperties ?? {})[0];
}

/** Values, bounds and forms that a request could have and may not have any more. */
function narrowed(place: string, was: Schema, is: Schema): readonly string[] {
  const found: string[] = [];
  const [wasValues, isValues] = [was, is].map(({ const: only, enum: values }) =>
    only === undefined ? values : [only],
  );
  if (isValues !== undefined) {
    if (wasValues === undefined) found.push(`${place}: only ${isValues.join(", ")} is accepted now`);
    for (const value of wasValues ?? [])
      if (!isValues.includes(value)) found.push(`${place}: ${String(value)} is not accepted any more`);
  }
  const bound = (schema: Schema, name: string) =>
    (schema as Readonly<Record<string, number | undefined>>)[name];
  for (const name of LOWER)
    if ((bound(is, name) ?? -Infinity) > (bound(was, name) ?? -Infinity))
      found.push(`${place}: ${name} is ${bound(is, name)} now, and was ${bound(was, name) ?? "none"}`);
  for (const name of UPPER)
    if ((bound(is, name) ?? Infinity) < (bound(was, name) ?? Infinity))
      found.push(`${place}: ${name} is ${bound(is, name)} now, and was ${bound(was, name) ?? "none"}`);
  for (const name of ["pattern", "format"] as const)
    if (is[name] !== undefined && is[name] !== was[name])
      found.push(`${place}: ${name} is ${is[name]} now, and was ${was[name] ?? "none"}`);
  return found;
}
