/** The key file of an order node, and what is sealed with it. Composition only. */
import { randomBytes, randomFillSync } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { NodeSettings } from "../../config/settings.ts";
import { untilAvailable } from "../../src/adapters/jetstream/retry-until-available.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { nodesBucket } from "../../src/adapters/nats/stream-definitions.ts";
import type { Failpoints } from "../../src/runtime/failpoints.ts";
import type { Clock } from "../../src/runtime/ports.ts";
import type { Documents } from "../../src/runtime/workers/document-store.ts";
import { CustomerKeys } from "../../src/services/personal/customer-keys.ts";
import { PaymentTokens } from "../../src/services/personal/payment-tokens.ts";
import { PersonalData } from "../../src/services/personal/personal-data.ts";
import type { Random } from "../../src/services/personal/sealing.ts";
import { SharedKeys } from "../../src/services/personal/shared-keys.ts";
import { KeyEntries } from "../../src/services/personal/key-entries.ts";
import { KeyFileInvalid, MasterKeys, withNewKey } from "../../src/services/personal/master-keys.ts";
import { sealedDocuments } from "../../src/services/personal/sealed-documents.ts";
import { openedByAll } from "../../src/services/personal/sealed-form.ts";
import { INDEX_ENTRY } from "../../src/services/personal/subjects.ts";
import { paymentKeysBucket, personalKeysBucket, streamSettings } from "./streams.ts";

/** For its user alone. */
const FILE_MODE = 0o600;
const CHECK_TIMEOUT_MS = 30_000;
const POOL_BYTES = 16_384;
/** New customers' keys that are stored while another group of them is, are the next group. */
const GATHER_MS = 0;

/** Reads the file of the keys. @throws KeyFileInvalid */
export function keyFileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeyFileInvalid(`ORDERLY_PERSONAL_KEY_FILE cannot be read: ${reason}`);
  }
}

/**
 * Opens the key file. In development one that is missing is made first; of several processes that do so at once, one
 * makes it and all others read it.
 * @throws KeyFileInvalid
 */
export function openMasterKeys(settings: Pick<NodeSettings, "personalKeyFile" | "development">): MasterKeys {
  const { personalKeyFile, development } = settings;
  // Nothing is written where there is one: the disk may be full.
  if (development && !existsSync(personalKeyFile)) makeKeyFile(personalKeyFile);
  return new MasterKeys(() => keyFileText(personalKeyFile), randomBytes);
}

/** Makes a key file with one key, whole, unless there is a file. */
export function makeKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const written = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(written, withNewKey("", randomBytes), { mode: FILE_MODE, flag: "wx" });
  try {
    // Unlike a renamed file, a link never replaces one that is there.
    linkSync(written, path);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error;
  } finally {
    rmSync(written);
  }
}

/** Puts a new key before the keys of a file. A reader finds the former file or the new one. */
export function addKey(path: string): void {
  const written = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(written, withNewKey(keyFileText(path), randomBytes), { mode: FILE_MODE, flag: "wx" });
  renameSync(written, path);
}

/**
 * Random bytes, drawn from the operating system for many nonces at once: one call for each would be a tenth of the cost
 * of sealing.
 */
export function pooledRandom(): Random {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const taken = Buffer.from(pool.subarray(used, used + bytes));
    // What was handed out does not stay in memory.
    pool.fill(0, used, used + bytes);
    used += bytes;
    return taken;
  };
}

/** What a process of a node needs to seal and open. */
export type KeyOptions = {
  readonly settings: NodeSettings;
  readonly masterKeys: MasterKeys;
  readonly link: NatsLink;
  readonly clock: Pick<Clock, "now" | "monotonic" | "after">;
  readonly failpoints?: Failpoints | undefined;
};

/** What is opened and sealed with the buckets of keys, which must exist. */
export type Keys = {
  readonly entries: KeyEntries;
  readonly shared: SharedKeys;
  readonly customers: CustomerKeys;
  readonly personal: PersonalData;
  readonly tokens: PaymentTokens;
};

/** Opens the buckets of keys. */
export function openKeys({ settings, masterKeys, link, clock, failpoints }: KeyOptions): Keys {
  const random = pooledRandom();
  const entries = new KeyEntries(natsBucket(link, personalKeysBucket(settings), GATHER_MS), failpoints);
  const shared = new SharedKeys(entries, masterKeys, random);
  const customers = new CustomerKeys({ entries, shared, masterKeys, random, clock });
  const slots = new KeyEntries(natsBucket(link, paymentKeysBucket(settings)), failpoints);
  return {
    entries,
    shared,
    customers,
    personal: new PersonalData(customers, random, clock),
    tokens: new PaymentTokens(new SharedKeys(slots, masterKeys, random), random, clock),
  };
}

/**
 * Opens a key that every cluster has, or makes it, so that a node whose file does not open the cluster's keys does not
 * start. @throws MasterKeyMissing; Unavailable
 */
export async function checkKeyFile(keys: SharedKeys): Promise<void> {
  await untilAvailable(CHECK_TIMEOUT_MS, () => keys.ofEntry(INDEX_ENTRY));
}

/** The documents of a store, sealed while every present node can open them. The buckets must exist. */
export function sealed(documents: Documents, keys: SharedKeys, options: KeyOptions): Documents {
  const { settings, link, clock } = options;
  return sealedDocuments({
    documents,
    keys,
    random: randomBytes,
    now: () => clock.now(),
    isOpenedByAll: openedByAll(natsBucket(link, nodesBucket(streamSettings(settings))), clock),
  });
}
