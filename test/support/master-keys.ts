/** Master keys for tests: the same in every process, and no file. */
import { randomBytes } from "node:crypto";
import { MasterKeys } from "../../src/services/personal/master-keys.ts";

const KEY = Buffer.alloc(32, "a key of the tests").toString("base64");

/** Keys as a node reads them from its file. @param text of the file */
export const masterKeysOf = (text: string = KEY): MasterKeys => new MasterKeys(() => text, randomBytes);
