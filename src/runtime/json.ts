/** Reads stored and received JSON, which may be damaged, or written by another program. Pure. */

/** Parses a payload; `undefined` for anything but a JSON object. Its fields are not checked. */
export function parseObject(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An object with named fields: no array, not null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The latest time that a date can show, ms since the epoch (ECMA-262). */
const TIME_MAX = 8_640_000_000_000_000;

/** Whether the value is an exact whole number, 0 or more: a sequence, a version, a quantity. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Whether the value is a time in ms since the epoch that a date can show. */
export const isTime = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= TIME_MAX;

/** Whether the value is a list of texts. */
export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
