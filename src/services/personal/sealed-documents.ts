/**
 * Documents that are stored sealed: each under a key of its own, which its metadata holds, wrapped by the key of the
 * year in which it was stored. So documents stay readable after the erasure of a customer's data, as the law requires,
 * and a year's documents end with one key. Documents of earlier versions are plain, and are read as they are.
 * Owns nothing.
 */
import type { Documents, StoredDocument } from "../../runtime/workers/document-store.ts";
import type { SharedKeys } from "./shared-keys.ts";
import {
  KEY_BYTES,
  openBytes,
  type Random,
  readSealedText,
  sealBytes,
  sealedText,
  Unopenable,
} from "./sealing.ts";
import { documentsEntry } from "./subjects.ts";

/** What sealing documents needs. */
export type SealedDocumentsOptions = {
  readonly documents: Documents;
  readonly keys: SharedKeys;
  readonly random: Random;
  /** ms since the epoch, by the server's clock. */
  readonly now: () => number;
  /** Whether every present node can open sealed documents; a document is stored plain while one cannot. */
  readonly isOpenedByAll: () => Promise<boolean>;
};

/** Key of the metadata: the document's own key, sealed with the key of the year that the text names. */
const KEY = "key";

/** Documents, sealed when they are stored and opened when they are read. `get` also throws what `open` says. */
export function sealedDocuments(options: SealedDocumentsOptions): Documents {
  const { documents, keys, random, now, isOpenedByAll } = options;
  return {
    put: async (name, document) => {
      if (!(await isOpenedByAll())) return await documents.put(name, document);
      const year = String(new Date(now()).getUTCFullYear());
      const key = random(KEY_BYTES);
      const yearKey = await keys.ofEntry(documentsEntry(year));
      const wrapped = sealedText(year, sealBytes(yearKey, key, name, random));
      const bytes = sealBytes(key, document.bytes, name, random);
      await documents.put(name, { bytes, metadata: { ...document.metadata, [KEY]: wrapped } });
    },
    get: async (name) => {
      const found = await documents.get(name);
      return found && (await open(name, found, keys));
    },
  };
}

/** @throws Unavailable (retryable); MasterKeyMissing; KeyEntryUnreadable; Unopenable */
async function open(name: string, stored: StoredDocument, keys: SharedKeys): Promise<StoredDocument> {
  const { [KEY]: wrapped, ...metadata } = stored.metadata;
  if (wrapped === undefined) return stored;
  const read = readSealedText(wrapped);
  if (read === undefined) throw new Unopenable(`the key of the document ${name} has no known form`);
  const yearKey = await keys.ofExistingEntry(documentsEntry(read.keyId));
  const key = openBytes(yearKey, read.sealed, name);
  return { bytes: openBytes(key, stored.bytes, name), metadata };
}
