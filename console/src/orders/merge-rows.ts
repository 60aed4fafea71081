/** How changed orders get into lists that are shown. Pure. */
import type { OrderRow } from "../api/types.ts";

/** The orders that changed last, each once, in its newest version. @param changed the latest first */
export function newest(changed: readonly OrderRow[], shown: readonly OrderRow[], most: number): OrderRow[] {
  const versions = new Map<string, OrderRow>();
  for (const row of [...changed, ...shown]) {
    const known = versions.get(row.id);
    if (known === undefined || known.version < row.version) versions.set(row.id, row);
  }
  return [...versions.values()]
    .toSorted((one, other) => Date.parse(other.updatedAt) - Date.parse(one.updatedAt))
    .slice(0, most);
}
