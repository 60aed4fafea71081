/** Reads the events of an order for mails and invoices. Pure. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { OrderDetails } from "../../../machines/order-events.ts";
import { isPaymentMethod, paymentLabel } from "../../../machines/payment-methods.ts";
import { WorkRefused } from "../../runtime/workers/worker.ts";

const Money = Type.Object({ amount: Type.Integer(), currency: Type.String({ pattern: "^[A-Z]{3}$" }) });

const Details = Compile(
  Type.Object({
    orderId: Type.String({ minLength: 1 }),
    customer: Type.Object({ id: Type.String(), email: Type.String(), name: Type.String() }),
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
    shippingAddress: Type.Object({
      line1: Type.String(),
      line2: Type.Optional(Type.String()),
      city: Type.String(),
      postalCode: Type.String(),
      country: Type.String(),
    }),
    // Absent in events from before rates were recorded.
    taxBasisPoints: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 10_000 }), Type.Null()])),
    trackingNumber: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
  }),
);

/** An order as its events describe it; the last two only where they are known. */
export type DocumentDetails = OrderDetails & { readonly trackingNumber?: string; readonly reason?: string };

/** Checks an event's data; keeps further fields. @throws WorkRefused: not retryable */
export function readOrderDetails(data: unknown): DocumentDetails {
  if (Details.Check(data))
    return { ...(data as DocumentDetails), taxBasisPoints: data.taxBasisPoints ?? null };
  const faults = Details.Errors(data).map((fault) => `${fault.instancePath || "/"} ${fault.message}`);
  throw new WorkRefused(`the event's data is not an order: ${faults.slice(0, 3).join("; ")}`);
}

/** The address, one line each, without empty ones. */
export function addressLines({ shippingAddress: address }: DocumentDetails): string[] {
  const place = `${address.postalCode} ${address.city}`;
  return [address.line1, address.line2 ?? "", place, address.country].filter((line) => line.trim() !== "");
}

/** The payment method for people; a method of a newer version shows its own name. */
export function paymentMethodText({ payment }: DocumentDetails): string {
  const method: string = payment.method;
  return isPaymentMethod(method) ? paymentLabel(method) : method;
}
