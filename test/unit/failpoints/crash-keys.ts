/** Sealed documents in a story. All randomness is fixed: a plan gives the same run again. */
import type { MemoryServer } from "../../../src/adapters/memory/server.ts";
import type { Failpoints } from "../../../src/runtime/failpoints.ts";
import type { Bucket } from "../../../src/runtime/ports.ts";
import type { Documents } from "../../../src/runtime/workers/document-store.ts";
import { SharedKeys } from "../../../src/services/personal/shared-keys.ts";
import { KeyEntries } from "../../../src/services/personal/key-entries.ts";
import { MasterKeys } from "../../../src/services/personal/master-keys.ts";
import { sealedDocuments } from "../../../src/services/personal/sealed-documents.ts";
import { PERSONAL_KEYS } from "../../../src/services/personal/subjects.ts";

const fixedBytes = (bytes: number): Buffer => Buffer.alloc(bytes, 7);
const KEY_FILE = fixedBytes(32).toString("base64");

/** The documents of one process. */
export function sealedInStory(
  documents: Documents,
  bucket: Bucket,
  now: () => number,
  failpoints?: Failpoints,
): Documents {
  const masterKeys = new MasterKeys(() => KEY_FILE, fixedBytes);
  return sealedDocuments({
    documents,
    keys: new SharedKeys(new KeyEntries(bucket, failpoints), masterKeys, fixedBytes),
    random: fixedBytes,
    now,
    isOpenedByAll: () => Promise.resolve(true),
  });
}

/** The documents as an audit reads them, with the keys in the server's own log. */
export function openedByAudit(documents: Documents, server: MemoryServer): Documents {
  const get: Bucket["get"] = (key) => {
    const entry = server.log(`KV_${PERSONAL_KEYS}`).all(`$KV.${PERSONAL_KEYS}.${key}`).at(-1);
    return Promise.resolve(entry && { key, value: entry.payload, revision: entry.sequence, at: entry.at });
  };
  return sealedInStory(documents, { get } as Bucket, () => 0);
}
