/** Reads the events of an order for mails and invoices. Pure. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { OrderDetails } from "../orders/facts.ts";
import { isPaymentMethod, paymentLabel } from "../../../machines/payment-methods.ts";
import { addressLines } from "../addresses/address-lines.ts";
import { WorkRefused } from "../../runtime/workers/worker.ts";

const Money = Type.Object({ amount: Type.Integer(), currency: Type.String({ pattern: "^[A-Z]{3}$" }) });

const Address = Type.Object({
  name: Type.Optional(Type.String()),
  company: Type.Optional(Type.String()),
  line1: Type.String(),
  line2: Type.Optional(Type.String()),
  city: Type.String(),
  state: Type.Optional(Type.String()),
  postalCode: Type.String(),
  country: Type.String(),
});

const Details = Compile(
  Type.Object({
    orderId: Type.String({ minLength: 1 }),
    customer: Type.Object({ id: Type.String(), email: Type.String(), name: Type.String() }),
    taxId: Type.Optional(Type.String()),
    lines: Type.Array(
      Type.Object({
        sku: Type.String(),
        name: Type.String(),
        quantity: Type.Integer(),
        unitPrice: Money,
      }),
      { minItems: 1 },
    ),
    total: Money,
    payment: Type.Object({ method: Type.String() }),
    shippingAddress: Address,
    billingAddress: Type.Optional(
      Type.Object({ ...Address.properties, taxId: Type.Optional(Type.String()) }),
    ),
    // Absent in events from before rates were recorded.
    taxBasisPoints: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 10_000 }), Type.Null()])),
    trackingNumber: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    cause: Type.Optional(Type.String()),
  }),
);

/** An order as its events describe it; all but its details only where they are known. */
export type DocumentDetails = OrderDetails & {
  readonly trackingNumber?: string;
  readonly reason?: string;
  /** Why the parcel came back. */
  readonly cause?: string;
};

/** Checks an event's data; keeps further fields. @throws WorkRefused: not retryable */
export function readOrderDetails(data: unknown): DocumentDetails {
  if (Details.Check(data))
    return { ...(data as DocumentDetails), taxBasisPoints: data.taxBasisPoints ?? null };
  const faults = Details.Errors(data).map((fault) => `${fault.instancePath || "/"} ${fault.message}`);
  throw new WorkRefused(`the event's data is not an order: ${faults.slice(0, 3).join("; ")}`);
}

/** The shipping address, one line each. */
export function deliveryLines({ shippingAddress }: DocumentDetails): string[] {
  return addressLines(shippingAddress);
}

/** Who is billed, one line each: name, company, address and tax id. */
export function billingLines(order: DocumentDetails): string[] {
  const { customer, shippingAddress, billingAddress } = order;
  // The person who receives a parcel is not the one who bought it.
  const lines = addressLines(billingAddress ?? shippingAddress, billingAddress?.name ?? customer.name);
  const taxId = billingAddress?.taxId ?? order.taxId;
  return taxId === undefined ? lines : [...lines, `Tax ID ${taxId}`];
}

/** The payment method for people; a method of a newer version shows its own name. */
export function paymentMethodText({ payment }: DocumentDetails): string {
  const method: string = payment.method;
  return isPaymentMethod(method) ? paymentLabel(method) : method;
}
