/** The cursors of a list of orders: where a page ends, and in which direction the next one goes. Pure. */
import { type Sort, sorts } from "./contract.ts";

/** Between two orders of a list. */
export type Cursor = {
  readonly sort: Sort;
  /** What the order at the edge is sorted by: its time in ms, its total, or, by `createdAt`, its place again. */
  readonly key: number;
  /** Its place. */
  readonly place: number;
  /** To which side of it the page is. */
  readonly side: "next" | "previous";
};

const SIDES = { n: "next", p: "previous" } as const;
const FORM = /^1~(-?[A-Za-z]+)~(-?\d{1,16})~(-?\d{1,16})~([np])$/u;

/** A cursor as clients get it: opaque, URL-safe. */
export function encodedCursor({ key, place, side, sort }: Cursor): string {
  return Buffer.from(`1~${sort}~${key}~${place}~${side[0]}`).toString("base64url");
}

/** Reads a cursor. @returns `undefined` for anything else */
export function decodedCursor(text: string): Cursor | undefined {
  const read = FORM.exec(Buffer.from(text, "base64url").toString("latin1"));
  if (read === null) return undefined;
  const sort = sorts.find((one) => one === read[1]);
  const [key, place] = [Number(read[2]), Number(read[3])];
  const side = SIDES[read[4] as keyof typeof SIDES];
  if (sort === undefined || !Number.isSafeInteger(key) || !Number.isSafeInteger(place)) return undefined;
  return { sort, key, place, side };
}
