/** What the palette offers for what is typed. Pure. */

/** One thing to choose. */
export type Entry = {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  readonly run: () => void;
};

/** Entries whose titles have all words, those that begin with the text first. */
export function matching(entries: readonly Entry[], text: string): Entry[] {
  const typed = text.trim().toLowerCase();
  const words = typed.split(/\s+/u);
  const begins = (entry: Entry) => (entry.title.toLowerCase().startsWith(typed) ? 0 : 1);
  return entries
    .filter(({ hint, title }) => words.every((word) => `${title} ${hint}`.toLowerCase().includes(word)))
    .toSorted((one, other) => begins(one) - begins(other));
}

/** Whether a text is the id of an order. */
export const isOrderId = (text: string): boolean => /^ord_[\w-]{1,64}$/u.test(text.trim());

/** Texts that are worth a search among the orders. */
export const isSearch = (text: string): boolean => text.trim().length >= 3;

/** The place after a key in a list of `count`. */
export function moved(at: number, key: string, count: number): number {
  if (count === 0) return 0;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (at - 1 + count) % count;
  return at;
}
