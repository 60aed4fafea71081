/** Keys over a bucket of keys as one process has them. */
import { randomBytes } from "node:crypto";
import type { Failpoints } from "../../../../src/runtime/failpoints.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { SharedKeys } from "../../../../src/services/personal/shared-keys.ts";
import { KeyEntries } from "../../../../src/services/personal/key-entries.ts";
import { masterKeysOf } from "../../../support/master-keys.ts";

/** @param keyFile the text of the key file; the one of the tests when absent */
export const sharedKeysOf = (bucket: Bucket, keyFile?: string, failpoints?: Failpoints): SharedKeys =>
  new SharedKeys(new KeyEntries(bucket, failpoints), masterKeysOf(keyFile), randomBytes);
