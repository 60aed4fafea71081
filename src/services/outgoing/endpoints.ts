/**
 * Endpoints of outgoing webhooks as they are stored, with their secrets sealed, and how far each has come.
 * Owns: the form of the bucket's entries.  Does not own: the bucket, the key of the secrets.
 */
import { isObject, parseObject } from "../../runtime/json.ts";
import { type Bucket, Unavailable } from "../../runtime/ports.ts";
import type { SharedKeys } from "../personal/shared-keys.ts";
import { openBytes, type Random, readSealedText, sealBytes, sealedText } from "../personal/sealing.ts";
import type { EndpointView } from "./contract.ts";
import { WEBHOOKS_KEY } from "./subjects.ts";

/** Sequences by stream: what is before or at them is over. */
export type Positions = readonly number[];

/** An endpoint as it is stored. `generation`: raised by each replay, which begins after `from` again. */
export type Endpoint = EndpointView & {
  /** Sealed text of the secret. */
  readonly secret: string;
  readonly generation: number;
  readonly from: Positions;
  /** The secret before a rotation, sealed, which signs too until then, ms since the epoch. */
  readonly former?: { readonly secret: string; readonly until: number };
};

/** A secret that signs until then, ms since the epoch; undefined: until it is rotated. */
export type SigningSecret = { readonly secret: string; readonly until?: number };

/** How far an endpoint has come within a generation. */
export type Progress = { readonly generation: number; readonly positions: Positions };

const FORM = 1;
const ENDPOINT = "endpoint.";
const POSITION = "position.";

/** The stored endpoints. All methods throw Unavailable (retryable). */
export class Endpoints {
  private readonly bucket: Bucket;

  constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  /** All of them, oldest first. */
  async all(): Promise<Endpoint[]> {
    const keys = (await this.bucket.keys()).filter((key) => key.startsWith(ENDPOINT));
    const found = await Promise.all(keys.map((key) => this.get(key.slice(ENDPOINT.length))));
    return found
      .flatMap((one) => one?.endpoint ?? [])
      .toSorted((a, b) =>
        a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? -1 : 1,
      );
  }

  /** Undefined: there is none, or its entry cannot be read. */
  async get(id: string): Promise<{ readonly endpoint: Endpoint; readonly revision: number } | undefined> {
    const entry = await this.bucket.get(ENDPOINT + id);
    const endpoint = entry && endpointIn(entry.value);
    return endpoint && { endpoint, revision: entry.revision };
  }

  /** Stores it if its entry has this revision; 0: none yet. @returns false when it has another one */
  async store(endpoint: Endpoint, revision: number): Promise<boolean> {
    const text = JSON.stringify({ form: FORM, ...endpoint });
    const result = await this.bucket.update(ENDPOINT + endpoint.id, text, revision);
    if (result.status === "unanswered") throw new Unavailable(`store endpoint: ${result.reason}`);
    return result.status === "stored";
  }

  async remove(id: string): Promise<void> {
    await this.bucket.delete(ENDPOINT + id);
    await this.bucket.delete(POSITION + id);
  }

  /** Where the endpoint goes on. */
  async progress(endpoint: Endpoint): Promise<Positions> {
    const entry = await this.bucket.get(POSITION + endpoint.id);
    const { generation, positions } = parseObject(entry?.value ?? "") ?? {};
    return generation === endpoint.generation && isPositions(positions) ? positions : endpoint.from;
  }

  async advance(id: string, progress: Progress): Promise<void> {
    await this.bucket.put(POSITION + id, JSON.stringify({ form: FORM, ...progress }));
  }

  /** Calls back when an endpoint was made, changed or removed. @returns ends it */
  async watch(onChange: () => void): Promise<{ stop(): Promise<void> }> {
    return await this.bucket.watch(({ key }) => {
      if (key.startsWith(ENDPOINT)) onChange();
    });
  }
}

const isPositions = (value: unknown): value is Positions =>
  Array.isArray(value) && value.every((one) => Number.isSafeInteger(one));

function endpointIn(text: string): Endpoint | undefined {
  const read = parseObject(text);
  if (!isObject(read) || read["form"] !== FORM) return undefined;
  const { createdAt, former, from, generation, id, secret, types, url } = read;
  const areTexts = [createdAt, id, secret, url].every((one) => typeof one === "string");
  if (!areTexts || !Array.isArray(types) || !isPositions(from) || typeof generation !== "number")
    return undefined;
  const isFormer =
    isObject(former) && typeof former["secret"] === "string" && typeof former["until"] === "number";
  const endpoint = { createdAt, from, generation, id, secret, types, url } as Endpoint;
  return isFormer ? { ...endpoint, former: former as NonNullable<Endpoint["former"]> } : endpoint;
}

/** What the API shows of an endpoint: not its secret. */
export const endpointView = ({ createdAt, id, types, url }: Endpoint): EndpointView => ({
  id,
  url,
  types,
  createdAt,
});

/** Seals and opens the secrets of endpoints with a key of `PERSONAL_KEYS`. */
export class EndpointSecrets {
  private readonly keys: Pick<SharedKeys, "ofEntry" | "ofExistingEntry">;
  private readonly random: Random;

  constructor(keys: Pick<SharedKeys, "ofEntry" | "ofExistingEntry">, random: Random) {
    this.keys = keys;
    this.random = random;
  }

  /** @throws Unavailable (retryable); MasterKeyMissing */
  async seal(id: string, secret: string): Promise<string> {
    const key = await this.keys.ofEntry(WEBHOOKS_KEY);
    return sealedText(WEBHOOKS_KEY, sealBytes(key, Buffer.from(secret), id, this.random));
  }

  /**
   * The secrets that sign for an endpoint, the newest first.
   * @throws Unavailable (retryable); MasterKeyMissing; KeyEntryUnreadable; Unopenable
   */
  async open({ former, id, secret }: Pick<Endpoint, "former" | "id" | "secret">): Promise<SigningSecret[]> {
    const newest = { secret: await this.text(id, secret) };
    return former ? [newest, { secret: await this.text(id, former.secret), until: former.until }] : [newest];
  }

  private async text(id: string, secret: string): Promise<string> {
    const read = readSealedText(secret);
    if (!read) throw new Error(`the secret of endpoint ${id} has no known form`);
    const key = await this.keys.ofExistingEntry(read.keyId);
    return openBytes(key, read.sealed, id).toString();
  }
}
