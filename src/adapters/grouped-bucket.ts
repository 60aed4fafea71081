/**
 * A bucket whose concurrent updates share atomic batches: a batch costs the server one write to disk, however many
 * entries it holds, and single updates cost one each.
 * Owns: updates that wait, and the group in flight.  Does not own: the bucket, the meaning of its entries.
 * Invariants
 *   G1. At most one group is in flight; what comes meanwhile is the next one.
 *   G2. An update is answered as it would be alone: a refused batch is taken apart, for it tells of no culprit.
 * Proved by: test/integration/grouped-bucket.test.ts, test/unit/grouped-bucket.test.ts
 */
import type { Bucket, CasResult, Journal } from "../runtime/ports.ts";

type Update = {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly answer: PromiseWithResolvers<CasResult>;
};

/** Fewer are sent one by one, at the same time: a batch has a fixed cost of several single writes. */
const BATCH_MIN = 6;
const BATCH_MAX = 256;
const BATCH_TIMEOUT_MS = 3_000;

/**
 * @param name of the bucket, without `KV_`; its stream has to allow atomic batches
 * @param journal anything that appends to the bucket's server
 */
export function groupedBucket(name: string, bucket: Bucket, journal: Pick<Journal, "append">): Bucket {
  const group = new Group(`$KV.${name}.`, bucket, journal);
  return {
    get: (key) => bucket.get(key),
    put: (key, value) => bucket.put(key, value),
    update: (key, value, revision) => group.update(key, value, revision),
    delete: (key) => bucket.delete(key),
    keys: () => bucket.keys(),
    watch: (onChange) => bucket.watch(onChange),
  };
}

class Group {
  readonly #prefix: string;
  readonly #bucket: Bucket;
  readonly #journal: Pick<Journal, "append">;
  #waiting: Update[] = [];
  #sending = false;

  constructor(prefix: string, bucket: Bucket, journal: Pick<Journal, "append">) {
    this.#prefix = prefix;
    this.#bucket = bucket;
    this.#journal = journal;
  }

  update(key: string, value: string, revision: number): Promise<CasResult> {
    const answer = Promise.withResolvers<CasResult>();
    this.#waiting.push({ key, value, revision, answer });
    if (!this.#sending) void this.#send();
    return answer.promise;
  }

  async #send(): Promise<void> {
    this.#sending = true;
    // Whoever writes in the same moment shares the first group too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#take();
      if (group.length < BATCH_MIN) await this.#oneByOne(group);
      else await this.#together(group);
    }
    this.#sending = false;
  }

  /** The oldest, each key once: a batch cannot check a subject that it has written itself. */
  #take(): Update[] {
    const keys = new Set<string>();
    const group: Update[] = [];
    const rest: Update[] = [];
    for (const update of this.#waiting) {
      if (group.length === BATCH_MAX || keys.has(update.key)) rest.push(update);
      else group.push(update);
      keys.add(update.key);
    }
    this.#waiting = rest;
    return group;
  }

  async #together(group: readonly Update[]): Promise<void> {
    const messages = group.map(({ key, value, revision }) => {
      const subject = this.#prefix + key;
      return { subject, payload: value, fence: { subject, sequence: revision } };
    });
    const result = await this.#journal.append(messages, BATCH_TIMEOUT_MS);
    if (result.status === "rejected") return this.#oneByOne(group);
    for (const [index, { answer }] of group.entries()) {
      if (result.status === "unanswered") answer.resolve(result);
      else answer.resolve({ status: "stored", revision: result.lastSequence - group.length + 1 + index });
    }
  }

  async #oneByOne(group: readonly Update[]): Promise<void> {
    await Promise.all(
      group.map(async ({ key, value, revision, answer }) => {
        try {
          answer.resolve(await this.#bucket.update(key, value, revision));
        } catch (error) {
          answer.reject(error);
        }
      }),
    );
  }
}
