/** The words under which an order is found, and the words of a search. Both are cut in the same way. Pure. */
import type { FactsPart } from "./fold.ts";

/** Everything except alphabetic characters, marks, digits and what SKUs, ids and numbers are made of. */
const BETWEEN = /[^\p{L}\p{M}\p{N}._-]+/u;
const INSIDE = /[._-]+/u;
/** A shorter word of a search finds only whole words: too many begin with it. */
const PREFIX_CHARACTERS = 3;

/**
 * The words of an order, lower case, separated by spaces: of its id, customer id, SKUs, names, tracking and invoice
 * number. A word with dots, dashes or underscores is there as a whole and in its parts.
 */
export function wordsOf(
  id: string,
  { customer, lines }: Pick<FactsPart, "customer" | "lines">,
  numbers: readonly (string | null)[],
): string {
  const texts = [id, customer, ...lines.flatMap(({ name = "", sku }) => [sku, name]), ...numbers];
  const words = new Set<string>();
  for (const word of texts.flatMap((text) => (text ?? "").toLowerCase().split(BETWEEN))) {
    words.add(word);
    for (const part of word.split(INSIDE)) words.add(part);
  }
  words.delete("");
  return [...words].join(" ");
}

/** A search as a query of SQLite's FTS5: every word has to be found. Empty: it has no word, and finds nothing. */
export function searchOf(q: string): string {
  const words = q
    .toLowerCase()
    .split(BETWEEN)
    .filter((word) => word.split(INSIDE).some((part) => part !== ""));
  return words.map((word) => `"${word}"${word.length < PREFIX_CHARACTERS ? "" : "*"}`).join(" ");
}
