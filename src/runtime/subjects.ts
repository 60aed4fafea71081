/**
 * Names of subjects and buckets: one place, used by the runtime, the workers and the tests.
 * `partition` and `<i>` are small integers, `<id>` is a subject token (no dots, spaces or wildcards).
 */
export const STREAM = "KV_ORDERS";
export const LOCK_BUCKET = "ORDERS";
const KV = `$KV.${LOCK_BUCKET}`;

/** Bucket of a stream's locks, the stream being number 0, 1 ... (src/runtime/layout.ts). */
export const lockBucket = (stream: number): string =>
  stream === 0 ? LOCK_BUCKET : `${LOCK_BUCKET}_${stream}`;

export const buckets = {
  nodes: "NODES",
  floors: "FLOORS",
  processed: "PROCESSED",
  invoiceNumbers: "INVOICES_NUMBERS",
} as const;
export const DEAD_STREAM = "DEAD";
/** Object store of the invoices' PDFs, by order id. */
export const INVOICE_STORE = "INVOICES";

export const subjects = {
  /**
   * Lock of an owned resource (`partition.7`, `inventory.0`) in its stream; its last sequence is the epoch. The
   * inventory is in stream 0, a partition where src/runtime/layout.ts says.
   */
  lock: (resource: string, stream = 0) => `$KV.${lockBucket(stream)}.${resource}`,
  record: (partition: number, id: string) => `orders.journal.${partition}.${id}`,
  records: (partition: number) => `orders.journal.${partition}.>`,
  event: (partition: number, type: string) => `orders.events.${partition}.${type}`,
  inbox: (partition: number, id: string) => `orders.inbox.${partition}.${id}`,
  inboxes: (partition: number) => `orders.inbox.${partition}.>`,
  /** Whether an actor is parked: the last message counts (ADR 7). */
  parked: (partition: number, id: string) => `orders.parked.${partition}.${id}`,
  parkedActors: (partition: number) => `orders.parked.${partition}.>`,
  /** Of all partitions of a stream. */
  allParkedActors: "orders.parked.>",
  /** Carries a lock's fence when a batch has no other unfenced message, and marks time in the log. */
  fence: (resource: string) => `orders.fence.${resource}`,
  timer: (partition: number, id: string, machine: string, timer: string, generation: number) =>
    `orders.timers.${partition}.${id}.${machine}.${token(timer)}.${generation}`,
  hold: (id: string) => `orders.holds.${id}`,
  stock: (sku: string) => `${KV}.stock.${token(sku)}`,
  item: (sku: string) => `${KV}.catalogue.${token(sku)}`,
  /** Core NATS, outside the stream. */
  command: (partition: number) => `cmd.${partition}`,
  /** Answered with the boot id of the node's process, while it lives and is connected. */
  ping: (node: string) => `node.${token(node)}.ping`,
  inventory: (shard: number) => `inventory.${shard}`,
} as const;

const LOCK = new RegExp(String.raw`^\$KV\.${LOCK_BUCKET}(?:_([1-9]\d*))?\.(.+)$`);

/** What `subjects.lock` was made of. @throws for any other subject: a fault of the program */
export function lockParts(subject: string): { readonly stream: number; readonly resource: string } {
  const [, stream = "0", resource] = LOCK.exec(subject) ?? [];
  if (resource === undefined) throw new Error(`${subject} is no lock`);
  return { stream: Number(stream), resource };
}

/** Any text as one subject token: dots, spaces and wildcards become `=XX` (hex). Injective. */
export function token(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (char) =>
    [...new TextEncoder().encode(char)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

/** FNV-1a, 32 bits: stable for ever, because the partition of a stored order must never change. */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
