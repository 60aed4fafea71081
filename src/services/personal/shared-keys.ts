/**
 * Keys of the key bucket that many use: the one that hashes customers' ids, and one for the documents of each year.
 * Owns: opened keys, until the process ends.  Does not own: the entries.
 * Invariants
 *   shared.C1. An entry is made once, by compare-and-set: all nodes use the same key.
 * Proved by: test/unit/services/personal/shared-keys.test.ts
 * A crash leaves an entry, which the next process uses, or none.
 */
import { Unavailable } from "../../runtime/ports.ts";
import { type KeyEntries, KeyEntryUnreadable } from "./key-entries.ts";
import type { MasterKeys } from "./master-keys.ts";
import { KEY_BYTES, type Random } from "./sealing.ts";

const TRIES = 10;

/** See the top of the file. */
export class SharedKeys {
  private readonly entries: KeyEntries;
  private readonly masterKeys: MasterKeys;
  private readonly random: Random;
  private readonly opened = new Map<string, Buffer>();

  constructor(entries: KeyEntries, masterKeys: MasterKeys, random: Random) {
    this.entries = entries;
    this.masterKeys = masterKeys;
    this.random = random;
  }

  /** The key of an entry, made now if there is none. @throws Unavailable (retryable); MasterKeyMissing; Unopenable */
  async ofEntry(name: string): Promise<Buffer> {
    const known = this.opened.get(name);
    if (known) return known;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const { entry } = await this.entries.shared(name);
      if (entry) return this.keep(name, this.masterKeys.unwrap(name, entry.key));
      const key = this.random(KEY_BYTES);
      if ((await this.entries.store(name, { key: this.masterKeys.wrap(name, key) }, 0)) !== undefined)
        return this.keep(name, key);
    }
    throw new Unavailable(`the key ${name} could not be stored in ${TRIES} tries`);
  }

  /** The key of an entry that something was sealed with. @throws as `ofEntry`; KeyEntryUnreadable without an entry */
  async ofExistingEntry(name: string): Promise<Buffer> {
    const key = await this.find(name);
    if (key) return key;
    throw new KeyEntryUnreadable(
      `the key bucket has no entry ${name}; restore it from a backup of these orders`,
    );
  }

  /** The key of an entry; undefined without one. @throws Unavailable (retryable); MasterKeyMissing; Unopenable */
  async find(name: string): Promise<Buffer | undefined> {
    const known = this.opened.get(name);
    if (known) return known;
    const { entry } = await this.entries.shared(name);
    return entry && this.keep(name, this.masterKeys.unwrap(name, entry.key));
  }

  /** Drops a key that has ended from memory. */
  forget(name: string): void {
    this.opened.delete(name);
  }

  private keep(name: string, key: Buffer): Buffer {
    this.opened.set(name, key);
    return key;
  }
}
