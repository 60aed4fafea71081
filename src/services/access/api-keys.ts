/**
 * API keys in one bucket, followed by every node: a request is decided from memory.
 * Owns: what this node knows of the keys.  Does not own: requests, roles of routes.
 * Invariants
 *   keys.K1. The entry with the highest revision counts, however answers and changes arrive.
 *   keys.K2. A key whose entry is revoked, expired, deleted or unreadable finds no caller.
 *   keys.K3. The bucket has hashes only: what it holds opens nothing.
 * Proved by: test/unit/services/access/api-keys.test.ts
 * A crash leaves a stored key whose text no caller has received; it can be revoked.
 */
import { parseObject } from "../../runtime/json.ts";
import { type Bucket, type Clock, type Log, type Subscription, Unavailable } from "../../runtime/ports.ts";
import { unavailable } from "../unavailable.ts";
import { type ApiKey, type ApiKeys, type Role, roles, type WantedKey } from "./contract.ts";
import { hasHash, newKey, type Random, readKey } from "./key-text.ts";

/** KV bucket of the keys: `key.<id>`. */
export const API_KEYS = "API_KEYS";
const PREFIX = "key.";
const TRIES = 10;

type Known = { readonly revision: number; readonly key: ApiKey | undefined; readonly hash: string };

/** What the keys need of their process. */
export type ApiKeysOptions = {
  readonly bucket: Pick<Bucket, "get" | "update" | "watch">;
  /** The server's time. */
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly log: Log;
};

/** See the top of the file. */
export class StoredApiKeys implements ApiKeys {
  private readonly options: ApiKeysOptions;
  private readonly known = new Map<string, Known>();

  constructor(options: ApiKeysOptions) {
    this.options = options;
  }

  /** Resolves when all present keys are known. @throws Unavailable (retryable) */
  async start(): Promise<Subscription> {
    return await this.options.bucket.watch(({ key, revision, value }) => {
      if (key.startsWith(PREFIX)) this.learn(key.slice(PREFIX.length), revision, value);
    });
  }

  find(text: string): ApiKey | undefined {
    const read = readKey(text);
    const { hash = "", key } = (read && this.known.get(read.id)) ?? {};
    return read && key && this.isNow(key) && hasHash(read.secret, hash) ? key : undefined;
  }

  list(): readonly ApiKey[] {
    const keys = [...this.known.values()].flatMap(({ key }) => key ?? []);
    return keys.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id));
  }

  async create(wanted: WantedKey): ReturnType<ApiKeys["create"]> {
    const { bucket, clock, random } = this.options;
    const { hash, id, text } = newKey(random);
    const key: ApiKey = { id, ...wanted, createdAt: new Date(clock.now()).toISOString(), revokedAt: null };
    const result = await bucket.update(PREFIX + id, JSON.stringify({ ...key, hash }), 0);
    if (result.status === "unanswered") return unavailable(`the key may be stored: ${result.reason}`);
    // 59 random bits: the id is another key's.
    if (result.status === "conflict") return await this.create(wanted);
    this.learn(id, result.revision, JSON.stringify({ ...key, hash }));
    return { status: "created", key, text };
  }

  async revoke(id: string): ReturnType<ApiKeys["revoke"]> {
    const { bucket, clock } = this.options;
    try {
      for (let attempt = 1; attempt <= TRIES; attempt++) {
        const stored = await bucket.get(PREFIX + id);
        const read = stored && readEntry(id, stored.value);
        if (!stored || !read) return { status: "not_found" };
        if (read.key.revokedAt !== null) {
          this.learn(id, stored.revision, stored.value);
          return { status: "revoked", key: read.key };
        }
        const key: ApiKey = { ...read.key, revokedAt: new Date(clock.now()).toISOString() };
        const value = JSON.stringify({ ...key, hash: read.hash });
        const result = await bucket.update(PREFIX + id, value, stored.revision);
        if (result.status === "unanswered") return unavailable(result.reason);
        if (result.status === "conflict") continue;
        this.learn(id, result.revision, value);
        return { status: "revoked", key };
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return unavailable(error.message);
    }
    return unavailable(`the key could not be revoked in ${TRIES} tries; repeat the request`);
  }

  isValid(id: string): boolean {
    const key = this.known.get(id)?.key;
    return key !== undefined && this.isNow(key);
  }

  private isNow({ expiresAt, revokedAt }: ApiKey): boolean {
    return revokedAt === null && (expiresAt === null || this.options.clock.now() < Date.parse(expiresAt));
  }

  private learn(id: string, revision: number, value: string | undefined): void {
    if (revision <= (this.known.get(id)?.revision ?? 0)) return;
    const read = value === undefined ? undefined : readEntry(id, value);
    if (value !== undefined && !read) this.options.log.error({ key: id }, "a stored API key cannot be read");
    this.known.set(id, { revision, key: read?.key, hash: read?.hash ?? "" });
  }
}

function readEntry(id: string, value: string): { readonly key: ApiKey; readonly hash: string } | undefined {
  const {
    createdAt,
    createdBy,
    customerId,
    expiresAt,
    hash,
    name,
    revokedAt,
    roles: held,
  } = parseObject(value) ?? {};
  if (!isText(name) || !isText(hash) || !isText(createdBy) || !isTime(createdAt)) return undefined;
  if (!orNull(customerId, isText) || !orNull(expiresAt, isTime) || !orNull(revokedAt, isTime))
    return undefined;
  if (!Array.isArray(held) || !held.every(isRole)) return undefined;
  return { hash, key: { id, name, roles: held, customerId, createdAt, createdBy, expiresAt, revokedAt } };
}

const isRole = (value: unknown): value is Role => roles.some((role) => role === value);

const isText = (one: unknown): one is string => typeof one === "string";
const isTime = (one: unknown): one is string => isText(one) && !Number.isNaN(Date.parse(one));
const orNull = <T>(one: unknown, is: (value: unknown) => value is T): one is T | null =>
  one === null || is(one);
