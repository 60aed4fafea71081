/**
 * The data keys of customers. A customer has one, and a new one (the next generation) after each request to erase.
 * Owns: a cache of opened keys.  Does not own: the entries.
 * Invariants
 *   customer.K1. Data is sealed with a generation that is stored, and that was the newest at most `CACHE_MS` ago.
 *   customer.K2. A generation that is deleted opens nothing after `CACHE_MS`, in any process.
 * Proved by: test/unit/services/personal/personal-data.test.ts,
 *   test/unit/services/personal/erasure.test.ts
 * A crash leaves an entry with a key that nothing is sealed with, or none.
 */
import { createHmac } from "node:crypto";
import { type Clock, Unavailable } from "../../runtime/ports.ts";
import {
  type CustomerEntry,
  generationName,
  type KeyEntries,
  KeyEntryUnreadable,
  type Read,
} from "./key-entries.ts";
import type { MasterKeys } from "./master-keys.ts";
import { KEY_BYTES, type Random } from "./sealing.ts";
import type { SharedKeys } from "./shared-keys.ts";
import { customerEntry, INDEX_ENTRY } from "./subjects.ts";

/** How long an entry is used without being read again, ms. */
export const CACHE_MS = 3000;
/** Customers in the cache at most; the one that was read first makes room. */
const CACHED = 10_000;
const TRIES = 10;
/** 128 bits: no two of any number of customers have the same. */
const HASH_BYTES = 16;

/** A key that seals now. */
export type SealingKey = { readonly number: number; readonly key: Buffer };

/** What the keys of customers need of their process. */
export type CustomerKeysOptions = {
  readonly entries: KeyEntries;
  readonly shared: SharedKeys;
  readonly masterKeys: MasterKeys;
  readonly random: Random;
  /** `now` is the server's time. */
  readonly clock: Pick<Clock, "now" | "monotonic">;
};

type Cached = {
  readonly at: number;
  readonly read: Promise<Read<CustomerEntry>>;
  readonly opened: Map<number, Buffer>;
};

/** See the top of the file. */
export class CustomerKeys {
  private readonly options: CustomerKeysOptions;
  private readonly cache = new Map<string, Cached>();
  /** By customer id. */
  private readonly hashes = new Map<string, string>();

  constructor(options: CustomerKeysOptions) {
    this.options = options;
  }

  /**
   * The name of a customer in entries and subjects, one token: its id may be an e-mail address. The same for all time
   * and on all nodes. @throws Unavailable (retryable); MasterKeyMissing
   */
  async hashOf(customerId: string): Promise<string> {
    const known = this.hashes.get(customerId);
    if (known !== undefined) return known;
    const key = await this.options.shared.ofEntry(INDEX_ENTRY);
    const digest = createHmac("sha256", key).update(customerId).digest();
    const hash = digest.toString("base64url", 0, HASH_BYTES);
    keep(this.hashes, customerId, hash);
    return hash;
  }

  /** The newest key of a customer, made now if there is none. @throws Unavailable (retryable); MasterKeyMissing */
  async toSeal(hash: string): Promise<SealingKey> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const cached = this.cached(hash);
      const read = await cached.read;
      const newest = read.entry?.generations.at(-1);
      if (newest) return { number: newest.number, key: this.keyOf(hash, newest, cached) };
      // Another call has read the same, and makes the key, or the keys were forgotten meanwhile.
      if (this.cache.get(hash) === cached) this.addGeneration(hash, read);
    }
    throw new Unavailable(`a customer's key could not be stored in ${TRIES} tries`);
  }

  /** The key of a generation; undefined: it was deleted. @throws Unavailable (retryable); KeyEntryUnreadable */
  async toOpen(hash: string, number: number): Promise<Buffer | undefined> {
    const known = await this.find(hash, number);
    if (known) return known;
    // Another node has made it a moment ago, perhaps.
    this.forget(hash);
    return await this.find(hash, number);
  }

  /** The next use of this customer's keys reads them. */
  forget(hash: string): void {
    this.cache.delete(hash);
  }

  /** The entry of a customer with one more generation. @param entry as it was read */
  withGeneration(hash: string, entry: CustomerEntry | undefined): CustomerEntry {
    const { clock, masterKeys, random } = this.options;
    const before = entry?.generations ?? [];
    // A number is never used again: data of a deleted generation must not meet another key.
    const number = (before.at(-1)?.number ?? 0) + 1;
    const key = masterKeys.wrap(generationName(customerEntry(hash), number), random(KEY_BYTES));
    const madeAt = new Date(clock.now()).toISOString();
    return { ...entry, generations: [...before, { number, key, madeAt }] };
  }

  private async find(hash: string, number: number): Promise<Buffer | undefined> {
    const cached = this.cached(hash);
    const { entry } = await cached.read;
    if (entry === undefined) {
      this.forget(hash);
      throw new KeyEntryUnreadable(
        "a customer's entry of the key bucket is missing; restore it from a backup",
      );
    }
    const generation = entry.generations.find((one) => one.number === number);
    return generation && this.keyOf(hash, generation, cached);
  }

  private keyOf(hash: string, { number, key }: { number: number; key: string }, { opened }: Cached): Buffer {
    const known = opened.get(number);
    if (known) return known;
    const found = this.options.masterKeys.unwrap(generationName(customerEntry(hash), number), key);
    opened.set(number, found);
    return found;
  }

  private cached(hash: string): Cached {
    const { clock, entries } = this.options;
    const known = this.cache.get(hash);
    if (known && clock.monotonic() - known.at <= CACHE_MS) return known;
    return this.keep(hash, entries.customer(customerEntry(hash)));
  }

  /**
   * Stores the first key of a customer; calls that come meanwhile wait for it. The entry is as it was stored, or as
   * another node has stored it.
   * @param read an entry without a generation, or none: compare-and-set refuses it when it is not so any more
   */
  private addGeneration(hash: string, { entry, revision }: Read<CustomerEntry>): void {
    const { entries } = this.options;
    const name = customerEntry(hash);
    const next = this.withGeneration(hash, entry);
    const store = async (): Promise<Read<CustomerEntry>> => {
      const stored = await entries.store(name, next, revision);
      return stored === undefined ? await entries.customer(name) : { entry: next, revision: stored };
    };
    this.keep(hash, store());
  }

  /** `forget` drops this reading too, whether it has ended or not. */
  private keep(hash: string, read: Promise<Read<CustomerEntry>>): Cached {
    const cached: Cached = { at: this.options.clock.monotonic(), read, opened: new Map() };
    keep(this.cache, hash, cached);
    read.catch(() => {
      if (this.cache.get(hash) === cached) this.cache.delete(hash);
    });
    return cached;
  }
}

/** Puts an entry at the end of a cache; the first one makes room. */
function keep<V>(cache: Map<string, V>, key: string, value: V): void {
  cache.delete(key);
  cache.set(key, value);
  const [first] = cache.keys();
  if (cache.size > CACHED && first !== undefined) cache.delete(first);
}
