/**
 * The payment gateway as Orderly needs it. Amounts in minor units.
 *
 * What an implementation must honor: every call carries a key; the same key with the same request has the same outcome
 * and counts once. A void closes the order: the gateway declines an authorization that arrives after it. It refuses a
 * void of an order that was paid on a page. It refuses a capture or a void of a lapsed authorization with
 * `authorization_expired`; an authorization that was captured before has not lapsed.
 */
import type {
  AuthorizeInput,
  AuthorizeOutput,
  CaptureOutput,
  CheckInput,
  CheckOutput,
  PageInput,
  PageOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "../../../machines/types.ts";

/** The parts of every call besides its request. */
export type GatewayCall = {
  /** Identifies the operation permanently: its repetitions carry the same key. At most 400 characters. */
  readonly key: string;
  readonly signal: AbortSignal;
};

/** The outcome that the gateway stores under a key. */
export type GatewayOutcome = AuthorizeOutput | PageOutput | CaptureOutput | VoidOutput | RefundOutput;

/**
 * All methods throw EffectError: `refused` for a definite refusal, `retryable` when certainly nothing was done,
 * `unknown` when the call may have been carried out. A declined card or capture is an output.
 */
export interface PaymentGateway {
  /** Authorizes the amount; a debit card is settled at once. */
  authorize(request: AuthorizeInput, call: GatewayCall): Promise<AuthorizeOutput>;
  /** A page on which the customer pays the amount at once, and once; a void of the order closes it. */
  createPage(request: PageInput, call: GatewayCall): Promise<PageOutput>;
  /** The state of a page: a query without effect. A page that was voided or has expired is `closed`. */
  checkPayment(request: CheckInput, call: GatewayCall): Promise<CheckOutput>;
  /** Captures the full amount of an authorization. */
  capture(request: SettleInput, call: GatewayCall): Promise<CaptureOutput>;
  /** Voids one authorization, or all of the order, and closes the order. */
  void(request: VoidInput, call: GatewayCall): Promise<VoidOutput>;
  /** Refunds the full captured amount. */
  refund(request: SettleInput, call: GatewayCall): Promise<RefundOutput>;
  /** The outcome stored under the key, `undefined` when the gateway has none. */
  queryStatus(call: GatewayCall): Promise<GatewayOutcome | undefined>;
}
