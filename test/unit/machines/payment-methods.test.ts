/** The table of payment methods: complete, and one answer to every question about a method. */
import t from "tap";
import {
  isHosted,
  isPaymentMethod,
  isSettledAtOnce,
  needsCapture,
  needsToken,
  type PaymentFacts,
  paymentLabel,
  paymentMethods,
  paysOnDelivery,
} from "../../../machines/payment-methods.ts";
import type { PaymentMethod } from "../../../machines/types.ts";
import { PlaceOrderBody } from "../../../src/http/orders/place-order-schema.ts";
import { paymentMethodText } from "../../../src/services/documents/order-details.ts";
import { orderDetails } from "../../support/order-details.ts";

/** Written a second time on purpose: the compiler requires a line for every new method. */
const expected: Readonly<Record<PaymentMethod, PaymentFacts & { readonly token: boolean }>> = {
  cash_on_delivery: { paidAt: "door", token: false, label: "Cash on delivery" },
  in_person: { paidAt: "door", token: false, label: "In person" },
  credit_card: { paidAt: "capture", token: true, label: "Credit card" },
  debit_card: { paidAt: "authorization", token: true, label: "Debit card" },
  tokenized: { paidAt: "capture", token: true, label: "Saved payment method" },
  async: { paidAt: "page", token: false, label: "Online payment" },
};

const predicates = {
  door: paysOnDelivery,
  authorization: isSettledAtOnce,
  capture: needsCapture,
  page: isHosted,
} as const satisfies Record<PaymentFacts["paidAt"], (method: PaymentMethod) => boolean>;

t.test("the table holds every method, and nothing else counts as one", async (t) => {
  t.strictSame([...paymentMethods], Object.keys(expected));
  for (const method of paymentMethods) t.ok(isPaymentMethod(method), method);
  for (const other of ["", "bitcoin", "toString", "__proto__"]) t.notOk(isPaymentMethod(other), other);
});

t.test("exactly one predicate holds for each method: the one of the step that moves the money", async (t) => {
  for (const method of paymentMethods) {
    const { paidAt, token, label } = expected[method];
    for (const [step, holds] of Object.entries(predicates)) {
      t.equal(holds(method), step === paidAt, `${method} and ${step}`);
    }
    t.equal(needsToken(method), token, `${method} and its token`);
    t.equal(paymentLabel(method), label);
  }
});

t.test("the schema of a new order and the documents have the same methods", async (t) => {
  t.strictSame(PlaceOrderBody.properties.payment.properties.method.enum, [...paymentMethods]);
  for (const method of paymentMethods) {
    const details = { ...orderDetails("ord_1"), payment: { method } };
    t.equal(paymentMethodText(details), paymentLabel(method));
  }
  const newer = { ...orderDetails("ord_1"), payment: { method: "bitcoin" as PaymentMethod } };
  t.equal(paymentMethodText(newer), "bitcoin", "a method of a newer version shows its own name");
});

t.test(
  "no predicate holds for a method of a newer version: an older node can still show its order",
  async (t) => {
    const newer = "bitcoin" as PaymentMethod;
    for (const [step, holds] of Object.entries(predicates)) t.equal(holds(newer), false, step);
    t.equal(needsToken(newer), false, "token");
  },
);
