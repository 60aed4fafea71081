/** Reads and writes the entries of the bucket PERSONAL_KEYS. Every access to it is here. Owns nothing. */
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { isObject, parseObject } from "../../runtime/json.ts";
import { type Bucket, Unavailable } from "../../runtime/ports.ts";

/** One data key of a customer. Customers have a new one after each request to erase their data. */
export type Generation = {
  /** Grows by one with each; sealed texts name it. */
  readonly number: number;
  /** The key, wrapped under the name `customer.<hash>.<number>`. */
  readonly key: string;
  /** RFC 3339. */
  readonly madeAt: string;
};

/** That keys were deleted. No personal data. */
export type Erasure = {
  /** When the request began, and when the keys were deleted (RFC 3339). Keys made before it began are deleted. */
  readonly begunAt: string;
  readonly at: string;
  readonly reason: string;
};

/** What is stored of a customer. Stored: its field names are a format. */
export type CustomerEntry = {
  /** Oldest first. The last one seals. */
  readonly generations: readonly Generation[];
  /** A request that has begun: generations up to this number are to be deleted. */
  readonly erasing?: { readonly upTo: number; readonly begunAt: string; readonly reason: string };
  /** The latest erasures, oldest first, at most {@link KEPT_ERASURES}. */
  readonly erasures?: readonly Erasure[];
};

/** Erasures that the entry of a customer lists; older ones are dropped. */
export const KEPT_ERASURES = 16;

/** An entry as it is now. `revision` 0: there is none. */
export type Read<Entry> = { readonly entry: Entry | undefined; readonly revision: number };

/** An entry of the key bucket cannot be read; it is never overwritten. Not retryable. */
export class KeyEntryUnreadable extends Error {
  override readonly name = "KeyEntryUnreadable";
}

/** The name under which the key of a generation is wrapped. @param name of the customer's entry */
export const generationName = (name: string, number: number): string => `${name}.${number}`;

/** See the top of the file. */
export class KeyEntries {
  private readonly bucket: Bucket;
  private readonly failpoints: Failpoints | undefined;

  constructor(bucket: Bucket, failpoints?: Failpoints) {
    this.bucket = bucket;
    this.failpoints = failpoints;
  }

  /** A key that all customers share. @throws Unavailable (retryable); KeyEntryUnreadable */
  async shared(name: string): Promise<Read<{ readonly key: string }>> {
    return await this.read(name, (value): value is { key: string } => typeof value["key"] === "string");
  }

  /** The keys of a customer. @throws Unavailable (retryable); KeyEntryUnreadable */
  async customer(name: string): Promise<Read<CustomerEntry>> {
    return await this.read(name, isCustomerEntry);
  }

  /**
   * Compare-and-set. @returns the entry's revision; undefined when another writer was first.
   * @throws Unavailable: it may be stored
   */
  async store(name: string, entry: object, revision: number): Promise<number | undefined> {
    const text = JSON.stringify(entry);
    const result = await failpoint(this.failpoints, "personal.store", () =>
      this.bucket.update(name, text, revision),
    );
    if (result.status === "unanswered") throw new Unavailable(`store ${name}: ${result.reason}`);
    return result.status === "stored" ? result.revision : undefined;
  }

  /** The names of all entries. @throws Unavailable (retryable) */
  async names(): Promise<string[]> {
    return await this.bucket.keys();
  }

  private async read<Entry>(
    name: string,
    is: (value: Record<string, unknown>) => value is Record<string, unknown> & Entry,
  ): Promise<Read<Entry>> {
    const found = await failpoint(this.failpoints, "personal.read", () => this.bucket.get(name));
    if (found === undefined) return { entry: undefined, revision: 0 };
    const value = parseObject(found.value);
    if (value === undefined || !is(value))
      throw new KeyEntryUnreadable(
        `the entry ${name} of the key bucket cannot be read; restore it from a backup`,
      );
    return { entry: value, revision: found.revision };
  }
}

function isCustomerEntry(value: Record<string, unknown>): value is Record<string, unknown> & CustomerEntry {
  const { generations, erasing, erasures } = value;
  return (
    Array.isArray(generations) &&
    generations.every(isGeneration) &&
    (erasing === undefined || (isObject(erasing) && typeof erasing["upTo"] === "number")) &&
    (erasures === undefined || Array.isArray(erasures))
  );
}

const isGeneration = (value: unknown): value is Generation =>
  isObject(value) &&
  typeof value["number"] === "number" &&
  typeof value["key"] === "string" &&
  typeof value["madeAt"] === "string";
