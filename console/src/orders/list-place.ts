/** The list from which an order was opened: the order before and after it. It lasts as long as the browser's tab. */

/** A list as it was left. */
export type LeftList = {
  /** Its address. */
  readonly href: string;
  /** Ids of the rows that were read, in their order. */
  readonly ids: readonly string[];
  /** Orders in the list, with those that were not read. */
  readonly total: number;
};

/** Place of an order in a list, from 1. */
export type Place = {
  readonly number: number;
  readonly of: number;
  readonly before?: string;
  readonly after?: string;
};

/** The place of an order; undefined when the list does not have it. Pure. */
export function placeIn(list: LeftList | undefined, id: string): Place | undefined {
  const at = list?.ids.indexOf(id) ?? -1;
  if (!list || at < 0) return undefined;
  const [before, after] = [list.ids[at - 1], list.ids[at + 1]];
  return {
    number: at + 1,
    of: Math.max(list.total, list.ids.length),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
