/** Requests that an OpenAPI document shows by its examples, and how an answer differs from what it states. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { InjectOptions } from "fastify";

/** A schema as far as requests are made of it. */
export type ApiSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, ApiSchema>>;
  readonly required?: readonly string[];
  readonly items?: ApiSchema;
  readonly oneOf?: readonly ApiSchema[];
  readonly anyOf?: readonly ApiSchema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly examples?: readonly unknown[];
};

export type ApiParameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema: ApiSchema;
};

type Content = Readonly<Record<string, { readonly schema?: ApiSchema }>>;

export type ApiOperation = {
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
};

export type ApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, ApiSchema>> };
};

/** One operation with its place in the document. */
export type Operation = { readonly method: string; readonly path: string; readonly operation: ApiOperation };

/** Every operation of the document. */
export const operationsOf = ({ paths }: ApiDocument): readonly Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );

/** True when an answer of status 200 does not end. */
export const isStream = ({ operation }: Operation): boolean =>
  operation.responses["200"]?.content?.["text/event-stream"] !== undefined;

/** The schema that is meant. */
export function resolved(document: ApiDocument, schema: ApiSchema): ApiSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolved(document, document.components.schemas[name] ?? {});
}

/** The schema of the JSON that the operation takes. */
export function bodyOf(document: ApiDocument, { operation }: Operation): ApiSchema | undefined {
  const schema = operation.requestBody?.content["application/json"]?.schema;
  return schema === undefined ? undefined : resolved(document, schema);
}

/** What an operation lacks of examples, each as a text. Empty: nothing. */
export function lacking(document: ApiDocument, one: Operation): readonly string[] {
  const place = `${one.method} ${one.path}`;
  const parameters = (one.operation.parameters ?? [])
    .filter(
      ({ example, in: where, required, schema }) =>
        (where === "path" || required) && exampleOf({ example, schema }) === undefined,
    )
    .map(({ name }) => `${place}: ${name} has no example`);
  const body = bodyOf(document, one);
  const shown = body === undefined || (body.examples ?? []).length > 0;
  return shown ? parameters : [...parameters, `${place}: the body has no example`];
}

const exampleOf = ({ example, schema }: Pick<ApiParameter, "example" | "schema">): string | undefined => {
  const found = example ?? schema.examples?.[0] ?? schema.enum?.[0];
  return found === undefined ? undefined : typeof found === "string" ? found : JSON.stringify(found);
};

/** The requests of the examples: one with what is required, one more for each optional parameter and each body. */
export function exampleRequests(document: ApiDocument, one: Operation): readonly InjectOptions[] {
  const parameters = one.operation.parameters ?? [];
  const bodies = bodyOf(document, one)?.examples ?? [undefined];
  const required = parameters.filter(({ in: where, required }) => required && where !== "path");
  const optional = parameters.filter((it) => !it.required && exampleOf(it) !== undefined);
  return bodies.flatMap((body) =>
    [[], ...optional.map((it) => [it])].map((more) => requestOf(one, [...required, ...more], body)),
  );
}

function requestOf(
  { method, operation, path }: Operation,
  parameters: readonly ApiParameter[],
  body: unknown,
): InjectOptions {
  const url = path.replace(/\{(\w+)\}/gu, (_whole, name: string) => {
    const found = operation.parameters?.find((it) => it.in === "path" && it.name === name);
    return encodeURIComponent((found && exampleOf(found)) ?? "");
  });
  const valuesIn = (where: string) =>
    Object.fromEntries(
      parameters.filter((it) => it.in === where).map((it) => [it.name, exampleOf(it) ?? ""]),
    );
  return {
    method: method.toUpperCase(),
    url,
    query: valuesIn("query"),
    headers: { ...valuesIn("header"), ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
  };
}

/** An answer, as far as the document says something of it. */
export type ApiAnswer = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
};

/** Compares answers with a document. Status, media type and JSON have to be documented. */
export function answerCheck(document: ApiDocument): (one: Operation, answer: ApiAnswer) => string {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat("currency", true);
  ajv.addSchema(document, "api");
  const known = new Map<string, ValidateFunction>();
  return ({ method, operation, path }, { body, headers, statusCode }) => {
    const place = `${method} ${path} ${statusCode}`;
    const answer = operation.responses[String(statusCode)];
    if (answer === undefined) return `${place} is not documented`;
    if (answer.content === undefined) return body === "" ? "" : `${place} is documented without a body`;
    const type = String(headers["content-type"]).split(";")[0] ?? "";
    if (answer.content[type] === undefined) return `${place}: ${type} is not documented`;
    if (!type.endsWith("json")) return "";
    const pointer = ["paths", path, method, "responses", String(statusCode), "content", type, "schema"]
      .map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const validate = known.get(pointer) ?? ajv.compile({ $ref: `api#/${pointer}` });
    known.set(pointer, validate);
    return validate(JSON.parse(body)) ? "" : `${place}: ${ajv.errorsText(validate.errors)}`;
  };
}
