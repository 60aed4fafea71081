/**
 * The carrier as Orderly needs it, and the fulfillment machine's effects on top of it.
 *
 * What an implementation must honor: a label is made once per key, however often it is requested; a parcel that is
 * handed over again stays handed over. The carrier reports the delivery by itself (src/services/webhooks).
 */
import type { OpenFacts, OrderFacts } from "../../../machines/order-facts.ts";
import type {
  ConsignmentInput,
  ConsignmentOutput,
  LabelInput,
  LabelOutput,
  ShippingAddress,
} from "../../../machines/types.ts";
import { EffectError, type EffectHandler } from "../../runtime/definition.ts";
import { openedFacts, type OpensPersonal, withoutKeys } from "../orders/personal.ts";
import { ERASED } from "../personal/personal-data.ts";

/** A label as the carrier makes it. */
export type LabelRequest = LabelInput & { readonly shippingAddress: ShippingAddress };

/** The parts of a call for a label besides its request. */
export type LabelCall = {
  /** Identifies the label permanently: repetitions carry the same key. At most 400 characters. */
  readonly key: string;
  readonly signal: AbortSignal;
};

/**
 * All methods throw EffectError: `refused` for a definite refusal, `retryable` when certainly nothing was done,
 * `unknown` when the call may have been carried out.
 */
export interface Carrier {
  /** Makes the shipping label of an order's parcel. */
  createLabel(request: LabelRequest, call: LabelCall): Promise<LabelOutput>;
  /** Hands the parcel over: the carrier is responsible for it from now on. */
  handOver(request: ConsignmentInput, call: { readonly signal: AbortSignal }): Promise<ConsignmentOutput>;
  /** The label made under the key, `undefined` when there is none. */
  queryStatus(call: LabelCall): Promise<LabelOutput | undefined>;
}

/** By the `src` of the fulfillment machine's invokes. */
export type CarrierEffects = {
  readonly createShippingLabel: EffectHandler;
  readonly handOverParcel: EffectHandler;
};

/** Limit of one call. No caller waits for a label; the caller of `ship` waits for the hand-over, 10 s by default. */
const TIMEOUT_MS = 5000;
/**
 * Tries in memory, three seconds in all; longer pauses are the machine's. More than the failures that open the circuit
 * breaker, so that a single order during an outage waits for the carrier instead of failing.
 */
const MAX_ATTEMPTS = 6;
const BACKOFF_MS = 100;

/**
 * Handlers for `createShippingLabel` (LabelInput -> LabelOutput) and `handOverParcel` (ConsignmentInput ->
 * ConsignmentOutput). A label's key derives from the order's id, so that a repeated request gets the same label. After
 * an unknown outcome the runtime queries the status under that key before it repeats the request. A hand-over needs no
 * status query: it can be repeated.
 * @param open opens the receiver's address
 */
export function carrierEffects(carrier: Carrier, open: OpensPersonal = withoutKeys): CarrierEffects {
  const shared = {
    provider: "carrier",
    timeoutMs: TIMEOUT_MS,
    maxAttempts: MAX_ATTEMPTS,
    backoffMs: BACKOFF_MS,
  };
  return {
    createShippingLabel: {
      ...shared,
      run: async ({ actor, facts, input, signal }) => {
        const opened = await openedFacts(actor, facts as OrderFacts, open);
        if (opened === ERASED)
          throw new EffectError("refused", "personal_data_erased", "the customer's personal data was erased");
        const request = labelRequest(input as LabelInput, opened);
        return await carrier.createLabel(request, labelCall(actor, signal));
      },
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

/** A label names its receiver. An input that version 4 of the machine has stored has the address itself. */
function labelRequest(input: LabelInput, { personal }: OpenFacts): LabelRequest {
  const { customer, shippingAddress } = personal;
  return { shippingAddress: { name: customer.name, ...shippingAddress }, ...input };
}

const labelCall = (order: string, signal: AbortSignal): LabelCall => ({ key: `${order}:label`, signal });
