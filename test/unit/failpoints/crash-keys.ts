/** What is sealed in a story. All randomness is fixed: a plan gives the same run again. */
import type { MemoryServer } from "../../../src/adapters/memory/server.ts";
import type { Failpoints } from "../../../src/runtime/failpoints.ts";
import type { Bucket, Clock } from "../../../src/runtime/ports.ts";
import type { Documents } from "../../../src/runtime/workers/document-store.ts";
import type { OrderSeals } from "../../../src/services/orders/personal.ts";
import { CustomerKeys } from "../../../src/services/personal/customer-keys.ts";
import { KeyEntries } from "../../../src/services/personal/key-entries.ts";
import { MasterKeys } from "../../../src/services/personal/master-keys.ts";
import { PaymentTokens } from "../../../src/services/personal/payment-tokens.ts";
import { PersonalData } from "../../../src/services/personal/personal-data.ts";
import { sealedDocuments } from "../../../src/services/personal/sealed-documents.ts";
import { SharedKeys } from "../../../src/services/personal/shared-keys.ts";
import { PAYMENT_KEYS, PERSONAL_KEYS } from "../../../src/services/personal/subjects.ts";

const fixedBytes = (bytes: number): Buffer => Buffer.alloc(bytes, 7);
const KEY_FILE = fixedBytes(32).toString("base64");

/** The buckets of keys. */
export const KEY_BUCKETS = [PERSONAL_KEYS, PAYMENT_KEYS];

/** What one process seals and opens. */
export type StoryKeys = { readonly shared: SharedKeys; readonly seals: OrderSeals };

/** The keys of one process. */
export function keysInStory(
  bucket: (name: string) => Bucket,
  clock: Pick<Clock, "now" | "monotonic" | "after">,
  failpoints?: Failpoints,
): StoryKeys {
  const masterKeys = new MasterKeys(() => KEY_FILE, fixedBytes);
  const entries = new KeyEntries(bucket(PERSONAL_KEYS), failpoints);
  const shared = new SharedKeys(entries, masterKeys, fixedBytes);
  const customers = new CustomerKeys({ entries, shared, masterKeys, random: fixedBytes, clock });
  const slots = new SharedKeys(new KeyEntries(bucket(PAYMENT_KEYS), failpoints), masterKeys, fixedBytes);
  const seals: OrderSeals = {
    personal: new PersonalData(customers, fixedBytes, clock),
    tokens: new PaymentTokens(slots, fixedBytes, clock),
    areOpenedByAll: () => true,
  };
  return { shared, seals };
}

/** The documents of one process. */
export function sealedInStory(documents: Documents, keys: SharedKeys, now: () => number): Documents {
  return sealedDocuments({
    documents,
    keys,
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
  const { shared } = keysInStory(() => ({ get }) as Bucket, server.options.clock);
  return sealedInStory(documents, shared, () => 0);
}
