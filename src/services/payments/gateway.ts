/**
 * The payment gateway as Orderly needs it. Amounts in minor units.
 *
 * What an implementation must honour: every call carries a key; the same key with the same request has the same
 * outcome and counts once. A void closes the order: an authorisation that arrives after it does not stand. A void of
 * an order that was paid on a page is refused. A capture or a void of an authorisation that has lapsed is refused with
 * `authorization_expired`; one that was captured before has not lapsed.
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

/** What goes with every call besides its request. */
export type GatewayCall = {
  /** Names the operation for ever: its repetitions carry the same key. At most 400 characters. */
  readonly key: string;
  readonly signal: AbortSignal;
};

/** What the gateway remembers of a key. */
export type GatewayOutcome = AuthorizeOutput | PageOutput | CaptureOutput | VoidOutput | RefundOutput;

/**
 * All methods throw EffectError: `refused` for a definite no, `retryable` when certainly nothing was done,
 * `unknown` when it may have been. A declined card or capture is an output.
 */
export interface PaymentGateway {
  authorize(request: AuthorizeInput, call: GatewayCall): Promise<AuthorizeOutput>;
  /** A page on which the customer pays the amount at once, and once; a void of the order closes it. */
  createPage(request: PageInput, call: GatewayCall): Promise<PageOutput>;
  /** What became of a page. A question: it counts for nothing. A page that was voided or is too old is `closed`. */
  checkPayment(request: CheckInput, call: GatewayCall): Promise<CheckOutput>;
  capture(request: SettleInput, call: GatewayCall): Promise<CaptureOutput>;
  void(request: VoidInput, call: GatewayCall): Promise<VoidOutput>;
  refund(request: SettleInput, call: GatewayCall): Promise<RefundOutput>;
  /** The outcome stored under the key, `undefined` when the gateway has none. */
  queryStatus(call: GatewayCall): Promise<GatewayOutcome | undefined>;
}
