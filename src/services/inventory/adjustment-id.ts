import { createHmac } from "node:crypto";
import { TypeID } from "typeid-js";

const PREFIX = "adj";
/** A TypeID carries 128 bits. */
const ID_BYTES = 16;

/**
 * The id that belongs to a caller's idempotency key of an adjustment: the same on every node, and not predictable from
 * the key without the secret.
 */
export function adjustmentId(secret: string, caller: string, idempotencyKey: string): string {
  // JSON separates the parts; the prefix keeps the ids apart from those of orders with the same key.
  const digest = createHmac("sha256", secret)
    .update(JSON.stringify([PREFIX, caller, idempotencyKey]))
    .digest();
  return TypeID.fromUUIDBytes(PREFIX, digest.subarray(0, ID_BYTES)).toString();
}
