/**
 * The currencies of ISO 4217 and the digits of their minor units, from the table of the package `dinero.js`. The table
 * of Node (`Intl`) is not used: it shows how people write amounts (HUF without decimals), and changes with Node.
 */
import * as table from "dinero.js/currencies";

/** Currencies that the package counts in fifths (MGA, MRU); ISO 4217 gives both two digits. */
const ISO_DIGITS_OF_FIFTHS = 2;

const digitsByCode: ReadonlyMap<string, number> = new Map(
  Object.values(table).map(({ code, base, exponent }) => [
    code,
    base === 10 ? exponent : ISO_DIGITS_OF_FIFTHS,
  ]),
);

/** Whether the text is the code of a currency that ISO 4217 lists today, like `EUR`. */
export const isCurrency = (code: string): boolean => digitsByCode.has(code);

/**
 * How many decimals the currency's minor unit has: 0 (JPY) to 4 (CLF), 2 for most.
 * Amounts that were stored with a code of another list have two, as nearly all currencies do.
 */
export const minorDigits = (code: string): number => digitsByCode.get(code) ?? 2;
