/** Guards, actions and effects of the payment machine. The chart is in payment.ts and payment-reversal.ts. */
import { assign, cancel, emit, raise, setup } from "xstate";
import { effect } from "./effect.ts";
import { sameMoney } from "./money.ts";
import { lookDelayMs, ofOrder, type PaymentContext, pollDelayMs } from "./payment-context.ts";
import { isHosted, isSettledAtOnce, needsCapture, paysOnDelivery } from "./payment-methods.ts";
import type { GatewayPaid, PaymentEmitted, PaymentEvent } from "./payment-events.ts";
import { lateLooks, mayRetry, retryDelayMs } from "./retry.ts";
import type { StateMeta } from "./state-meta.ts";
import type {
  AuthorizeInput,
  AuthorizeOutput,
  CaptureOutput,
  CheckInput,
  CheckOutput,
  EffectFailure,
  Money,
  OrderInput,
  PageInput,
  PageOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "./types.ts";

/** An outcome that arrived in time (`output` only) or late. */
type Outcome<Output> = { readonly output?: Output; readonly error?: EffectFailure };

/** The code of a lapsed authorization, at the gateway and in the machine's events. */
const LAPSED = "authorization_expired";

/** Named parts of the payment machine; createMachine puts them together. */
export const paymentRules = setup({
  types: {
    context: {} as PaymentContext,
    events: {} as PaymentEvent,
    emitted: {} as PaymentEmitted,
    input: {} as OrderInput,
    meta: {} as StateMeta,
  },
  actors: {
    authorizePayment: effect<AuthorizeOutput, AuthorizeInput>(),
    createPaymentPage: effect<PageOutput, PageInput>(),
    checkPayment: effect<CheckOutput, CheckInput>(),
    capturePayment: effect<CaptureOutput, SettleInput>(),
    voidPayment: effect<VoidOutput, VoidInput>(),
    refundPayment: effect<RefundOutput, SettleInput>(),
  },
  guards: {
    paysOnDelivery: ({ context }) => paysOnDelivery(context.method),
    /** The gateway has settled the payment with its authorization: there is nothing to capture or to void. */
    isSettledAtOnce: ({ context }) => isSettledAtOnce(context.method),
    needsCapture: ({ context }) => needsCapture(context.method),
    isHosted: ({ context }) => isHosted(context.method),
    isFree: (_, total: Money) => total.amount === 0,
    hasHeard: ({ context }) => context.heard === true,
    isThisPayment: ({ context }, { payment }: { readonly payment: string }) => payment === context.payment,
    isPaid: ({ context }, event: GatewayPaid) =>
      event.payment === context.payment && sameMoney(event.amount, ofOrder(context).amount),
    /** A payment that the machine does not know yet: a page is paid once. The page may be unknown as well. */
    isPaidLate: ({ context }, event: GatewayPaid) =>
      isHosted(context.method) &&
      context.authorization === undefined &&
      event.payment === (context.payment ?? event.payment),
    isFoundPaid: (_, output: CheckOutput) => output.outcome === "paid",
    isFoundDeclined: (_, output: CheckOutput) => output.outcome === "declined",
    /** The customer has paid on the page: that is refunded, whether the gateway voids or refuses to. */
    isPaidOnPage: ({ context }) => context.payment !== undefined && context.authorization !== undefined,
    mayBePaidOnPage: ({ context }, failure: EffectFailure) =>
      failure.kind === "refused" && context.payment !== undefined && context.authorization === undefined,
    hasExpired: ({ context }) => context.end === "expired",
    /** The machine has emitted the authorization, and the capture where there is one. */
    isSettlementTold: ({ context }) =>
      context.authorization !== undefined && (!needsCapture(context.method) || context.captured === true),
    isAuthorizationTold: ({ context }) => context.authorization !== undefined,
    isAuthorized: (_, { output }: Outcome<AuthorizeOutput>) => output?.outcome === "authorized",
    /** The authorization lapses after some time; a debit card's authorization is settled and does not. */
    isAuthorizedForATime: ({ context }, { output }: Outcome<AuthorizeOutput>) =>
      output?.outcome === "authorized" && output.expiresInMs !== undefined && needsCapture(context.method),
    isDebitAuthorized: ({ context }, { output }: Outcome<AuthorizeOutput>) =>
      output?.outcome === "authorized" && isSettledAtOnce(context.method),
    isNotAuthorized: (_, { output, error }: Outcome<AuthorizeOutput>) =>
      output?.outcome === "declined" || error?.kind === "refused",
    isCaptured: (_, { output }: Outcome<CaptureOutput>) => output?.outcome === "captured",
    /** The gateway reports that an authorization to be captured has lapsed. */
    isLapsed: ({ context }, failure: EffectFailure) =>
      failure.kind === "refused" && failure.code === LAPSED && needsCapture(context.method),
    /** A definite refusal of a capture because of the lapse, or after the authorization lapsed. */
    isRefusedForGood: ({ context }, failure: EffectFailure) =>
      failure.kind === "refused" && (failure.code === LAPSED || context.lapsed === true),
    isLapsedLate: (_, { output }: Outcome<CaptureOutput>) =>
      output?.outcome === "declined" && output.reason === LAPSED,
    isUncertain: ({ context }) => context.uncertain === true,
    isVoided: (_, output: VoidOutput) => output.outcome === "voided",
    isRefused: (_, failure: EffectFailure) => failure.kind === "refused",
    hasTriesLeft: ({ context }) => mayRetry(context.tries),
    /** Some providers take a customer's money on a page that was closed. */
    mayBePaidLate: ({ context }) =>
      context.hosted !== undefined &&
      context.payment !== undefined &&
      context.authorization === undefined &&
      (context.looks ?? 0) < lateLooks.most,
  },
  delays: {
    retryDelay: ({ context }) => retryDelayMs(context.tries),
    pollDelay: ({ context }) => pollDelayMs(context),
    deadline: ({ context }) => context.hosted?.deadlineMs ?? 0,
    lookDelay: ({ context }) => lookDelayMs(context),
  },
  actions: {
    keepAmount: assign((_, amount: Money) => ({ amount })),
    // The open effect carries the token while it is needed; the state keeps no secret.
    forgetToken: assign({ token: undefined }),
    keepAuthorization: assign((_, { output }: Outcome<AuthorizeOutput>) =>
      output?.outcome === "authorized" ? { authorization: output.authorization } : {},
    ),
    keepPage: assign((_, { payment, url }: PageOutput) => ({ payment, url })),
    keepLatePage: assign((_, { output }: { readonly output?: PageOutput }) => output ?? {}),
    hear: assign({ heard: true }),
    // A separate timer, because it runs through several states.
    armLapse: raise(
      { type: "authorization.lapsed" },
      {
        id: "authorization.lapse",
        delay: (_, { output }: Outcome<AuthorizeOutput>) =>
          output?.outcome === "authorized" ? (output.expiresInMs ?? 0) : 0,
      },
    ),
    disarmLapse: cancel("authorization.lapse"),
    keepLapse: assign({ lapsed: true, reason: LAPSED }),
    countLook: assign(({ context }) => ({ looks: (context.looks ?? 0) + 1 })),
    // A page has one final answer.
    endLooks: assign({ looks: lateLooks.most }),
    countPoll: assign(({ context }) => ({ polls: (context.polls ?? 0) + 1 })),
    keepPaid: assign((_, { payment, authorization }: GatewayPaid) => ({ payment, authorization })),
    keepFoundPaid: assign((_, output: CheckOutput) =>
      output.outcome === "paid" ? { authorization: output.authorization } : {},
    ),
    keepFailure: assign((_, failure: EffectFailure) => ({ reason: failure.code, end: "failed" as const })),
    keepExpiry: assign((_, failure: EffectFailure) => ({ reason: failure.code, end: "expired" as const })),
    keepCaptured: assign({ captured: true, tries: 0, reason: undefined, lapsed: undefined }),
    // After a definite refusal the next call is a new attempt for the gateway; otherwise it repeats the same one.
    countFailure: assign(({ context }, failure: EffectFailure) => ({
      attempt: context.attempt + (failure.kind === "refused" ? 1 : 0),
      tries: context.tries + 1,
      reason: failure.code,
      uncertain: failure.kind !== "refused",
    })),
    keepReturned: assign({ returned: true }),
    keepCollected: assign(({ context }, { collected }: { readonly collected?: Money | null }) =>
      !collected || sameMoney(collected, ofOrder(context).amount) ? {} : { collected },
    ),
    nextAttempt: assign(({ context }) => ({ attempt: context.attempt + 1 })),
    forgetTries: assign({ tries: 0 }),
    emitAuthorized: emit(({ context }) => ({ type: "payment.authorized", ...ofOrder(context) })),
    emitFailed: emit(({ context }) => ({
      type: "payment.failed",
      ...ofOrder(context),
      reason: context.reason ?? "declined",
    })),
    emitExpired: emit(({ context }) => ({
      type: "payment.expired",
      ...ofOrder(context),
      reason: context.reason ?? "timeout",
    })),
    emitCaptured: emit(({ context }) => ({ type: "payment.captured", ...ofOrder(context) })),
    emitCaptureFailed: emit(({ context }) => ({
      type: "payment.capture_failed",
      ...ofOrder(context),
      reason: context.reason ?? "unknown",
      tries: context.tries,
      retryInMs: mayRetry(context.tries) ? retryDelayMs(context.tries) : null,
    })),
    emitCollected: emit(({ context }) => ({
      type: "payment.collected",
      orderId: context.orderId,
      amount: context.collected ?? ofOrder(context).amount,
    })),
    emitVoided: emit(({ context }) => ({ type: "payment.voided", ...ofOrder(context) })),
    emitRefunded: emit(({ context }) => ({
      type: "payment.refunded",
      ...ofOrder(context),
      reason: context.end ?? (context.returned === true ? "returned" : "cancelled"),
    })),
  },
});
