/**
 * The text of an API key: `ok_<id>_<secret>_<checksum>`. The checksum lets scanners and clients recognize a key, and a
 * mistyped one. A stored key has only the hash of the secret: 190 random bits need no slow hash.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 10;
const SECRET_LENGTH = 32;
const FORM = /^ok_([0-9A-Za-z]{10})_([0-9A-Za-z]{32})_([0-9a-z]{7})$/u;

/** Draws random bytes. */
export type Random = (bytes: number) => Uint8Array;

/** A new key: its id, its text, and the hash that is stored. */
export function newKey(random: Random): {
  readonly id: string;
  readonly text: string;
  readonly hash: string;
} {
  const id = drawn(ID_LENGTH, random);
  const secret = drawn(SECRET_LENGTH, random);
  return { id, text: `ok_${id}_${secret}_${checksum(id, secret)}`, hash: hashOf(secret) };
}

/** The parts of a key's text; undefined for a text of another form or with a wrong checksum. */
export function readKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id = "", secret = "", sum] = FORM.exec(text) ?? [];
  return sum === undefined || sum !== checksum(id, secret) ? undefined : { id, secret };
}

/** Whether a secret has the stored hash; the time it takes says nothing of the hash. */
export function hasHash(secret: string, hash: string): boolean {
  const [own, stored] = [Buffer.from(hashOf(secret)), Buffer.from(hash)];
  return own.length === stored.length && timingSafeEqual(own, stored);
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");

/** Of the id and the secret, in base 36. */
const checksum = (id: string, secret: string): string =>
  crc32(`${id}_${secret}`).toString(36).padStart(7, "0");

/** Letters and digits, each as likely as any other: bytes above the last whole multiple of 62 are drawn again. */
function drawn(length: number, random: Random): string {
  const last = 256 - (256 % ALPHABET.length);
  let text = "";
  while (text.length < length)
    for (const byte of random(length))
      if (byte < last && text.length < length) text += ALPHABET[byte % ALPHABET.length];
  return text;
}
