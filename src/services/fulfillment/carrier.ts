/**
 * The carrier as Orderly needs it, and the fulfillment machine's effects on top of it.
 *
 * What an implementation must honour: a label is made once per key, whoever asks and however often; a parcel that is
 * handed over again stays handed over. What becomes of a parcel on its way the carrier tells by itself
 * (src/services/webhooks).
 */
import type {
  ConsignmentInput,
  ConsignmentOutput,
  LabelInput,
  LabelOutput,
} from "../../../machines/types.ts";
import type { EffectHandler } from "../../runtime/definition.ts";

/** What goes with a call for a label. */
export type LabelCall = {
  /** Names the label for ever: its repetitions carry the same key. At most 400 characters. */
  readonly key: string;
  readonly signal: AbortSignal;
};

/**
 * All methods throw EffectError: `refused` for a definite no, `retryable` when certainly nothing was done,
 * `unknown` when it may have been.
 */
export interface Carrier {
  createLabel(request: LabelInput, call: LabelCall): Promise<LabelOutput>;
  /** The parcel is the carrier's from now on. */
  handOver(request: ConsignmentInput, call: { readonly signal: AbortSignal }): Promise<ConsignmentOutput>;
  /** The label made under the key, `undefined` when there is none. */
  queryStatus(call: LabelCall): Promise<LabelOutput | undefined>;
}

/** By the `src` of the fulfillment machine's invokes. */
export type CarrierEffects = {
  readonly createShippingLabel: EffectHandler;
  readonly handOverParcel: EffectHandler;
};

/** Of one call. Nobody waits for a label; the caller of `ship` waits for the hand-over, 10 s by default. */
const TIMEOUT_MS = 5000;
/**
 * Tries while the carrier works for others, three seconds in all; longer pauses are the machine's. More than the
 * breaker's failures, so that a single order during an outage waits for the carrier instead of giving up.
 */
const MAX_ATTEMPTS = 6;
const BACKOFF_MS = 100;

/**
 * Handlers for `createShippingLabel` (LabelInput -> LabelOutput) and `handOverParcel` (ConsignmentInput ->
 * ConsignmentOutput). A label's key is the order's, so that a machine that asks again gets the label it had, and an
 * unknown outcome is looked up under it before the label is asked for again. A hand-over has no key: it can be repeated.
 */
export function carrierEffects(carrier: Carrier): CarrierEffects {
  const shared = {
    provider: "carrier",
    timeoutMs: TIMEOUT_MS,
    maxAttempts: MAX_ATTEMPTS,
    backoffMs: BACKOFF_MS,
  };
  return {
    createShippingLabel: {
      ...shared,
      run: ({ actor, input, signal }) => carrier.createLabel(input as LabelInput, labelCall(actor, signal)),
      queryStatus: async ({ actor, signal }) => {
        const output = await carrier.queryStatus(labelCall(actor, signal));
        return output === undefined ? ({ found: false } as const) : ({ found: true, output } as const);
      },
    },
    handOverParcel: {
      ...shared,
      run: ({ input, signal }) => carrier.handOver(input as ConsignmentInput, { signal }),
    },
  };
}

const labelCall = (order: string, signal: AbortSignal): LabelCall => ({ key: `${order}:label`, signal });
