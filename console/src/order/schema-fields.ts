/** Forms from JSON Schemas of commands: which fields there are, and the body that their texts make. Pure. */

/** What a control of a form is for. */
export type FormField = {
  /** Place in the body: `collected.amount`. */
  readonly name: string;
  readonly label: string;
  readonly kind: "text" | "long" | "flag" | "number" | "choice";
  readonly required: boolean;
  readonly hint: string;
  readonly choices: readonly string[];
  readonly longest?: number;
  /** What is in it at first. */
  readonly initial: string;
};

type Schema = {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly maxLength?: number;
  readonly default?: unknown;
};

/** Values of a form by the names of its fields; empty texts are left out of the body. */
export type FormValues = Readonly<Record<string, string>>;

const LONG = 200;

/** The fields of a schema, in its order, those of objects inside it too. */
export function fieldsOf(schema: unknown, within = "", isNeeded = true): FormField[] {
  const { properties = {}, required = [] } = (schema ?? {}) as Schema;
  return Object.entries(properties).flatMap(([key, property]): FormField[] => {
    const name = within === "" ? key : `${within}.${key}`;
    const needed = isNeeded && required.includes(key);
    if (property.type === "object") return fieldsOf(property, name, needed);
    const choices =
      property.enum ??
      property.anyOf?.flatMap((one) => (typeof one.const === "string" ? one.const : [])) ??
      [];
    return [
      {
        name,
        label: labelOf(name),
        kind: kindOf(property, choices),
        required: needed,
        hint: property.description ?? "",
        choices,
        ...(property.maxLength === undefined ? {} : { longest: property.maxLength }),
        initial: property.type === "boolean" && needed ? "true" : "",
      },
    ];
  });
}

function kindOf({ maxLength = 0, type }: Schema, choices: readonly string[]): FormField["kind"] {
  if (choices.length > 0) return "choice";
  if (type === "boolean") return "flag";
  if (type === "integer" || type === "number") return "number";
  return maxLength > LONG ? "long" : "text";
}

/** `collected.amount` is `Collected: amount`. */
function labelOf(name: string): string {
  const words = name.replaceAll(".", ": ").replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The body that the texts of a form make. */
export function bodyOf(fields: readonly FormField[], values: FormValues): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const { kind, name } of fields) {
    const text = values[name] ?? "";
    if (text.trim() === "") continue;
    const value = kind === "flag" ? text === "true" : kind === "number" ? Number(text) : text;
    const parts = name.split(".");
    const last = parts.pop() ?? name;
    let place = body;
    for (const part of parts) place = (place[part] ??= {}) as Record<string, unknown>;
    place[last] = value;
  }
  return body;
}

/** What is missing or wrong, by field; empty: the form can be sent. */
export function faultsOf(fields: readonly FormField[], values: FormValues): Readonly<Record<string, string>> {
  const faults = fields.flatMap(({ kind, name, required }): [string, string][] => {
    const text = (values[name] ?? "").trim();
    if (text === "") return required ? [[name, "It is needed"]] : [];
    return kind === "number" && !/^-?\d+$/u.test(text) ? [[name, "It has to be a whole number"]] : [];
  });
  return Object.fromEntries(faults);
}
