/** The payment machine's effects, carried out by a gateway. */
import { type EffectContext, EffectError, type EffectHandler } from "../../runtime/definition.ts";
import type {
  AuthorizeInput,
  CheckInput,
  PageInput,
  SettleInput,
  VoidInput,
} from "../../../machines/types.ts";
import type { GatewayCall, PaymentGateway } from "./gateway.ts";

/** By the `src` of the payment machine's invokes. */
export type PaymentEffects = {
  readonly authorizePayment: EffectHandler;
  readonly createPaymentPage: EffectHandler;
  readonly checkPayment: EffectHandler;
  readonly capturePayment: EffectHandler;
  readonly voidPayment: EffectHandler;
  readonly refundPayment: EffectHandler;
};

/** A caller waits for the authorization, 10 s at most by default: half of that is for the gateway. */
const TIMEOUT_MS = 5000;
/**
 * Tries in memory, three seconds in all; longer pauses are the machine's. More than the failures that open the circuit
 * breaker, so that a single order during an outage waits for the gateway instead of failing.
 */
const MAX_ATTEMPTS = 6;
const BACKOFF_MS = 100;

/** Opens a card token; undefined: it has ended. A token that is not sealed is returned as it is. */
export type OpensToken = (orderId: string, token: string) => Promise<string | undefined>;

const plainToken: OpensToken = (_, token) => Promise.resolve(token);

type Kind = "authorize" | "page" | "check" | "capture" | "void" | "refund";

/** Tries of a status query of a page: the machine polls again by itself. */
const CHECK_ATTEMPTS = 2;

/**
 * Handlers for the payment machine's effects. After an unknown outcome the runtime queries the status under the same
 * key before it repeats the call under it. An authorization that times out and that the gateway does not know fails
 * permanently with code `timeout`, and the machine voids.
 * @param timeoutMs time limit of one call
 * @param openToken opens the token that an authorization needs; absent: tokens are not sealed
 */
export function paymentEffects(
  gateway: PaymentGateway,
  timeoutMs: number = TIMEOUT_MS,
  openToken: OpensToken = plainToken,
): PaymentEffects {
  const handler = (kind: Kind, run: (context: EffectContext, call: GatewayCall) => Promise<unknown>) => ({
    provider: "gateway",
    timeoutMs,
    maxAttempts: MAX_ATTEMPTS,
    backoffMs: BACKOFF_MS,
    run: (context: EffectContext) => run(context, callOf(kind, context)),
    queryStatus: async (context: EffectContext) => {
      const output = await gateway.queryStatus(callOf(kind, context));
      return output === undefined ? ({ found: false } as const) : ({ found: true, output } as const);
    },
  });
  return {
    authorizePayment: {
      ...handler("authorize", async ({ actor, input }, call) => {
        const request = input as AuthorizeInput;
        const token = await openToken(actor, request.token);
        if (token === undefined)
          throw new EffectError("refused", "token_expired", "the card token was placed too long ago");
        return await gateway.authorize({ ...request, token }, call);
      }),
      timeoutIsFinal: true,
    },
    createPaymentPage: handler("page", ({ input }, call) => gateway.createPage(input as PageInput, call)),
    checkPayment: {
      provider: "gateway",
      timeoutMs,
      maxAttempts: CHECK_ATTEMPTS,
      backoffMs: BACKOFF_MS,
      run: (context) => gateway.checkPayment(context.input as CheckInput, callOf("check", context)),
    },
    capturePayment: handler("capture", ({ input }, call) => gateway.capture(input as SettleInput, call)),
    voidPayment: handler("void", ({ input }, call) => gateway.void(input as VoidInput, call)),
    refundPayment: handler("refund", ({ input }, call) => gateway.refund(input as SettleInput, call)),
  };
}

/**
 * Keys by order, kind and attempt, not by the effect's generation: after an unknown outcome the machine opens a new
 * effect for the same operation. Only a definite refusal begins a new attempt.
 */
function callOf(kind: Kind, { actor, input, signal }: EffectContext): GatewayCall {
  // Authorizations, pages and status queries have no second attempt.
  const { attempt = 1 } = input as Partial<VoidInput>;
  return { key: `${actor}:${kind}:${attempt}`, signal };
}
