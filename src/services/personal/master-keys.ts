/**
 * The keys of the key file: they wrap all other keys (key encryption keys), and nothing else.
 * Owns: the keys in memory.  Does not own: the file, the wrapped keys.
 * Invariants
 *   master.M1. Keys are wrapped by the first key of the file, and opened by any of them.
 *   master.M2. A wrapped key opens only under the name that it was wrapped for.
 * Proved by: test/unit/services/personal/master-keys.test.ts
 */
import { createHmac } from "node:crypto";
import { KEY_BYTES, openBytes, type Random, readSealedText, sealBytes, sealedText } from "./sealing.ts";

/** The key file cannot be used: what is wrong and how to make one. Not retryable. */
export class KeyFileInvalid extends Error {
  override readonly name = "KeyFileInvalid";
}

/** No key of the file has wrapped this one. Not retryable until the file has the key. */
export class MasterKeyMissing extends Error {
  override readonly name = "MasterKeyMissing";
}

type MasterKey = { readonly id: string; readonly key: Buffer };

const ID_LENGTH = 8;

/** The text of a key file with one more key, which becomes the first. @param text of the present file, or empty */
export function withNewKey(text: string, random: Random): string {
  return `${random(KEY_BYTES).toString("base64")}\n${text}`;
}

/** See the top of the file. */
export class MasterKeys {
  private readonly readFile: () => string;
  private readonly random: Random;
  private keys: readonly MasterKey[];

  /**
   * @param readFile returns the text of the key file: one key a line, in base64, the newest first; lines that begin
   *   with `#` are comments. It is called again for a key that the file did not have before.
   * @throws KeyFileInvalid
   */
  constructor(readFile: () => string, random: Random) {
    this.readFile = readFile;
    this.random = random;
    this.keys = keysIn(readFile());
  }

  /** Ids of the keys, the newest first. An id does not show its key. */
  ids(): string[] {
    return this.keys.map(({ id }) => id);
  }

  /** All keys as one text, only to be digested: nodes compare what their files hold. */
  secret(): string {
    return this.keys.map(({ key }) => key.toString("base64")).join("\n");
  }

  /** Wraps a key under a name, with the newest key. */
  wrap(name: string, key: Uint8Array): string {
    const newest = this.keys[0] as MasterKey;
    return sealedText(newest.id, sealBytes(newest.key, key, name, this.random));
  }

  /** Opens a wrapped key. @throws MasterKeyMissing; Unopenable: it is damaged, or of another name */
  unwrap(name: string, wrapped: string): Buffer {
    const read = readSealedText(wrapped);
    if (read === undefined) throw new MasterKeyMissing(`the key ${name} is not stored in a known form`);
    return openBytes(this.keyOf(read.keyId, name).key, read.sealed, name);
  }

  /** The id of the key that wrapped this one; undefined when it has no known form. */
  wrapperOf(wrapped: string): string | undefined {
    return readSealedText(wrapped)?.keyId;
  }

  private keyOf(id: string, name: string): MasterKey {
    const found = this.keys.find((key) => key.id === id);
    if (found) return found;
    // Another node runs with the next file already, and this machine has it too.
    this.keys = keysIn(this.readFile());
    const later = this.keys.find((key) => key.id === id);
    if (later) return later;
    throw new MasterKeyMissing(
      `the key ${name} is wrapped by ${id}, and the file of ORDERLY_PERSONAL_KEY_FILE has ${this.ids().join(", ")}`,
    );
  }
}

function keysIn(text: string): readonly MasterKey[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines.length === 0) throw new KeyFileInvalid("the file of ORDERLY_PERSONAL_KEY_FILE has no key");
  return lines.map((line, index) => {
    const key = Buffer.from(line, "base64");
    if (key.length !== KEY_BYTES || key.toString("base64") !== line)
      throw new KeyFileInvalid(
        `key ${index + 1} of the file of ORDERLY_PERSONAL_KEY_FILE is not ${KEY_BYTES} bytes in base64; ` +
          "`openssl rand -base64 32` makes one",
      );
    return { id: createHmac("sha256", key).update("id").digest("base64url").slice(0, ID_LENGTH), key };
  });
}
