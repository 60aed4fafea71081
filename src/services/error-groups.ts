/** What failed, by its error: operators see one fault once, however many orders it has met. Pure. */

/** Failures with the same error. Times are RFC 3339, UTC. */
export type ErrorGroup = {
  /** The error, with `…` in place of ids and numbers. */
  readonly error: string;
  /** The worker, or the input, that failed. */
  readonly where: string;
  readonly count: number;
  readonly oldest: string;
  readonly newest: string;
  /** The oldest ones, at most 10. */
  readonly ids: readonly string[];
};

/** One failure. `at`: ms since the epoch. */
export type Failure = {
  readonly id: string;
  readonly at: number;
  readonly error: string;
  readonly where: string;
};

const MAX_IDS = 10;
/** Ids with a prefix, UUIDs and other long runs of hex digits, and numbers. */
const VARIES = /\b[a-z]{2,8}_[\w-]+|\b[0-9a-f]{8,}(?:-[0-9a-f]+)*\b|\d+/giu;

/** The groups, the most frequent first. @param failures oldest first */
export function errorGroups(failures: readonly Failure[]): ErrorGroup[] {
  const groups = new Map<string, { readonly of: Failure; readonly error: string; readonly all: Failure[] }>();
  for (const failure of failures) {
    const error = failure.error.replace(VARIES, "…");
    const key = `${failure.where} ${error}`;
    const group = groups.get(key) ?? { of: failure, error, all: [] };
    group.all.push(failure);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ all, error, of }) => ({
      error,
      where: of.where,
      count: all.length,
      oldest: new Date(of.at).toISOString(),
      newest: new Date(all.at(-1)?.at ?? of.at).toISOString(),
      ids: all.slice(0, MAX_IDS).map(({ id }) => id),
    }))
    .toSorted((a, b) => b.count - a.count || (a.oldest < b.oldest ? -1 : 1));
}
