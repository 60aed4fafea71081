/** The templates of the mails to an order's customer. Pure. */
import { moneyText } from "../documents/money-text.ts";
import { deliveryLines, type DocumentDetails, paymentMethodText } from "../documents/order-details.ts";
import { paysOnDelivery as isPaidAtTheDoor } from "../../../machines/payment-methods.ts";
import { html, type Html } from "./html.ts";
import { type Mail, messageIdOf } from "./mailer.ts";

type Template = {
  readonly subject: string;
  /** First sentences, plain text. */
  readonly opening: (order: DocumentDetails) => string;
};

/** After an order that was not paid. Money may still arrive: the payment machine refunds it. */
const NOT_PAID =
  "The items are no longer reserved for you. If money for this order reaches us after all, we give it back.";

/** Why a parcel did not stay with its receiver. An unknown cause is one of a newer version. */
function notDelivered(cause: string | undefined): string {
  switch (cause) {
    case "refused":
      return "the parcel with your order was not accepted at the door.";
    case "unclaimed":
      return "the parcel with your order was not collected in time.";
    case "lost":
      return "the carrier has lost the parcel with your order.";
    default:
      return "the parcel with your order could not be delivered.";
  }
}

/** By event type. The subjects are part of the product's contract. */
const templates = {
  "order.created": {
    subject: "Order created and awaiting payment",
    opening: ({ payment }) =>
      isPaidAtTheDoor(payment.method)
        ? "thank you for your order. We have reserved the items for you. You pay when you receive them."
        : "thank you for your order. We have set the items aside for you and wait for the payment.",
  },
  "order.confirmed": {
    subject: "Order confirmed",
    opening: () => "your order is confirmed. We are getting it ready and write again when it is on its way.",
  },
  "order.payment_failed": {
    subject: "Payment failed",
    opening: () => `your payment did not succeed, so your order has ended. ${NOT_PAID}`,
  },
  "order.payment_expired": {
    subject: "Payment expired",
    opening: () => `your payment did not reach us in time, so your order has ended. ${NOT_PAID}`,
  },
  "order.shipped": {
    subject: "Order shipped",
    opening: ({ trackingNumber }) =>
      trackingNumber === undefined
        ? "your order is on its way to you."
        : `your order is on its way to you. The tracking number is ${trackingNumber}.`,
  },
  "order.returning": {
    subject: "Order not delivered",
    opening: ({ cause }) =>
      `${notDelivered(cause)} It comes back to us. We write again when it is here, and give back what you have paid.`,
  },
  "order.returned": {
    subject: "Order returned",
    opening: ({ cause }) =>
      `${notDelivered(cause)} Your order has ended. Anything you have paid is given back.`,
  },
  "order.cancelled": {
    subject: "Order cancelled",
    opening: ({ reason }) =>
      `your order is cancelled${reason === undefined ? "" : ` (${reason})`}. Anything you have paid is given back.`,
  },
} as const satisfies Record<string, Template>;

/** The event types of orders that have a template. */
export const orderMails = Object.keys(templates) as (keyof typeof templates)[];

/** The mail for an event, undefined when its type has none. The same event gives the same mail. */
export function composeMessage(
  event: { id: string; type: string },
  order: DocumentDetails,
): Mail | undefined {
  if (!Object.hasOwn(templates, event.type)) return undefined;
  const template: Template = templates[event.type as keyof typeof templates];
  return {
    messageId: messageIdOf(event.id),
    to: { name: order.customer.name, address: order.customer.email },
    subject: template.subject,
    text: asText(template, order),
    html: asHtml(template, order).html,
  };
}

function asText(template: Template, order: DocumentDetails): string {
  const lines = order.lines.map(
    ({ name, quantity, unitPrice }) =>
      `  ${quantity} x ${name}, ${moneyText(unitPrice)} each: ${moneyText(sum(quantity, unitPrice))}`,
  );
  return `Hello ${order.customer.name},

${template.opening(order)}

Order ${order.orderId}

${lines.join("\n")}

  Total: ${moneyText(order.total)}
  Payment: ${paymentMethodText(order)}

Delivery address
${deliveryLines(order)
  .map((line) => `  ${line}`)
  .join("\n")}
`;
}

function asHtml(template: Template, order: DocumentDetails): Html {
  const cell = "padding:6px 12px 6px 0;border-bottom:1px solid #d8dee6;";
  const right = `${cell}text-align:right;`;
  const lines = order.lines.map(
    ({ sku, name, quantity, unitPrice }) => html`<tr>
<td style="${cell}">${name}<br><span style="color:#5a6675;">${sku}</span></td>
<td style="${right}">${quantity}</td>
<td style="${right}">${moneyText(unitPrice)}</td>
<td style="${right}">${moneyText(sum(quantity, unitPrice))}</td>
</tr>
`,
  );
  const address = deliveryLines(order).map((line) => html`${line}<br>`);
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${template.subject}</title></head>
<body style="margin:0;padding:24px;font:15px/1.5 Helvetica,Arial,sans-serif;color:#1c2430;">
<div style="max-width:560px;margin:0 auto;">
<h1 style="font-size:20px;">${template.subject}</h1>
<p>Hello ${order.customer.name},</p>
<p>${template.opening(order)}</p>
<p style="color:#5a6675;">Order ${order.orderId}</p>
<table role="presentation" style="border-collapse:collapse;width:100%;">
${lines}<tr>
<td style="padding:10px 12px 10px 0;" colspan="3"><b>Total</b></td>
<td style="padding:10px 12px 10px 0;text-align:right;"><b>${moneyText(order.total)}</b></td>
</tr>
</table>
<p>Payment: ${paymentMethodText(order)}</p>
<p>Delivery address<br>${address}</p>
</div>
</body>
</html>
`;
}

const sum = (quantity: number, { amount, currency }: DocumentDetails["total"]) => ({
  amount: quantity * amount,
  currency,
});
