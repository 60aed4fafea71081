/** Wraps every key of the key bucket with the newest key of the key file, entry by entry, while nodes run. */
import {
  type CustomerEntry,
  type Generation,
  generationName,
  type KeyEntries,
  KeyEntryUnreadable,
} from "./key-entries.ts";
import type { MasterKeys } from "./master-keys.ts";
import { isCustomerEntryName } from "./subjects.ts";

/** How far it has come, or how it ended. */
export type RewrapCounts = {
  readonly entries: number;
  readonly done: number;
  /** Entries that were written; all others were wrapped by the newest key already. */
  readonly rewrapped: number;
  /** Entries that cannot be read or opened, with the reason. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
};

/** Writes of other processes to one entry in between, before it counts as failed. */
const TRIES = 10;

/**
 * Repeatable: an interrupted run has rewrapped some entries; another run does the rest.
 * @param progress called after each entry
 * @throws Unavailable (retryable)
 */
export async function rewrapAll(
  entries: KeyEntries,
  masterKeys: MasterKeys,
  progress: (counts: RewrapCounts) => void = () => {},
): Promise<RewrapCounts> {
  const names = await entries.names();
  const failed: { name: string; reason: string }[] = [];
  let rewrapped = 0;
  let done = 0;
  const counts = (): RewrapCounts => ({ entries: names.length, done, rewrapped, failed });
  for (const name of names) {
    const outcome = await rewrapOne(name, entries, masterKeys);
    if (outcome === "rewrapped") rewrapped++;
    else if (outcome !== "kept") failed.push({ name, reason: outcome.reason });
    done++;
    progress(counts());
  }
  return counts();
}

async function rewrapOne(
  name: string,
  entries: KeyEntries,
  masterKeys: MasterKeys,
): Promise<"rewrapped" | "kept" | { readonly reason: string }> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      const { next, revision } = await nextEntry(name, entries, masterKeys);
      if (next === undefined) return "kept";
      if ((await entries.store(name, next, revision)) !== undefined) return "rewrapped";
    } catch (error) {
      if (error instanceof KeyEntryUnreadable || isOfKey(error)) return { reason: error.message };
      throw error;
    }
  }
  return { reason: `other processes wrote it ${TRIES} times meanwhile` };
}

const isOfKey = (error: unknown): error is Error =>
  error instanceof Error && (error.name === "MasterKeyMissing" || error.name === "Unopenable");

/** The entry with its keys wrapped anew; undefined when the newest key has wrapped them all, or it has none. */
async function nextEntry(
  name: string,
  entries: KeyEntries,
  masterKeys: MasterKeys,
): Promise<{ readonly next: object | undefined; readonly revision: number }> {
  const [newest] = masterKeys.ids();
  const anew = (of: string, wrapped: string) => masterKeys.wrap(of, masterKeys.unwrap(of, wrapped));
  const isNewest = (wrapped: string) => masterKeys.wrapperOf(wrapped) === newest;
  if (!isCustomerEntryName(name)) {
    const { entry, revision } = await entries.shared(name);
    const next = entry && !isNewest(entry.key) ? { ...entry, key: anew(name, entry.key) } : undefined;
    return { next, revision };
  }
  const { entry, revision } = await entries.customer(name);
  if (entry === undefined || entry.generations.every(({ key }) => isNewest(key)))
    return { next: undefined, revision };
  const generations: Generation[] = entry.generations.map((one) => ({
    ...one,
    key: anew(generationName(name, one.number), one.key),
  }));
  return { next: { ...entry, generations } satisfies CustomerEntry, revision };
}
