/**
 * Fields of an outside system's answer, checked by schema: what goes into records, logs and mails is bounded, whatever
 * the system sends. A field of another form counts as missing. Pure.
 */
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";

/** An id, which goes into paths and records: 1 to 200 visible ASCII characters. */
export const idField = Type.String({ pattern: "^[\\x21-\\x7e]{1,200}$" });
/** A code, which goes into records, logs and metrics: 1 to 64 characters. */
export const codeField = Type.String({ pattern: "^[A-Za-z0-9_.:-]{1,64}$" });
/** The address of a page, which customers open: `http` or `https`, at most 2 000 visible ASCII characters. */
export const urlField = Type.String({ pattern: "^https?://[\\x21-\\x7e]{1,2000}$" });
/** A time of RFC 3339. */
export const timeField = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}T[\\d:.]{5,18}(?:Z|[+-]\\d{2}:\\d{2})$",
});

/** Longest text for people that is kept. */
const MAX_TEXT = 200;

/** The field when it fits the schema, otherwise undefined. */
export function field<S extends TSchema>(schema: S, value: unknown): Static<S> | undefined {
  return Value.Check(schema, value) ? value : undefined;
}

/** A text for people, in one line of at most 200 characters, or `otherwise` when there is none. */
export function textField(value: unknown, otherwise: string): string {
  if (typeof value !== "string") return otherwise;
  const line = value.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line === "" ? otherwise : line.slice(0, MAX_TEXT).replace(/[\uD800-\uDBFF]$/u, "");
}
