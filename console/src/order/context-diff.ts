/** What differs between two JSON values. Pure. */

/** One difference; `undefined`: it is not there. */
export type Difference = {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** Differences of the leaves, in the order of the first value and then of the second. */
export function differences(before: unknown, after: unknown): Difference[] {
  const [one, other] = [leaves(before), leaves(after)];
  const paths = [...new Set([...one.keys(), ...other.keys()])];
  return paths.flatMap((path) => {
    const [was, is] = [one.get(path), other.get(path)];
    return was === is ? [] : [{ path, before: was, after: is }];
  });
}

/** All values that hold no others, as JSON, by their place: `total.amount`. */
function leaves(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null)
    return value === undefined ? new Map() : new Map([[path, JSON.stringify(value)]]);
  const entries = Object.entries(value);
  if (entries.length === 0) return new Map([[path, Array.isArray(value) ? "[]" : "{}"]]);
  return new Map(
    entries.flatMap(([name, inner]) => [...leaves(inner, path === "" ? name : `${path}.${name}`)]),
  );
}
