/** Ids from the operating system's randomness. */
import { randomFillSync } from "node:crypto";
import type { Ids } from "../../runtime/ports.ts";

const ID_BYTES = 15;
/** Ids of one call of the operating system: one call for many ids is cheaper. */
const POOL_IDS = 256;

/** Tokens of 120 random bits, 20 characters of `A-Z a-z 0-9 - _`. */
export function randomIds(): Ids {
  const pool = Buffer.allocUnsafe(ID_BYTES * POOL_IDS);
  let used = pool.length;
  return {
    next() {
      if (used === pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      const id = pool.toString("base64url", used, used + ID_BYTES);
      used += ID_BYTES;
      return id;
    },
  };
}
