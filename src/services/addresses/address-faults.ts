/** What is wrong with an address by the rules of its country. Pure, except that it reads the country's form. */
import { addressForm, isCountry, meantCountry } from "./countries.ts";

/** One fault: where, and what is expected. */
export type AddressFault = {
  /** JSON pointer into the address, such as `/postalCode`. */
  readonly pointer: string;
  readonly code: "required" | "invalid_format" | "not_allowed";
  /** For people. */
  readonly message: string;
};

/** The parts of an address on which its country has rules. */
export type RuledAddress = {
  readonly country: string;
  readonly postalCode?: string;
};

/** All faults of the address, in the order of its fields; none when the country's post could deliver it. */
export function addressFaults({ country, postalCode }: RuledAddress): AddressFault[] {
  if (!isCountry(country)) return [noCountry(country)];
  const { postalCode: needed, postalCodePattern, postalCodeExample } = addressForm(country);
  const example = postalCodeExample === undefined ? "" : `, such as ${postalCodeExample}`;
  const faults: AddressFault[] = [];
  if (isBlank(postalCode)) {
    if (needed === "required")
      faults.push({
        pointer: "/postalCode",
        code: "required",
        message: `is required in ${country}${example}`,
      });
  } else if (needed !== "unused" && postalCodePattern?.test(postalCode.trim().toUpperCase()) === false) {
    const message = `is no postal code of ${country}: write one${example || " in its form"}`;
    faults.push({ pointer: "/postalCode", code: "invalid_format", message });
  }
  return faults;
}

function noCountry(country: string): AddressFault {
  const meant = meantCountry(country);
  const hint = meant === undefined ? "use a code that it assigns, such as PT" : `use ${meant}`;
  return { pointer: "/country", code: "not_allowed", message: `is no country of ISO 3166-1: ${hint}` };
}

const isBlank = (text: string | undefined): text is undefined => text === undefined || text.trim() === "";
