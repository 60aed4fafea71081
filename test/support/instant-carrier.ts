/**
 * A carrier in this process, without a network: the tracking number is derived from the key, and every shipment stays
 * in memory.
 */
import { createHash } from "node:crypto";
import type { Carrier, LabelRequest } from "../../src/services/fulfillment/carrier.ts";

const labelOf = (key: string): { readonly trackingNumber: string } => ({
  trackingNumber: `ORD${createHash("sha256").update(key).digest("hex").slice(0, 14).toUpperCase()}`,
});

/** @param labels takes the requests */
export const carrierInMemory = (labels: LabelRequest[] = []): Carrier => ({
  createLabel: async (request, { key }) => {
    labels.push(request);
    return labelOf(key);
  },
  handOver: async () => ({ outcome: "taken" }),
  queryStatus: async ({ key }) => labelOf(key),
});

export const instantCarrier = carrierInMemory();
