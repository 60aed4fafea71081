import { createHmac } from "node:crypto";
import { TypeID } from "typeid-js";

type Prefix = "adj" | "put";
/** A TypeID carries 128 bits. */
const ID_BYTES = 16;

/**
 * The id that belongs to a caller's idempotency key of an adjustment: the same on every node, and not predictable from
 * the key without the secret.
 */
export function adjustmentId(secret: string, caller: string, idempotencyKey: string): string {
  return keyedId("adj", secret, caller, idempotencyKey);
}

/** The same of a put. */
export function putId(secret: string, caller: string, idempotencyKey: string): string {
  return keyedId("put", secret, caller, idempotencyKey);
}

function keyedId(prefix: Prefix, secret: string, caller: string, idempotencyKey: string): string {
  // JSON separates the parts; the prefix keeps ids of different kinds, and those of orders, with the same key apart.
  const digest = createHmac("sha256", secret)
    .update(JSON.stringify([prefix, caller, idempotencyKey]))
    .digest();
  return TypeID.fromUUIDBytes(prefix, digest.subarray(0, ID_BYTES)).toString();
}
