/** Which node owned which partition when: the entries of all locks, read from the streams. Reads only. */
import type { PartitionSpan } from "../../src/http/operations/operations-port.ts";
import { ownedSpans } from "../../src/runtime/cluster/lock-history.ts";
import { ofPartition, streamOf } from "../../src/runtime/layout.ts";
import type { Journal } from "../../src/runtime/ports.ts";
import type { Subjects } from "../../src/runtime/subjects.ts";

/** Locks that are read at once. */
const AT_ONCE = 8;
/** Ownerships in one answer: the newest ones. */
const MAX_SPANS = 1000;

/** What the history needs of its node. */
export type OwnershipHistoryOptions = {
  readonly subjects: Pick<Subjects, "lock">;
  readonly partitions: number;
  /** By stream. */
  readonly journals: readonly Pick<Journal, "readAll">[];
};

/**
 * The ownerships that had not ended at a moment, newest first.
 * @param since ms since the epoch
 * @throws Unavailable (retryable)
 */
export async function ownershipHistory(
  { journals, partitions, subjects }: OwnershipHistoryOptions,
  since: number,
): Promise<readonly PartitionSpan[]> {
  const found: PartitionSpan[] = [];
  const rest = Array.from({ length: partitions }, (_, partition) => partition);
  const read = async (): Promise<void> => {
    for (let partition = rest.shift(); partition !== undefined; partition = rest.shift()) {
      const subject = subjects.lock(`partition.${partition}`, streamOf(partition, journals.length));
      const entries = await ofPartition(partition, journals).readAll(subject);
      for (const { from, to, ...span } of ownedSpans(entries)) {
        if (to !== null && to < since) continue;
        const times = { from: timeOf(from), to: to === null ? null : timeOf(to) };
        found.push({ partition, ...span, ...times });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return found
    .toSorted((a, b) => (a.from < b.from ? 1 : a.from > b.from ? -1 : a.partition - b.partition))
    .slice(0, MAX_SPANS);
}

const timeOf = (ms: number): string => new Date(ms).toISOString();
