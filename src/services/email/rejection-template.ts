/** The template of the mail about an order that was rejected after its caller had gone. Pure. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { WorkRefused } from "../../runtime/workers/worker.ts";
import type { Mail } from "./mailer.ts";
import { noticeMail } from "./notice.ts";

/** The event type that this template is for. */
export const REJECTED_UNANSWERED = "order.rejected_unanswered";
const SUBJECT = "Order not accepted";

const Rejected = Compile(
  Type.Object({
    orderId: Type.String({ minLength: 1 }),
    customer: Type.Object({ email: Type.String(), name: Type.String() }),
    lines: Type.Array(Type.Object({ sku: Type.String(), quantity: Type.Integer() })),
    rejection: Type.Object({
      outcome: Type.String(),
      missing: Type.Optional(
        Type.Array(Type.Object({ sku: Type.String(), requested: Type.Integer(), available: Type.Integer() })),
      ),
    }),
  }),
);

/** The mail for the event; the same event gives the same mail. @throws WorkRefused for data that is no rejection */
export function composeRejectionMessage(event: { readonly id: string; readonly data: unknown }): Mail {
  const { data } = event;
  if (!Rejected.Check(data)) throw new WorkRefused("the event's data is not a rejection");
  const { orderId, customer, lines, rejection } = data;
  const { missing } = rejection;
  const why = whyOf(rejection);
  return noticeMail({
    eventId: event.id,
    orderId,
    customer,
    subject: SUBJECT,
    opening: `we are sorry, we cannot accept your order, because ${why}. Nothing is reserved for you, and nothing was charged.`,
    facts:
      missing === undefined
        ? lines.map(({ sku, quantity }) => ({ label: sku, value: `${quantity} ordered` }))
        : missing.map(({ sku, requested, available }) => ({
            label: sku,
            value: `${requested} ordered, ${available} available`,
          })),
  });
}

function whyOf({ outcome, missing }: { readonly outcome: string; readonly missing?: unknown }): string {
  if (missing !== undefined) return "we do not have enough of what you ordered";
  return outcome === "price_changed"
    ? "a price has changed since you agreed to the total"
    : "we could not reserve the items";
}
