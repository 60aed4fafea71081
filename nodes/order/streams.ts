/** The streams and buckets of the order application: the runtime's own, and the invoices'. Data only. */
import type { NodeSettings } from "../../config/settings.ts";
import {
  bucketStream,
  documentsStream,
  type StreamDefinition,
  type StreamSettings,
} from "../../src/adapters/nats/stream-definitions.ts";
import { INVOICE_NUMBERS, INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
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
    further: invoiceStreams(node),
  };
}

/** Invoice numbers: the counter of each year and the number of each order. Kept permanently. */
export const invoiceNumbersBucket = ({ replicas }: { readonly replicas: number }): StreamDefinition =>
  bucketStream(INVOICE_NUMBERS, { storage: "file", ageMs: 0, replicas });

/** Everything that the invoice worker stores. */
export const invoiceStreams = (settings: { readonly replicas: number }): readonly StreamDefinition[] => [
  invoiceNumbersBucket(settings),
  documentsStream(INVOICE_STORE, settings),
];
