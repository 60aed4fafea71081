/** The template of the mail about a refund. Pure. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { WorkRefused } from "../../runtime/workers/worker.ts";
import { moneyText } from "../documents/money-text.ts";
import type { Mail } from "./mailer.ts";
import { noticeMail } from "./notice.ts";

/** The event type that this template is for. */
export const REFUNDED = "payment.refunded";
const SUBJECT = "Payment refunded";

const Refund = Compile(
  Type.Object({
    orderId: Type.String({ minLength: 1 }),
    amount: Type.Object({ amount: Type.Integer(), currency: Type.String({ pattern: "^[A-Z]{3}$" }) }),
    customer: Type.Object({ email: Type.String(), name: Type.String() }),
    reason: Type.Enum(["cancelled", "returned", "expired", "failed"]),
  }),
);

const because = {
  cancelled: "the order was cancelled",
  returned: "the order did not reach you and has ended",
  expired: "it came after the time for paying was over, and the order had ended",
  failed: "it came after the payment had been declined, and the order had ended",
} as const;

/** The mail for the event; the same event gives the same mail. @throws WorkRefused for data that is no refund */
export function composeRefundMessage(event: { readonly id: string; readonly data: unknown }): Mail {
  const { data } = event;
  if (!Refund.Check(data)) throw new WorkRefused("the event's data is not a refund");
  const { orderId, customer, reason } = data;
  const sum = moneyText(data.amount);
  return noticeMail({
    eventId: event.id,
    orderId,
    customer,
    subject: SUBJECT,
    opening: `we have given back your payment of ${sum}, because ${because[reason]}. It can take some days until it is on your account.`,
    facts: [{ label: "Refunded", value: sum }],
  });
}
