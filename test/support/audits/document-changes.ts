/** Incompatible changes between two versions of an OpenAPI or an AsyncAPI document. Pure. */
import { type Direction, type Schema, schemaChanges } from "./schema-changes.ts";

type Named<T> = Readonly<Record<string, T>>;
type Content = Named<{ readonly schema?: Schema }>;
type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
};
type Operation = {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content?: Content };
  readonly responses?: Named<{ readonly headers?: Named<object>; readonly content?: Content }>;
};

/** As far as the comparison reads it. */
export type OpenApi = { readonly paths: Named<Named<Operation>> };
/** As far as the comparison reads it. */
export type AsyncApi = {
  readonly channels: Named<{ readonly address: string }>;
  readonly components: {
    readonly schemas: Named<Schema>;
    readonly messageTraits: Named<{ readonly headers: Schema }>;
  };
};

type Versions<D> = { readonly before: D; readonly now: D };

/** What a caller of before would notice, each a sentence that begins with its place. Empty: nothing. */
export function openApiChanges({ before, now }: Versions<OpenApi>): readonly string[] {
  const schemas = comparison({ before, now });
  const found: string[] = [];
  for (const [path, operations] of Object.entries(before.paths))
    for (const [method, was] of Object.entries(operations)) {
      const place = `${method} ${path}`;
      const is = now.paths[path]?.[method];
      if (is === undefined) found.push(`${place} is removed`);
      else found.push(...parameterChanges(place, was, is, schemas), ...bodyChanges(place, was, is, schemas));
    }
  return found;
}

/** What a consumer of before would notice, each a sentence that begins with its place. Empty: nothing. */
export function asyncApiChanges({ before, now }: Versions<AsyncApi>): readonly string[] {
  const schemas = comparison({ before, now });
  const found: string[] = [];
  for (const [type, { address }] of Object.entries(before.channels)) {
    const is = now.channels[type];
    if (is === undefined) found.push(`${type} is removed`);
    else if (is.address !== address)
      found.push(`${type}: its subject is ${is.address} now, and was ${address}`);
    const [one, other] = [before.components.schemas[type], now.components.schemas[type]];
    if (is !== undefined && one && other) found.push(...schemas(type, one, other, "answer"));
  }
  for (const [name, { headers }] of Object.entries(before.components.messageTraits)) {
    const is = now.components.messageTraits[name];
    found.push(
      ...(is ? schemas("headers", headers, is.headers, "answer") : [`headers of ${name} are removed`]),
    );
  }
  return found;
}

type Compare = (place: string, before: Schema, now: Schema, direction: Direction) => readonly string[];

function comparison({ before, now }: Versions<object>): Compare {
  const resolve = { before: resolverOf(before), now: resolverOf(now) };
  return (place, was, is, direction) => schemaChanges(place, { before: was, now: is, resolve }, direction);
}

/** @throws Error for a reference without its target */
function resolverOf(document: object): (reference: string) => Schema {
  return (reference) => {
    const path = reference.replace(/^#\//u, "").split("/");
    const found = path.reduce<unknown>(
      (value, key) => (value as Named<unknown> | undefined)?.[key],
      document,
    );
    if (found === undefined) throw new Error(`${reference} has no target`);
    return found as Schema;
  };
}

function parameterChanges(place: string, was: Operation, is: Operation, compare: Compare): readonly string[] {
  const found: string[] = [];
  const keyed = ({ parameters = [] }: Operation) =>
    new Map(parameters.map((one) => [`${one.in} ${one.name}`, one] as const));
  const [before, now] = [keyed(was), keyed(is)];
  for (const [key, one] of before) {
    const other = now.get(key);
    if (other === undefined) found.push(`${place}: ${key} is removed`);
    else found.push(...compare(`${place}: ${key}`, one.schema ?? {}, other.schema ?? {}, "request"));
  }
  for (const [key, { required }] of now)
    if (required === true && before.get(key)?.required !== true)
      found.push(`${place}: ${key} is required now`);
  return found;
}

function bodyChanges(place: string, was: Operation, is: Operation, compare: Compare): readonly string[] {
  const found: string[] = [];
  if (is.requestBody?.required === true && was.requestBody?.required !== true)
    found.push(`${place}: a body is required now`);
  const contents = (at: string, before: Content = {}, now: Content = {}, direction: Direction): void => {
    for (const [type, { schema }] of Object.entries(before)) {
      const other = now[type];
      if (other === undefined) found.push(`${at}: ${type} is removed`);
      else found.push(...compare(at, schema ?? {}, other.schema ?? {}, direction));
    }
  };
  if (was.requestBody) contents(`${place} body`, was.requestBody.content, is.requestBody?.content, "request");
  for (const [status, answer] of Object.entries(was.responses ?? {})) {
    const other = is.responses?.[status];
    if (other === undefined) {
      found.push(`${place}: ${status} is removed`);
      continue;
    }
    contents(`${place} ${status}`, answer.content, other.content, "answer");
    for (const name of Object.keys(answer.headers ?? {}))
      if (other.headers?.[name] === undefined) found.push(`${place} ${status}: header ${name} is removed`);
  }
  return found;
}
