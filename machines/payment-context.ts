import { isHosted } from "./payment-methods.ts";
import { lateLooks } from "./retry.ts";
import type {
  AuthorizeInput,
  CheckInput,
  Customer,
  EffectFailure,
  HostedPaymentPlan,
  Money,
  OrderInput,
  PageInput,
  PaymentMethod,
  SettleInput,
  VoidInput,
} from "./types.ts";

/** What the payment machine remembers. */
export type PaymentContext = {
  readonly orderId: string;
  /** Who is told of a refund. */
  readonly customer: Customer;
  readonly method: PaymentMethod;
  /** Secret; absent once the authorisation has been asked for. */
  readonly token?: string | undefined;
  /** Absent until the order is priced. */
  readonly amount?: Money;
  /** The gateway's id of the authorisation; absent while none is known. */
  readonly authorization?: string;
  /** Of a payment on the gateway's page; absent otherwise. */
  readonly hosted?: HostedPaymentPlan;
  /** The gateway's id of the payment on its page, and the page; absent until there is one. */
  readonly payment?: string;
  readonly url?: string;
  /** How often the gateway was asked about the page without an end; absent before. */
  readonly polls?: number;
  /** How often the page was looked at after the order had ended; absent before. */
  readonly looks?: number;
  /** A call-back came before the page was known. */
  readonly heard?: true;
  /**
   * How the payment ended before anything was given back; absent while it has not, also when the order is cancelled
   * first. Why money is given back follows from it, and from no failure on the way.
   */
  readonly end?: "failed" | "expired";
  /** Of a card: the public was told that the money was captured. */
  readonly captured?: true;
  /** The authorisation has lapsed, by its time or by the gateway's word, and no capture of it is known. */
  readonly lapsed?: true | undefined;
  /** Nobody knows whether the latest capture that failed was carried out. */
  readonly uncertain?: boolean;
  /** Ordinal of the present attempt at the gateway, from 1; rises only after a definite no. */
  readonly attempt: number;
  /** Failures in a row of the present effect. */
  readonly tries: number;
  /** Code of the latest refusal or failure; absent without one, and again once the money is there. */
  readonly reason?: string | undefined;
};

/** The payment before the order is priced. */
export function unpaid(input: OrderInput): PaymentContext {
  const { method, token } = input.payment;
  const context = {
    orderId: input.orderId,
    customer: input.customer,
    method,
    attempt: 1,
    tries: 0,
    ...(isHosted(method) ? { hosted: input.hostedPayment } : {}),
  };
  return token === undefined ? context : { ...context, token };
}

/** Order and amount, the payload of every payment event. @throws when the order is not priced: programmer fault */
export function ofOrder(context: PaymentContext): { orderId: string; amount: Money } {
  if (context.amount === undefined) throw new Error(`payment of ${context.orderId} has no amount yet`);
  return { orderId: context.orderId, amount: context.amount };
}

/** @throws when there is no token or no amount: programmer fault */
export function authorizeInput(context: PaymentContext): AuthorizeInput {
  const { method, token } = context;
  if (token === undefined) throw new Error(`payment of ${context.orderId} came without a token`);
  return { ...ofOrder(context), method, token };
}

/** @throws when it is not paid on a page, or not priced: programmer fault */
export function pageInput(context: PaymentContext): PageInput {
  if (context.hosted === undefined) throw new Error(`payment of ${context.orderId} needs no page`);
  return { ...ofOrder(context), expiresInMs: context.hosted.deadlineMs };
}

/** @throws when there is no page: programmer fault */
export function checkInput(context: PaymentContext): CheckInput {
  if (context.payment === undefined) throw new Error(`payment of ${context.orderId} has no page`);
  return { ...ofOrder(context), payment: context.payment };
}

/** Pause until the gateway is asked again, ms. */
export function pollDelayMs({ hosted, polls = 0 }: PaymentContext): number {
  if (hosted === undefined) throw new Error("no payment on a page: nothing to ask for");
  return Math.min(hosted.pollMs * 2 ** Math.min(polls, 30), hosted.pollMaxMs);
}

/** Pause until the page of an order that has ended is looked at, ms. */
export function lookDelayMs({ hosted, looks = 0 }: PaymentContext): number {
  if (hosted === undefined) throw new Error("no payment on a page: nothing to look at");
  return hosted.pollMs * lateLooks.factor ** Math.min(looks, lateLooks.most);
}

/** Without a known authorisation the gateway voids, or refunds, whatever the order has there. */
export function voidInput(context: PaymentContext): VoidInput {
  const { orderId, authorization, attempt } = context;
  return { orderId, authorization: authorization ?? null, attempt };
}

/** Input of a capture or a refund, both of the full amount. */
export function settleInput(context: PaymentContext): SettleInput {
  return { ...voidInput(context), ...ofOrder(context) };
}

/** The gateway's no, given as an answer, in the form of a failure. */
export function refusal(output: { readonly outcome: string; readonly reason?: string }): EffectFailure {
  const reason = output.reason ?? output.outcome;
  return { kind: "refused", code: reason, message: reason };
}
