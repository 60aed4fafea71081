/** Addresses as their countries write them, one line each, for labels, invoices and mails. Pure. */
import type { Address } from "../../../machines/types.ts";
import { addressForm } from "./countries.ts";

/** What is written: an address of an order. Its postal code is empty where the country has none. */
export type WrittenAddress = Omit<Address, "postalCode" | "phone"> & {
  readonly postalCode?: string | undefined;
};

/** Marks a part that the address does not have. */
const ABSENT = "\u0000";

/** The lines, without empty ones; the last is the country's code. @param name above the address: of a person */
export function addressLines(address: WrittenAddress, name = address.name): string[] {
  const { format } = addressForm(address.country);
  const { company, line1, line2, city, state, postalCode } = address;
  const parts: Readonly<Record<string, string | undefined>> = {
    N: name,
    O: company,
    A: line1,
    C: city,
    S: state,
    Z: postalCode,
  };
  // Some write their own code before the postal code: `CH-8001`.
  const form = postalCode ? format : format.replace(/(?<![%A-Z])[A-Z]{1,2}[ -]?%Z/gu, "%Z");
  const lines = form.split("%n").flatMap((line) => {
    const written = line.replace(/%([A-Z])/gu, (_, part: string) => parts[part]?.trim() || ABSENT);
    // A comma or hyphen before a part that is absent goes with it.
    // oxlint-disable-next-line no-control-regex -- no address has a control character
    const clean = written.replace(/[\s,/–-]*\u0000/gu, "").replace(/^[\s,/–-]+/u, "");
    return line.includes("%A") ? [clean, line2 ?? ""] : [clean];
  });
  // A state that the country's form has no place for comes after the city.
  if (!format.includes("%S")) lines.push(state ?? "");
  return [...lines, address.country].map((line) => line.trim()).filter((line) => line !== "");
}
