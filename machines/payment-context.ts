import { isHosted } from "./payment-methods.ts";
import { lateLooks } from "./retry.ts";
import type {
  AuthorizeInput,
  CheckInput,
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
  readonly method: PaymentMethod;
  /** Secret; absent once the authorization has been requested. */
  readonly token?: string | undefined;
  /** Absent until the order is priced. */
  readonly amount?: Money;
  /** The gateway's id of the authorization; absent while none is known. */
  readonly authorization?: string;
  /** Of a payment on the gateway's page; absent otherwise. */
  readonly hosted?: HostedPaymentPlan;
  /** The gateway's id of the payment on its page, and the page; absent until there is one. */
  readonly payment?: string;
  readonly url?: string;
  /** Polls of the page without a final answer; absent before the first. */
  readonly polls?: number;
  /** Status queries of the page after the order had ended; absent before the first. */
  readonly looks?: number;
  /** A callback arrived before the page was known. */
  readonly heard?: true;
  /**
   * How the payment ended, if it ended before the order did. Decides the refund's reason; no other failure does.
   */
  readonly end?: "failed" | "expired";
  /** The order was returned after its shipment. */
  readonly returned?: true;
  /** What was collected at the door, when that is another amount than the one due. */
  readonly collected?: Money;
  /** Of a card: the machine has emitted `payment.captured`. */
  readonly captured?: true;
  /** The authorization has lapsed, by its timer or as the gateway reports, and no capture of it is known. */
  readonly lapsed?: true | undefined;
  /** True when the latest failed capture may have been carried out. */
  readonly uncertain?: boolean;
  /** Ordinal of the present attempt at the gateway, from 1; rises only after a definite refusal. */
  readonly attempt: number;
  /** Failures in a row of the present effect. */
  readonly tries: number;
  /** Code of the latest refusal or failure; absent without one, and again once the money is captured. */
  readonly reason?: string | undefined;
};

/** The payment before the order is priced. */
export function unpaid(input: OrderInput): PaymentContext {
  const { method, token } = input.payment;
  const context = {
    orderId: input.orderId,
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

/** Input of the authorization. @throws when there is no token or no amount: programmer fault */
export function authorizeInput(context: PaymentContext): AuthorizeInput {
  const { method, token } = context;
  if (token === undefined) throw new Error(`payment of ${context.orderId} has no token`);
  return { ...ofOrder(context), method, token };
}

/** Input of the page. @throws when the order is not paid on a page, or not priced: programmer fault */
export function pageInput(context: PaymentContext): PageInput {
  if (context.hosted === undefined) throw new Error(`payment of ${context.orderId} needs no page`);
  return { ...ofOrder(context), expiresInMs: context.hosted.deadlineMs };
}

/** Input of a status query of the page. @throws when there is no page: programmer fault */
export function checkInput(context: PaymentContext): CheckInput {
  if (context.payment === undefined) throw new Error(`payment of ${context.orderId} has no page`);
  return { ...ofOrder(context), payment: context.payment };
}

/** Pause until the next poll of the gateway, ms. */
export function pollDelayMs({ hosted, polls = 0 }: PaymentContext): number {
  if (hosted === undefined) throw new Error("no payment on a page: nothing to poll");
  return Math.min(hosted.pollMs * 2 ** Math.min(polls, 30), hosted.pollMaxMs);
}

/** Pause until the next status query of the page of an order that has ended, ms. */
export function lookDelayMs({ hosted, looks = 0 }: PaymentContext): number {
  if (hosted === undefined) throw new Error("no payment on a page: nothing to check");
  return hosted.pollMs * lateLooks.factor ** Math.min(looks, lateLooks.most);
}

/** Input of a void. Without a known authorization the gateway voids, or refunds, whatever the order has there. */
export function voidInput(context: PaymentContext): VoidInput {
  const { orderId, authorization, attempt } = context;
  return { orderId, authorization: authorization ?? null, attempt };
}

/** Input of a capture or a refund, both of the full amount. */
export function settleInput(context: PaymentContext): SettleInput {
  return { ...voidInput(context), ...ofOrder(context) };
}

/** A refusal that the gateway gave as an answer, in the form of a failure. */
export function refusal(output: { readonly outcome: string; readonly reason?: string }): EffectFailure {
  const reason = output.reason ?? output.outcome;
  return { kind: "refused", code: reason, message: reason };
}
