/**
 * Sealed bytes and texts: AES-256-GCM with a nonce of their own, and the name of what they belong to as associated
 * data, so that a sealed value opens only where it was sealed for. Pure except for the randomness that is passed in.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

/** Random bytes that cannot be guessed. */
export type Random = (bytes: number) => Buffer;

/** Bytes of a key. */
export const KEY_BYTES = 32;

const CIPHER = "aes-256-gcm";
/** The length that GCM is made for (NIST SP 800-38D, 8.2). One key seals far less than 2^32 values. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Version of the textual form. */
const FORM = "v1";

/** A sealed value is damaged, or it was sealed for something else or with another key. Not retryable. */
export class Unopenable extends Error {
  override readonly name = "Unopenable";
}

/** Seals bytes: nonce, ciphertext and tag, one after the other. @param associated what the value belongs to */
export function sealBytes(key: Uint8Array, plain: Uint8Array, associated: string, random: Random): Buffer {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(associated));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealBytes` has made. @throws Unopenable */
export function openBytes(key: Uint8Array, sealed: Uint8Array, associated: string): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Unopenable("a sealed value is too short");
  const end = sealed.length - TAG_BYTES;
  try {
    const cipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(Buffer.from(associated));
    cipher.setAuthTag(sealed.subarray(end));
    return Buffer.concat([cipher.update(sealed.subarray(NONCE_BYTES, end)), cipher.final()]);
  } catch (cause) {
    throw new Unopenable(`a sealed value of ${associated} does not open with this key`, { cause });
  }
}

/** A sealed text, and which key opens it. */
export type SealedText = { readonly keyId: string; readonly sealed: Buffer };

/** The textual form `v1.<key id>.<nonce>.<ciphertext>.<tag>`, the last three in base64url. No part has a dot. */
export function sealedText(keyId: string, sealed: Buffer): string {
  const end = sealed.length - TAG_BYTES;
  const parts = [sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES, end), sealed.subarray(end)];
  return [FORM, keyId, ...parts.map((part) => part.toString("base64url"))].join(".");
}

/** Reads the textual form; undefined for any other text. */
export function readSealedText(text: string): SealedText | undefined {
  const [form, keyId, ...parts] = text.split(".");
  if (form !== FORM || !keyId || parts.length !== 3) return undefined;
  const [nonce, ciphertext, tag] = parts.map((part) => Buffer.from(part, "base64url"));
  if (nonce?.length !== NONCE_BYTES || tag?.length !== TAG_BYTES || !ciphertext) return undefined;
  return { keyId, sealed: Buffer.concat([nonce, ciphertext, tag]) };
}
