/** Failures that have the same cause, together. Pure. */

/** Things with the same reason. */
export type Group<Item> = {
  readonly key: string;
  readonly title: string;
  readonly items: readonly Item[];
  /** When the first of them happened, RFC 3339. */
  readonly since: string;
  /** How many orders they are about. */
  readonly orders: number;
};

/**
 * A reason without what differs from one order to the next: ids, and numbers of four digits or more. Ports and status
 * codes of three digits stay.
 */
export const causeOf = (reason: string): string =>
  reason
    .replaceAll(/\b(?:ord|cus|inv|req|dl)_[\w-]+/gu, "…")
    .replaceAll(/\b[0-9a-f]{8,}\b/giu, "…")
    .replaceAll(/(?<![.:\d])\b\d{4,}\b/gu, "…");

/** Groups, the greatest first. @param whereOf what else has to be the same: the worker, the kind */
export function groupByCause<Item>(
  items: readonly Item[],
  of: {
    readonly where: (item: Item) => string;
    readonly reason: (item: Item) => string;
    readonly at: (item: Item) => string;
    readonly order: (item: Item) => string;
  },
): Group<Item>[] {
  const groups = Map.groupBy(items, (item) => `${of.where(item)}\n${causeOf(of.reason(item))}`);
  return [...groups]
    .map(([key, those]) => ({
      key,
      title: key.replace("\n", " · "),
      items: those,
      since: those.map(of.at).toSorted()[0] ?? "",
      orders: new Set(those.map(of.order)).size,
    }))
    .toSorted((one, other) => other.items.length - one.items.length);
}
