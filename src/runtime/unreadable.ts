/**
 * Stored entries that cannot be read: each is named once in the log and counted by kind, and its reader goes on.
 * Owns: which entries were named.  Does not own: what a reader takes an unreadable entry for.
 */
import type { Log } from "./ports.ts";

/** Kinds of stored entries, as the metric names them. */
export type StoredKind =
  | "presence"
  | "checkpoint"
  | "parking"
  | "record"
  | "invoice_counter"
  | "invoice_number";

/** Limit of the remembered entries; the oldest is forgotten, and named again when it is met again. */
const REMEMBERED_MAX = 10_000;

/** The unreadable entries that this process has met. */
export class UnreadableEntries {
  private readonly log: Log;
  private readonly named = new Set<string>();
  private readonly found = new Map<StoredKind, number>();

  constructor(log: Log) {
    this.log = log;
  }

  /**
   * A reader has passed over an entry. A repeat for the same entry is neither logged nor counted.
   * @param at its sequence or revision: another one under the same key is another entry
   * @param taken what it counts as, for operators
   */
  passed(kind: StoredKind, key: string, at: number, taken: string): void {
    const entry = `${kind} ${key} ${at}`;
    if (this.named.has(entry)) return;
    this.named.add(entry);
    if (this.named.size > REMEMBERED_MAX) this.named.delete(this.named.values().next().value ?? "");
    this.found.set(kind, (this.found.get(kind) ?? 0) + 1);
    this.log.error({ kind, key, at }, `a stored entry cannot be read: ${taken}`);
  }

  /** Entries by kind, since the start of the process. */
  counts(): Readonly<Partial<Record<StoredKind, number>>> {
    return Object.fromEntries(this.found);
  }
}
