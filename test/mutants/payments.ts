/** Planted bugs of payments: the machine, the calls to the gateway, the reconciliation; and of invoice numbers. */
import type { Mutant } from "./mutant.ts";

const PAYMENT_TEST = "test/unit/machines/payment.test.ts";
const HOSTED_TEST = "test/unit/machines/payment.test.ts";
const EFFECTS_TEST = "test/unit/services/payments/payment-effects.test.ts";
const GATEWAY_TEST = "test/unit/services/payments/gateway-http.test.ts";
const RECONCILIATION_TEST = "test/unit/services/payments/reconciliation.test.ts";
const NUMBERS_TEST = "test/unit/services/invoice-numbers.test.ts";

export const paymentsMutants: readonly Mutant[] = [
  {
    id: "payments-unknown-authorization-fails",
    does: "An authorization whose outcome is unknown fails, and the gateway is not asked to void it.",
    file: "machines/payment-rules.ts",
    find: `isRefused: (_, failure: EffectFailure) => failure.kind === "refused",`,
    replace: `isRefused: (_, failure: EffectFailure) => failure.kind !== "retryable",`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-debit-is-voided",
    does: "A debit payment of an order that ends is voided instead of refunded.",
    file: "machines/payment.ts",
    find: `{ guard: "isSettledAtOnce", target: "reversing.refunding" },
          { target: "reversing.voiding" },`,
    replace: `{ target: "reversing.voiding" },`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-capture-in-flight-forgotten",
    does: "An order that ends while its capture is in flight voids at once, and the capture's outcome is not awaited.",
    file: "machines/payment.ts",
    find: `"order.closed": { target: "reversing.awaiting_capture" },`,
    replace: `"order.closed": { target: "reversing.voiding" },`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-refused-capture-is-same-attempt",
    does: "A capture after a definite refusal repeats the refused attempt, so the gateway answers it as before.",
    file: "machines/payment-rules.ts",
    find: `attempt: context.attempt + (failure.kind === "refused" ? 1 : 0),`,
    replace: `attempt: context.attempt + (failure.kind === "retryable" ? 1 : 0),`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-unknown-capture-is-new-attempt",
    does: "A capture whose outcome is unknown is repeated under a new key, so money can be taken twice.",
    file: "machines/payment-rules.ts",
    find: `attempt: context.attempt + (failure.kind === "refused" ? 1 : 0),`,
    replace: `attempt: context.attempt + (failure.kind === "retryable" ? 0 : 1),`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-page-paid-with-other-amount",
    does: "A payment on the page counts whatever its amount.",
    file: "machines/payment-rules.ts",
    find: "event.payment === context.payment && sameMoney(event.amount, ofOrder(context).amount),",
    replace:
      "event.payment === context.payment &&\n" +
      "      sameMoney({ ...event.amount, amount: ofOrder(context).amount.amount }, ofOrder(context).amount),",
    tests: [HOSTED_TEST],
  },
  {
    id: "payments-other-payment-counts",
    does: "A callback about another payment ends this one as declined.",
    file: "machines/payment-rules.ts",
    find: "isThisPayment: ({ context }, { payment }: { readonly payment: string }) => payment === context.payment,",
    replace:
      "isThisPayment: ({ context }, { payment }: { readonly payment: string }) =>\n" +
      '      payment !== "" && context.payment !== undefined,',
    tests: [HOSTED_TEST],
  },
  {
    id: "payments-late-page-money-kept",
    does: "Money that is paid on a page after the end is not refunded when the gateway voids the page.",
    file: "machines/payment-reversal.ts",
    find: `{ guard: "isPaidOnPage", actions: "forgetTries", target: "refunding" },\n`,
    replace: "",
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-void-refused-is-final",
    does: "A void that the gateway refuses, because it has captured, ends without a refund.",
    file: "machines/payment-reversal.ts",
    find: `            actions: "forgetTries",
            target: "refunding",
          },
          {
            actions: { type: "countFailure"`,
    replace: `            actions: "forgetTries",
            target: "reversed",
          },
          {
            actions: { type: "countFailure"`,
    tests: [PAYMENT_TEST],
  },
  {
    id: "payments-page-polled-without-end",
    does: "The page of an ended order is checked once more than planned.",
    file: "machines/payment-rules.ts",
    find: "(context.looks ?? 0) < lateLooks.most,",
    replace: "(context.looks ?? 0) <= lateLooks.most,",
    tests: ["test/unit/services/orders/late-and-lapsed.test.ts"],
  },
  {
    id: "payments-payment-key-without-attempt",
    does: "Every attempt at the gateway has the key of the first one.",
    file: "src/services/payments/payment-effects.ts",
    find: "const { attempt = 1 } = input as Partial<VoidInput>;",
    replace: "const attempt = Math.min(1, (input as Partial<VoidInput>).attempt ?? 1);",
    tests: [EFFECTS_TEST],
  },
  {
    id: "payments-payment-key-without-kind",
    does: "A refund has the key of the capture, so the gateway answers it with the capture's outcome.",
    file: "src/services/payments/payment-effects.ts",
    find: 'refundPayment: handler("refund", (',
    replace: 'refundPayment: handler("capture", (',
    tests: [EFFECTS_TEST],
  },
  {
    id: "payments-authorization-timeout-repeated",
    does: "An authorization that timed out is requested again while its caller waits.",
    file: "src/services/payments/payment-effects.ts",
    find: "timeoutIsFinal: true,",
    replace: "timeoutIsFinal: false,",
    tests: [EFFECTS_TEST],
  },
  {
    id: "payments-page-of-other-amount-accepted",
    does: "The gateway's page counts as paid although it is about another amount.",
    file: "src/services/payments/gateway.http.ts",
    find: `    body["amount"] !== amount.amount ||\n`,
    replace: "",
    tests: [GATEWAY_TEST],
  },
  {
    id: "payments-failed-status-query-is-none",
    does: "A stored outcome of the gateway that is not understood counts as a declined capture.",
    file: "src/services/payments/gateway.http.ts",
    find: "if (status === 402 || status === 409) {",
    replace: "if (status >= 402) {",
    tests: [GATEWAY_TEST],
  },
  {
    id: "payments-lapsed-authorization-counts",
    does: "The reconciliation counts lapsed authorizations as open.",
    file: "src/services/payments/reconciliation.ts",
    find: `sum("authorize") - sum("void") - sum("lapse");`,
    replace: `sum("authorize") - sum("void");`,
    tests: [RECONCILIATION_TEST],
  },
  {
    id: "payments-uncleared-ending-unreported",
    does: "The reconciliation does not report an open authorization of a payment that has ended.",
    file: "src/services/payments/reconciliation.ts",
    find: "return settled === refunded && (authorized === 0 || authorized === refunded);",
    replace: "return settled === refunded && authorized >= refunded;",
    tests: [RECONCILIATION_TEST],
  },
  {
    id: "payments-other-currency-unreported",
    does: "The reconciliation reads the currency of the first booking only.",
    file: "src/services/payments/reconciliation.ts",
    find: "if (bookings.some((one) => one.currency !== currency)) {",
    replace: "if (bookings.slice(0, 1).some((one) => one.currency !== currency)) {",
    tests: [RECONCILIATION_TEST],
  },
  {
    id: "payments-number-skipped",
    does: "An invoice number that was not needed is never allocated.",
    file: "src/services/invoice/number-counter.ts",
    find: "[...counter.free, ...unused].toSorted((a, b) => a - b);",
    replace: "[...counter.free, ...unused.slice(1)].toSorted((a, b) => a - b);",
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-free-numbers-sorted-as-text",
    does: "Free numbers are sorted as text, so 10 comes before 9.",
    file: "src/services/invoice/number-counter.ts",
    find: "toSorted((a, b) => a - b);",
    replace: "toSorted((a, b) => (String(a) < String(b) ? -1 : 1));",
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-invoice-date-falls",
    does: "The date of an invoice is that of a clock that lags.",
    file: "src/services/invoice/number-counter.ts",
    find: "issuedAt: now > counter.issuedAt ? now : counter.issuedAt",
    replace: "issuedAt: now",
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-block-not-recorded",
    does: "The block of the process before is not recorded before the next one is allocated.",
    file: "src/services/invoice/numbers.ts",
    find: `    const unused = await this.recordBlock(year, counter, stored.revision);
    return { year, counter, unused,`,
    replace: `    const unused: number[] = [];
    return { year, counter, unused,`,
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-closed-year-allocates",
    does: "A node whose clock lags allocates numbers of a year that is closed.",
    file: "src/services/invoice/numbers.ts",
    find: "if (counter.closed) return this.open(year + 1);",
    replace: "if (counter.closed && counter.last === 0) return this.open(year + 1);",
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-spare-number-lost-with-year",
    does: "A year is closed although one of its numbers is spare.",
    file: "src/services/invoice/numbers.ts",
    find: "if (spare > 0) return",
    replace: "if (spare > 1) return",
    tests: [NUMBERS_TEST],
  },
  {
    id: "payments-other-number-not-freed",
    does: "A number whose order has another one is not allocated again.",
    file: "src/services/invoice/numbers.ts",
    find: `if ("refused" in has || has.number !== wanted.number) unused.push(number);`,
    replace: `if ("refused" in has) unused.push(number);`,
    tests: [NUMBERS_TEST],
  },
];
