/** The layout of mails that are not about a list of priced lines. Pure. */
import { html } from "./html.ts";
import { type Mail, messageIdOf } from "./mailer.ts";

/** What such a mail says. */
export type Notice = {
  readonly eventId: string;
  readonly orderId: string;
  readonly customer: { readonly email: string; readonly name: string };
  readonly subject: string;
  /** First sentences, plain text. */
  readonly opening: string;
  /** Lines with a label each. */
  readonly facts: readonly { readonly label: string; readonly value: string }[];
};

/** The mail in both forms; the same notice gives the same mail. */
export function noticeMail({ eventId, orderId, customer, subject, opening, facts }: Notice): Mail {
  return {
    messageId: messageIdOf(eventId),
    to: { name: customer.name, address: customer.email },
    subject,
    text: `Hello ${customer.name},

${opening}

Order ${orderId}

${facts.map(({ label, value }) => `  ${label}: ${value}`).join("\n")}
`,
    html: html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body style="margin:0;padding:24px;font:15px/1.5 Helvetica,Arial,sans-serif;color:#1c2430;">
<div style="max-width:560px;margin:0 auto;">
<h1 style="font-size:20px;">${subject}</h1>
<p>Hello ${customer.name},</p>
<p>${opening}</p>
<p style="color:#5a6675;">Order ${orderId}</p>
${facts.map(({ label, value }) => html`<p>${label}: <b>${value}</b></p>\n`)}</div>
</body>
</html>
`.html,
  };
}
