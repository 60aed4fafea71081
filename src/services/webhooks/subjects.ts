/** Names and bounds of the buckets of unmatched webhooks. The names are formats: stored messages depend on them. */
import type { WebhookSender } from "./contract.ts";

/** KV bucket of each sender's messages. */
export const UNMATCHED: Readonly<Record<WebhookSender, string>> = {
  payments: "UNMATCHED_PAYMENTS",
  carrier: "UNMATCHED_CARRIER",
};

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Bounds of each bucket; at a bound, its oldest messages are dropped. They are options of its stream: a node refuses a
 * stream with other ones. No bound of bytes: the server would reserve them on its disk.
 */
export const unmatchedBounds = {
  ageMs: 180 * DAY_MS,
  messages: 10_000,
  messageBytes: 32 * 1024,
} as const;
