/** Names of the inventory's subjects. The inventory is in stream 0 with everything of it. */
import { token } from "../../runtime/subjects.ts";
import { subjects } from "../subjects.ts";

/** Number of the stream that the inventory is in. */
export const INVENTORY_STREAM = 0;

const KV = `$KV.${subjects.lockBucket(INVENTORY_STREAM)}`;

/** `id` is an order's id; a SKU is any text. */
export const inventorySubjects = {
  /** The reservation of an order: one for each order, expected 0 when it is made. */
  hold: (id: string) => `${subjects.prefix}.holds.${id}`,
  /** The stock of a SKU: appended, so that the log has its history. */
  stock: (sku: string) => `${KV}.stock.${token(sku)}`,
  /** The catalogue entry of a SKU. */
  item: (sku: string) => `${KV}.catalogue.${token(sku)}`,
  /** An adjustment, by its id: one for each idempotency key, expected 0 when it is made. */
  adjustment: (id: string) => `${KV}.adjustments.${token(id)}`,
  /** A put, by its id: one for each idempotency key, expected 0 when it is made. */
  put: (id: string) => `${KV}.puts.${token(id)}`,
  /** Requests to a shard's owner. Core NATS, outside the stream. */
  requests: (shard: number) => `inventory.${shard}`,
} as const;
