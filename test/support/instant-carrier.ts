/**
 * A carrier in this process, without a network: the tracking number is derived from the key, and every shipment stays
 * in memory.
 */
import { createHash } from "node:crypto";
import type { Carrier } from "../../src/services/fulfillment/carrier.ts";

const labelOf = (key: string): { readonly trackingNumber: string } => ({
  trackingNumber: `ORD${createHash("sha256").update(key).digest("hex").slice(0, 14).toUpperCase()}`,
});

export const instantCarrier: Carrier = {
  createLabel: async (_request, { key }) => labelOf(key),
  handOver: async () => ({ outcome: "taken" }),
  queryStatus: async ({ key }) => labelOf(key),
};
