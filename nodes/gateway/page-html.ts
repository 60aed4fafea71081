/** The payment gateway simulator's pages. */
import { moneyText } from "../../src/services/documents/money-text.ts";
import { html, type Html } from "../../src/services/email/html.ts";
import type { PageView } from "./pages.ts";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; background: #eef1f5; color: #1c2430; margin: 0; padding: 1rem; }
main { background: #fff; max-width: 26rem; margin: 3rem auto; padding: 2rem; border-radius: 12px; box-shadow: 0 2px 12px #1c243022; }
h1 { font-size: 1.1rem; margin: 0; color: #5a6675; font-weight: 600; }
.sum { font-size: 2.4rem; font-weight: 700; margin: .5rem 0; }
code { overflow-wrap: anywhere; color: #5a6675; }
form { display: grid; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; font-weight: 600; padding: .8rem; border-radius: 8px; border: 1px solid #0b6b3a; background: #0b6b3a; color: #fff; cursor: pointer; }
button.other { background: #fff; color: #8c1d18; border-color: #8c1d18; }
button:focus-visible { outline: 3px solid #4c9aff; outline-offset: 2px; }
small { color: #5a6675; display: block; margin-top: 1.5rem; }
`;

/** A payment, as the customer sees it. No script, and nothing from other hosts. */
export function paymentPage(page: PageView): string {
  const money = moneyText({ amount: page.amount, currency: page.currency });
  return frame(
    titles[page.status],
    html`<h1>${titles[page.status]}</h1>
<p class="sum">${money}</p>
<p>for order <code>${page.orderId}</code></p>
${below(page, money)}`,
  );
}

/** The page at an address that names no payment. */
export function unknownPaymentPage(): string {
  return frame("Unknown payment", html`<h1>Unknown payment</h1><p>There is no payment at this address.</p>`);
}

const titles: Readonly<Record<PageView["status"], string>> = {
  pending: "Pay for your order",
  paid: "Payment complete",
  declined: "Payment declined",
  closed: "This payment is closed",
};

const below = ({ id, status }: PageView, money: string): Html =>
  ({
    pending: html`<form method="post" action="/pay/${id}">
<button name="action" value="pay">Pay ${money}</button>
<button class="other" name="action" value="decline">Decline</button>
</form>`,
    paid: html`<p role="status">Thank you. The shop has been notified; you may close this page.</p>`,
    declined: html`<p role="status">Nothing was paid. The shop has been notified; you may close this page.</p>`,
    closed: html`<p role="status">The shop has cancelled it, or it took too long. Nothing was paid.</p>
<form method="post" action="/pay/${id}">
<button class="other" name="action" value="pay_late">Pay anyway</button>
</form>
<small>Only in the simulator: some providers still take the money here, and a shop must refund it.</small>`,
  })[status];

function frame(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<main>
${body}
<small>Payment gateway simulator: no real money moves.</small>
</main>
</body>
</html>
`.html;
}
