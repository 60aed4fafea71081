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

/**
 * The id of a command with an idempotency key: one for each order, caller and key, and at its end a digest of what is
 * asked. Neither can be guessed without the secret.
 */
export function keyedCommandId(
  secret: string,
  orderId: string,
  { caller, idempotencyKey }: { readonly caller: string; readonly idempotencyKey: string },
  command: object,
  reason: string | undefined,
): string {
  const digest = (of: unknown): string =>
    createHmac("sha256", secret)
      .update(canonicalJson(of))
      .digest()
      .subarray(0, ID_BYTES)
      .toString("base64url");
  return `key/${digest([orderId, caller, idempotencyKey, "command"])}~${digest([command, reason, "command"])}`;
}

/** Hash of a request, the same whatever the order of its keys. */
export function requestHash(request: unknown): string {
  return createHash("sha256").update(canonicalJson(request)).digest("base64url");
}

/** The hashes of a request that creates an order: the one to store, and the one that may be stored already. */
export type RequestHashes = readonly [stored: string, other: string];

/**
 * Hashes of a request with personal data. The one that is stored is keyed, 16 bytes: without the secret it confirms
 * no guess of a name or an address. Version 0.1.0 stores the unkeyed one, and knows no other.
 * @param unkeyed whether a node that only knows the unkeyed one may have to answer a repeat
 */
export function requestHashes(secret: string, request: object, unkeyed: boolean): RequestHashes {
  // JSON of an object: no caller and key, of which ids are derived, have it.
  const text = canonicalJson(request);
  const digest = createHmac("sha256", secret).update(text).digest();
  const keyed = digest.subarray(0, ID_BYTES).toString("base64url");
  const former = createHash("sha256").update(text).digest("base64url");
  return unkeyed ? [former, keyed] : [keyed, former];
}

/** Whether a start was refused only because its order was stored with the other hash of the same request. */
export function hasOtherHash(
  reply: { readonly status: string; readonly snapshot?: { readonly request?: string } },
  hashes: RequestHashes | undefined,
): hashes is RequestHashes {
  return reply.status === "request_mismatch" && hashes !== undefined && reply.snapshot?.request === hashes[1];
}

/** JSON with sorted keys and without undefined values. Depth is bounded by the request's schema. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
