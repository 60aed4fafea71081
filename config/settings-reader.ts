/** Reads environment variables as one frozen, checked object; reports all faults at once. */
import { readFileSync } from "node:fs";
import { envSchema } from "env-schema";
import type { Static, TSchema } from "typebox";
import { hideCredentials } from "./redaction.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment does not describe usable settings. The message names every fault, one per line. */
export class SettingsInvalid extends Error {
  override readonly name = "SettingsInvalid";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(["the settings cannot be used:", ...faults.map((fault) => `  - ${fault}`)].join("\n"));
    this.faults = faults;
  }
}

/**
 * One field of the settings: its variable, and the schema that converts and checks the text. A schema with a `default`
 * is never missing. `description` says in words what a `pattern` requires.
 */
export type Field<S extends TSchema, Optional extends boolean> = {
  readonly variable: string;
  readonly schema: S;
  readonly optional: Optional;
};
type Fields = Readonly<Record<string, Field<TSchema, boolean>>>;

type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer S, infer Optional>
    ? Static<S> | (Optional extends true ? undefined : never)
    : never;
};

/** A field. Its text is converted to a number or boolean. Empty means unset; unset without a default is a fault. */
export function from<S extends TSchema>(variable: string, schema: S): Field<S, false> {
  return { variable, schema, optional: false };
}

/** Like `from`, but an unset variable is no fault and gives `undefined`. */
export function optionalFrom<S extends TSchema>(variable: string, schema: S): Field<S, true> {
  return { variable, schema, optional: true };
}

/** The variables that name files: a secret may be in a file instead, which `<variable>_FILE` names. */
export function fileVariables(fields: Fields): string[] {
  return Object.values(fields)
    .filter(({ variable }) => isSecret(variable))
    .map(({ variable }) => `${variable}_FILE`);
}

const isSecret = (variable: string): boolean => variable.endsWith("_SECRET");

/**
 * Reads the fields, then calls `check` for faults that no single field has (relations between settings).
 * Values of variables whose name ends with `_SECRET` never appear in a message.
 * @throws SettingsInvalid with all faults
 */
export function readSettings<F extends Fields>(
  fields: F,
  env: Environment,
  check: (values: Values<F>) => readonly string[] = () => [],
): Values<F> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const { text, fault } = textOf(field.variable, env);
    const read: FieldRead = fault === undefined ? readField(field, text) : { faults: [fault] };
    faults.push(...read.faults);
    values[name] = read.value;
  }
  if (faults.length === 0) faults.push(...check(values as Values<F>));
  if (faults.length > 0) throw new SettingsInvalid(faults);
  return Object.freeze(values) as Values<F>;
}

/** The text of a variable, without the white space around it: a secret's file usually ends with a line break. */
function textOf(variable: string, env: Environment): { readonly text: string; readonly fault?: string } {
  const text = env[variable]?.trim() ?? "";
  const file = isSecret(variable) ? (env[`${variable}_FILE`]?.trim() ?? "") : "";
  if (file === "") return { text };
  if (text !== "") return { text: "", fault: `${variable} and ${variable}_FILE are both set: choose one` };
  try {
    return { text: readFileSync(file, "utf8").trim() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { text: "", fault: `${variable}_FILE cannot be read: ${reason}` };
  }
}

type FieldRead = { readonly value?: unknown; readonly faults: readonly string[] };

function readField({ variable, schema, optional }: Field<TSchema, boolean>, text: string): FieldRead {
  if (text === "" && optional) return { faults: [] };
  const object = { type: "object", properties: { [variable]: schema }, required: [variable] };
  try {
    const values = envSchema({ schema: object, data: text === "" ? {} : { [variable]: text }, env: false });
    return { value: values[variable], faults: [] };
  } catch (error) {
    if (!(error instanceof Error) || !("errors" in error)) throw error;
    if (text === "") return { faults: [`${variable} is not set`] };
    // A faulty address may have its password anywhere before the `@`.
    const but = isSecret(variable) ? "" : `, but is ${JSON.stringify(text.replace(/\S*@/gu, "[hidden]@"))}`;
    const errors = error.errors as readonly SchemaFault[];
    return { faults: errors.map((fault) => `${variable} ${wording(fault, schema)}${but}`) };
  }
}

/** The part of Ajv's error that is used here. */
type SchemaFault = {
  readonly keyword: string;
  readonly message?: string;
  readonly params: { readonly allowedValues?: readonly unknown[] };
};

function wording(fault: SchemaFault, schema: TSchema): string {
  const allowed = fault.params.allowedValues;
  if (allowed !== undefined) return `must be one of ${allowed.join(", ")}`;
  if (fault.keyword === "pattern" && "description" in schema) return `must be ${String(schema.description)}`;
  return fault.message ?? "is wrong";
}

/** Settings in the form in which they may be logged: secrets, and passwords within addresses, are hidden. */
export function redacted(settings: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]: [string, unknown]) => {
      if (name.endsWith("Secret")) return [name, "[hidden]"];
      return [name, typeof value === "string" ? hideCredentials(value) : value];
    }),
  );
}
