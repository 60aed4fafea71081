/** Checks of stored JSON: it may have been damaged, or written by another program. Pure. */

/** The latest time that a date can show, ms since the epoch (ECMA-262). */
const TIME_MAX = 8_640_000_000_000_000;

/** The object in a JSON text; `undefined` when the text is no JSON, or another value than an object. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the value is an object, and no list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether the value is an exact whole number, 0 or more: a sequence, a version, a quantity. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Whether the value is a time in ms since the epoch that a date can show. */
export const isTime = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= TIME_MAX;

/** Whether the value is a list of texts. */
export const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
