import { createHash, createHmac } from "node:crypto";
import { TypeID } from "typeid-js";
import type { Ids } from "../../runtime/ports.ts";

const PREFIX = "ord";
/** A TypeID carries 128 bits. */
const ID_BYTES = 16;

/** A fresh order id. */
export function drawnOrderId(ids: Ids): string {
  return `${PREFIX}_${ids.next()}`;
}

/**
 * The id that belongs to a caller's idempotency key: the same on every node, and not predictable from the key without
 * the secret.
 */
export function derivedOrderId(secret: string, caller: string, idempotencyKey: string): string {
  // JSON separates the two: ("a", "bc") and ("ab", "c") must not share an id.
  const digest = createHmac("sha256", secret)
    .update(JSON.stringify([caller, idempotencyKey]))
    .digest();
  return TypeID.fromUUIDBytes(PREFIX, digest.subarray(0, ID_BYTES)).toString();
}

/** Hash of a request, the same whatever the order of its keys. */
export function requestHash(request: unknown): string {
  return createHash("sha256").update(canonicalJson(request)).digest("base64url");
}

/** JSON with sorted keys and without undefined values. Depth is bounded by the request's schema. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
