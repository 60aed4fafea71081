/** Keys over a bucket of keys as one process has them. */
import { randomBytes } from "node:crypto";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Failpoints } from "../../../../src/runtime/failpoints.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { CustomerKeys } from "../../../../src/services/personal/customer-keys.ts";
import { KeyEntries } from "../../../../src/services/personal/key-entries.ts";
import { PersonalData, type SealedData } from "../../../../src/services/personal/personal-data.ts";
import { SharedKeys } from "../../../../src/services/personal/shared-keys.ts";
import { masterKeysOf } from "../../../support/master-keys.ts";

/** @param keyFile the text of the key file; the one of the tests when absent */
export const sharedKeysOf = (bucket: Bucket, keyFile?: string, failpoints?: Failpoints): SharedKeys =>
  new SharedKeys(new KeyEntries(bucket, failpoints), masterKeysOf(keyFile), randomBytes);

export type PersonalStage = {
  /** The process's own. */
  readonly clock: VirtualClock;
  readonly entries: KeyEntries;
  readonly shared: SharedKeys;
  readonly keys: CustomerKeys;
  readonly personal: PersonalData;
};

/** What one process seals and opens personal data with. */
export function personalStage(bucket: Bucket, failpoints?: Failpoints): PersonalStage {
  const clock = new VirtualClock();
  const entries = new KeyEntries(bucket, failpoints);
  const shared = sharedKeysOf(bucket, undefined, failpoints);
  const keys = new CustomerKeys({ entries, shared, masterKeys: masterKeysOf(), random: randomBytes, clock });
  return { clock, entries, shared, keys, personal: new PersonalData(keys, randomBytes, clock) };
}

/** Seals as for an order that is stored at once. */
export const sealedOf = (
  { personal }: PersonalStage,
  customerId: string,
  orderId: string,
  data: object,
): Promise<SealedData> =>
  personal.whileSealed({ customerId, orderId, personal: data }, (sealed) =>
    Promise.resolve({ value: sealed, isOver: true }),
  );
