/** The carrier simulator's page. */
import { addressLines } from "../../src/services/addresses/address-lines.ts";
import { moneyText } from "../../src/services/documents/money-text.ts";
import { html, type Html } from "../../src/services/email/html.ts";
import type { Shipment } from "./shipments.ts";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; background: #eef1f5; color: #1c2430; margin: 0; padding: 1rem; }
main { background: #fff; max-width: 60rem; margin: 2rem auto; padding: 2rem; border-radius: 12px; box-shadow: 0 2px 12px #1c243022; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .5rem; border-top: 1px solid #d5dbe3; vertical-align: top; }
code { overflow-wrap: anywhere; }
button { font: inherit; padding: .3rem .8rem; border-radius: 8px; border: 1px solid #0b6b3a; background: #0b6b3a; color: #fff; cursor: pointer; }
button:focus-visible { outline: 3px solid #4c9aff; outline-offset: 2px; }
small { color: #5a6675; display: block; margin-top: 1.5rem; }
`;

/**
 * Parcels, newest first, each with a button for everything that can become of it. No script, and nothing from other
 * hosts.
 */
export function shipmentsPage(shipments: readonly Shipment[]): string {
  const body =
    shipments.length === 0
      ? html`<p>There are no parcels yet.</p>`
      : html`<table>
<thead><tr><th>Parcel</th><th>Order</th><th>To</th><th>To collect</th><th>Status</th><th></th></tr></thead>
<tbody>${shipments.map(row)}</tbody>
</table>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Parcels</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<main>
<h1>Parcels</h1>
${body}
<small>Carrier simulator: no parcel really moves. The amount to collect is collected.</small>
</main>
</body>
</html>
`.html;
}

const statuses: Readonly<Record<Shipment["status"], string>> = {
  labelled: "labelled",
  handed_over: "handed over",
  delivered: "delivered",
  refused: "refused, comes back",
  unclaimed: "unclaimed, comes back",
  lost: "lost",
  returned: "back at the sender",
};

function row(shipment: Shipment): Html {
  const { trackingNumber, orderId, shippingAddress, collect, status } = shipment;
  const to = [...addressLines(shippingAddress), shippingAddress.phone ?? ""].filter((line) => line !== "");
  return html`<tr>
<td><code>${trackingNumber}</code></td>
<td><code>${orderId}</code></td>
<td>${to.join(", ")}</td>
<td>${collect === null ? "–" : moneyText(collect)}</td>
<td>${statuses[status]}</td>
<td>${actionsOf(status).map((action) => button(trackingNumber, action))}</td>
</tr>`;
}

/** What can become of a parcel from here: the path of each action. */
function actionsOf(status: Shipment["status"]): readonly (keyof typeof labels)[] {
  if (status === "labelled" || status === "handed_over")
    return Object.keys(labels) as (keyof typeof labels)[];
  return status === "refused" || status === "unclaimed" ? ["deliver", "lost", "returned"] : [];
}

const labels = {
  deliver: "Deliver",
  refused: "Refuse",
  unclaimed: "Leave unclaimed",
  lost: "Lose",
  returned: "Return to sender",
} as const;

const button = (trackingNumber: string, action: keyof typeof labels): Html =>
  html`<form method="post" action="/shipments/${trackingNumber}/${action}"><button>${labels[action]}</button></form>`;
