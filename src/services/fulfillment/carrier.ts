/** The carrier that makes shipping labels, and the fulfillment machine's effect on top of it. */
import { createHash } from "node:crypto";
import type { LabelInput, LabelOutput } from "../../../machines/types.ts";
import type { EffectHandler } from "../../runtime/definition.ts";

/** Whoever takes the parcels. */
export interface Carrier {
  /**
   * Makes a label, once per key: a repetition gives the same tracking number.
   * @throws EffectError
   */
  createLabel(request: LabelInput, call: { key: string; signal: AbortSignal }): Promise<LabelOutput>;
}

/** Hexadecimal digits behind the prefix: 56 bits, enough to stay unique among many millions. */
const TRACKING_DIGITS = 14;

/** A carrier of our own that derives the tracking number from the key and needs no network. */
export const localCarrier: Carrier = {
  createLabel: (_request, { key }) => Promise.resolve({ trackingNumber: trackingNumber(key) }),
};

function trackingNumber(key: string): string {
  const digest = createHash("sha256").update(key).digest("hex");
  return `ORD${digest.slice(0, TRACKING_DIGITS).toUpperCase()}`;
}

/**
 * Handler for `createShippingLabel` (LabelInput -> LabelOutput). The key is the order's, so that a machine that
 * asks again gets the label it had.
 */
export function labelEffect(carrier: Carrier): EffectHandler {
  return {
    provider: "carrier",
    timeoutMs: 5000,
    maxAttempts: 4,
    backoffMs: 100,
    run: ({ actor, input, signal }) =>
      carrier.createLabel(input as LabelInput, { key: `${actor}:label`, signal }),
  };
}
