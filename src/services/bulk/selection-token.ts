/**
 * The token of a preview: what was previewed, sealed with a key that all nodes have. Nothing is stored for it, any node
 * opens it, and its holder reads and changes nothing of it: a filter may name a person.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { parseObject } from "../../runtime/json.ts";
import type { Known } from "../projection/contract.ts";
import type { BulkPlan } from "./contract.ts";

/** What a token says. */
export type Previewed = {
  /** Random: the token's own name. */
  readonly name: string;
  readonly plan: BulkPlan;
  /** Orders that fitted. */
  readonly count: number;
  /** What the list knew then: the start reads no older one. */
  readonly known: readonly Known[];
  /** ms since the epoch. */
  readonly expiresAt: number;
};

/** How long a token lives, ms. */
export const TOKEN_LIFE_MS = 5 * 60_000;

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of a token: version of its form. */
const FORM = 1;

/** Seals and opens tokens with one secret. */
export class SelectionTokens {
  private readonly key: Buffer;
  private readonly random: (bytes: number) => Buffer;

  /** @param secret equal on all nodes @param random tests only */
  constructor(secret: string, random: (bytes: number) => Buffer = randomBytes) {
    this.key = Buffer.from(hkdfSync("sha256", secret, "", "orderly bulk token", KEY_BYTES));
    this.random = random;
  }

  /** The token's text, URL-safe. */
  seal(previewed: Previewed): string {
    const iv = this.random(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, iv);
    const sealed = [cipher.update(JSON.stringify(previewed), "utf8"), cipher.final()];
    return Buffer.concat([Buffer.of(FORM), iv, cipher.getAuthTag(), ...sealed]).toString("base64url");
  }

  /** What a token says; undefined for a text that no node has made. */
  open(token: string): Previewed | undefined {
    const bytes = Buffer.from(token, "base64url");
    const [iv, tag] = [
      bytes.subarray(1, 1 + IV_BYTES),
      bytes.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES),
    ];
    if (bytes[0] !== FORM || tag.length < TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv(CIPHER, this.key, iv, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(tag);
      const opened = [decipher.update(bytes.subarray(1 + IV_BYTES + TAG_BYTES)), decipher.final()];
      // What has our tag is what we sealed.
      return parseObject(Buffer.concat(opened).toString("utf8")) as Previewed | undefined;
    } catch {
      return undefined;
    }
  }
}
