/** Streams and buckets of the order application: the runtime's own, the invoices', the unmatched webhooks'. Data. */
import type { NodeSettings } from "../../config/settings.ts";
import {
  bucketStream,
  documentsStream,
  type StreamDefinition,
  type StreamSettings,
} from "../../src/adapters/nats/stream-definitions.ts";
import {
  BULK_ITEMS,
  BULK_ITEMS_AGE_MS,
  BULK_PARTITIONS,
  bulkSubjects,
} from "../../src/services/bulk/subjects.ts";
import { INVOICE_NUMBERS, INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
import {
  DELIVERIES_AGE_MS,
  WEBHOOK_DELIVERIES,
  WEBHOOK_ENDPOINTS,
} from "../../src/services/outgoing/subjects.ts";
import { KEY_LIFE_MS } from "../../src/services/personal/payment-tokens.ts";
import { AUDIT, AUDIT_ROOT } from "../../src/services/audit/chain.ts";
import { API_KEYS } from "../../src/services/access/api-keys.ts";
import { REVEAL_MS, REVEALS } from "../../src/services/access/reveals.ts";
import { PAYMENT_KEYS, PERSONAL_KEYS } from "../../src/services/personal/subjects.ts";
import { type WebhookSender, webhookSenders } from "../../src/services/webhooks/contract.ts";
import { UNMATCHED, unmatchedBounds } from "../../src/services/webhooks/subjects.ts";
import { subjects } from "../../src/services/subjects.ts";

/** What a node's settings say of its streams. */
export function streamSettings(
  node: Pick<NodeSettings, "replicas" | "partitions" | "streams" | "presenceTtlMs">,
): StreamSettings {
  const { replicas, partitions, streams } = node;
  return {
    subjects,
    replicas,
    partitions,
    streams,
    presenceAgeMs: node.presenceTtlMs,
    further: [
      ...invoiceStreams(node),
      personalKeysBucket(node),
      paymentKeysBucket(node),
      apiKeysBucket(node),
      revealsBucket(node),
      auditStream(node),
      ...webhookSenders.map((sender) => unmatchedBucket(sender, node)),
    ],
  };
}

/** The streams of the bulk operations: one of records, and their own buckets. */
export function bulkStreamSettings(node: Pick<NodeSettings, "replicas" | "presenceTtlMs">): StreamSettings {
  return {
    subjects: bulkSubjects,
    replicas: node.replicas,
    partitions: BULK_PARTITIONS,
    streams: 1,
    presenceAgeMs: node.presenceTtlMs,
    further: [bulkItemsBucket(node), webhookEndpointsBucket(node), webhookDeliveriesBucket(node)],
  };
}

/** Lists of orders, their outcomes and used tokens. The server deletes each at its age. */
export const bulkItemsBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(BULK_ITEMS, { storage: "file", ageMs: BULK_ITEMS_AGE_MS, replicas });

/** Endpoints of outgoing webhooks, and how far each has come. */
export const webhookEndpointsBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(WEBHOOK_ENDPOINTS, { storage: "file", ageMs: 0, replicas });

/** Deliveries of outgoing webhooks. The server deletes each at its age. */
export const webhookDeliveriesBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(WEBHOOK_DELIVERIES, { storage: "file", ageMs: DELIVERIES_AGE_MS, replicas });

/** Invoice numbers: the counter of each year and the number of each order. Kept permanently. */
export const invoiceNumbersBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(INVOICE_NUMBERS, { storage: "file", ageMs: 0, replicas });

/** Everything that the invoice worker stores. */
export const invoiceStreams = (settings: { readonly replicas: number }): readonly StreamDefinition[] => [
  invoiceNumbersBucket(settings),
  documentsStream(INVOICE_STORE, settings),
];

/** Wrapped keys of sealed data. A deleted key leaves its entry, without the key. */
export const personalKeysBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(PERSONAL_KEYS, { storage: "file", ageMs: 0, replicas });

/** Hashes of API keys: made once, changed when a key is revoked, never dropped. */
export const apiKeysBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(API_KEYS, { storage: "file", ageMs: 0, replicas });

/** Who has asked for which change: a chain for each node. The server refuses to delete, to purge and to roll up. */
export const auditStream = ({ replicas }: { readonly replicas: number }): StreamDefinition => ({
  ...bucketStream("", { storage: "file", ageMs: 0, replicas }),
  name: AUDIT,
  subjects: [`${AUDIT_ROOT}.>`],
  max_msgs_per_subject: -1,
  allow_rollup_hdrs: false,
  deny_purge: true,
});

/** Who may see which order without masks. The server drops each when it has ended. */
export const revealsBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(REVEALS, { storage: "file", ageMs: REVEAL_MS, replicas });

/** Wrapped keys of card tokens: the server deletes each at the age that ends it. */
export const paymentKeysBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(PAYMENT_KEYS, { storage: "file", ageMs: KEY_LIFE_MS, replicas });

/** One sender's signed messages that no order takes. The oldest are dropped at the bounds. */
export const unmatchedBucket = (
  sender: WebhookSender,
  { replicas }: { readonly replicas: number },
): StreamDefinition => {
  const { ageMs, messages, messageBytes } = unmatchedBounds;
  return {
    ...bucketStream(UNMATCHED[sender], { storage: "file", ageMs, replicas }),
    discard: "old",
    max_msgs: messages,
    max_msg_size: messageBytes,
    // An operator may delete what is dealt with.
    deny_delete: false,
  };
};
