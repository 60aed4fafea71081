/** The arithmetic of bulk operations: chunks, places in them, sums by outcome, growth of a selection. Pure. */

/** Orders of one chunk: each chunk is one record of the operation, and a crash sends one chunk again at most. */
export const CHUNK_SIZE = 100;

/** How many chunks a number of orders has. */
export const chunksOf = (count: number): number => Math.ceil(count / CHUNK_SIZE);

/** The orders, divided into chunks: each order is in one, in the same order. */
export function chunked(ids: readonly string[]): string[][] {
  return Array.from({ length: chunksOf(ids.length) }, (_, chunk) =>
    ids.slice(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE),
  );
}

/** Orders before a chunk: those that have their outcome while it is being sent. */
export const before = (chunk: number, count: number): number => Math.min(count, chunk * CHUNK_SIZE);

/** How often each outcome occurs. */
export function countsOf(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Whether a selection has grown by more than a tenth since its preview. In whole numbers. */
export const hasGrown = (previewed: number, count: number): boolean => count * 10 > previewed * 11;

/** A place in a list of orders. */
export type Place = { readonly chunk: number; readonly at: number };

const PLACE = /^(\d{1,6})\.(\d{1,4})$/u;

/** `<chunk>.<place>`. */
export const placeText = ({ at, chunk }: Place): string => `${chunk}.${at}`;

/** Reads a place; the first one for any other text. */
export function placeOf(text: string | undefined): Place {
  const [, chunk = "0", at = "0"] = PLACE.exec(text ?? "") ?? [];
  return { chunk: Number(chunk), at: Number(at) };
}
