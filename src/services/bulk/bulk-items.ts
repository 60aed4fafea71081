/**
 * What is stored beside bulk operations: the list of orders of each, in chunks; the outcomes of each chunk; the tokens
 * that were used. Ids of orders and codes, no personal data.
 * Owns: the form of the bucket's entries.  Does not own: the bucket and its age.
 * Invariants
 *   bulk.I1. An entry is written once: of two writers the first one counts, and both learn what it wrote.
 * Proved by: test/unit/services/bulk/bulk-items.test.ts
 */
import { isObject, parseObject } from "../../runtime/json.ts";
import { type Bucket, Unavailable } from "../../runtime/ports.ts";
import { chunked } from "./chunks.ts";

/** Version of the entries' form. */
const FORM = 1;
/** Chunks that are written at once. */
const WRITES = 8;

/** See the top of the file. */
export class BulkItems {
  private readonly bucket: Pick<Bucket, "get" | "update">;

  constructor(bucket: Pick<Bucket, "get" | "update">) {
    this.bucket = bucket;
  }

  /**
   * Stores a list of orders under a new name. A crash leaves some chunks, which nothing names; they expire.
   * @throws Unavailable (retryable, under another name)
   */
  async store(selection: string, ids: readonly string[]): Promise<void> {
    const chunks = chunked(ids);
    const write = async (first: number): Promise<void> => {
      for (let chunk = first; chunk < chunks.length; chunk += WRITES)
        await this.once(itemsKey(selection, chunk), { ids: chunks[chunk] });
    };
    await Promise.all(Array.from({ length: WRITES }, (_, first) => write(first)));
  }

  /** The orders of a chunk; undefined: it is not stored, or not any more. @throws Unavailable (retryable) */
  async orders(selection: string, chunk: number): Promise<readonly string[] | undefined> {
    return textsIn(await this.read(itemsKey(selection, chunk)), "ids");
  }

  /** The outcomes of a chunk, in the order of its orders; undefined: none yet. @throws Unavailable (retryable) */
  async outcomes(bulk: string, chunk: number): Promise<readonly string[] | undefined> {
    return textsIn(await this.read(outcomesKey(bulk, chunk)), "outcomes");
  }

  /** Stores the outcomes of a chunk, unless it has some. @returns those that count @throws Unavailable (retryable) */
  async record(bulk: string, chunk: number, outcomes: readonly string[]): Promise<readonly string[]> {
    const stored = textsIn(await this.once(outcomesKey(bulk, chunk), { outcomes }), "outcomes");
    if (!stored) throw new Unavailable(`the outcomes of chunk ${chunk} of ${bulk} cannot be read`);
    return stored;
  }

  /** Marks a token as used by an operation. @returns the one that uses it @throws Unavailable (retryable) */
  async claim(token: string, bulk: string): Promise<string> {
    const { bulk: owner } = await this.once(`token.${token}`, { bulk });
    if (typeof owner !== "string") throw new Unavailable(`the mark of token ${token} cannot be read`);
    return owner;
  }

  /** Writes an entry unless there is one. @returns what is stored now */
  private async once(key: string, value: object): Promise<Readonly<Record<string, unknown>>> {
    const entry = { form: FORM, ...value };
    const result = await this.bucket.update(key, JSON.stringify(entry), 0);
    if (result.status === "stored") return entry;
    // It was there, or the answer was lost: what is there now counts.
    const stored = await this.read(key);
    if (stored) return stored;
    throw new Unavailable(`entry ${key} of a bulk operation is not stored: ${result.status}`);
  }

  private async read(key: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const found = await this.bucket.get(key);
    return found && parseObject(found.value);
  }
}

const itemsKey = (selection: string, chunk: number): string => `items.${selection}.${chunk}`;
const outcomesKey = (bulk: string, chunk: number): string => `outcomes.${bulk}.${chunk}`;

function textsIn(entry: Readonly<Record<string, unknown>> | undefined, field: string): string[] | undefined {
  const texts = isObject(entry) ? entry[field] : undefined;
  return Array.isArray(texts) && texts.every((one) => typeof one === "string") ? texts : undefined;
}
