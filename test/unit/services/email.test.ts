import t from "tap";
import { html } from "../../../src/services/email/html.ts";
import { composeRefundMessage } from "../../../src/services/email/refund-template.ts";
import { composeRejectionMessage } from "../../../src/services/email/rejection-template.ts";
import { composeMessage, orderMails } from "../../../src/services/email/templates.ts";
import { moneyText } from "../../../src/services/documents/money-text.ts";
import { type DocumentDetails, readOrderDetails } from "../../../src/services/documents/order-details.ts";
import { WorkRefused } from "../../../src/runtime/workers/worker.ts";

const order: DocumentDetails = {
  orderId: "ord_1",
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [
    { sku: "TSHIRT-M", name: "T-shirt M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } },
    { sku: "MUG", name: 'Mug <blue> & "big"', quantity: 1, unitPrice: { amount: 5, currency: "EUR" } },
  ],
  total: { amount: 4003, currency: "EUR" },
  payment: { method: "credit_card" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
  taxBasisPoints: 2300,
};
const mail = (type: string, of: DocumentDetails = order) => composeMessage({ id: `ord_1.3.0`, type }, of);

t.test("the subjects are the phrases of the contract", async (t) => {
  const subjects = {
    "order.created": "Order created and awaiting payment",
    "order.confirmed": "Order confirmed",
    "order.payment_failed": "Payment failed",
    "order.payment_expired": "Payment expired",
    "order.shipped": "Order shipped",
    "order.returning": "Order not delivered",
    "order.returned": "Order returned",
    "order.cancelled": "Order cancelled",
  };
  t.same(Object.fromEntries(orderMails.map((type) => [type, mail(type)?.subject])), subjects);
  t.equal(mail("order.completed"), undefined);
  t.equal(mail("constructor"), undefined);
});

t.test("a mail shows the order, its lines, its total and its delivery address", async (t) => {
  const { text = "", html = "", to, messageId } = mail("order.created") ?? {};
  t.same(to, { name: "Ada Byron", address: "ada@example.com" });
  t.match(messageId, /^<ord_1=2e3=2e0@[a-z.]+>$/);
  for (const part of ["ord_1", "T-shirt M", "€19.99", "€39.98", "€40.03", "Credit card", "4000-001 Oporto"]) {
    t.match(text, part);
    t.match(html, part);
  }
});

t.test("text of the customer or the catalogue is not HTML", async (t) => {
  const hostile = { ...order, customer: { ...order.customer, name: "<script>alert('x')</script>" } };
  const { html = "" } = mail("order.created", hostile) ?? {};
  t.notMatch(html, "<script>");
  t.match(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
  t.match(html, "Mug &lt;blue&gt; &amp; &quot;big&quot;");
});

t.test("a mail shows the tracking number and the reason where they are known", async (t) => {
  t.match(mail("order.shipped", { ...order, trackingNumber: "TRK9" })?.text, "tracking number is TRK9");
  t.notMatch(mail("order.shipped")?.text, "undefined");
  t.match(mail("order.cancelled", { ...order, reason: "changed my mind" })?.text, "(changed my mind)");
  t.notMatch(mail("order.cancelled")?.text, "undefined");
});

t.test("the same event gives the same mail, character for character", async (t) => {
  t.same(mail("order.created"), mail("order.created"));
  t.not(
    composeMessage({ id: "ord_1.4.0", type: "order.created" }, order)?.messageId,
    mail("order.created")?.messageId,
  );
});

t.test("event data that is no order is refused with its faults", async (t) => {
  t.same(
    readOrderDetails({ ...order, type: "order.created" }).orderId,
    "ord_1",
    "further fields are left alone",
  );
  for (const data of [null, 7, "x", {}, [], { ...order, total: { amount: 1.5, currency: "EUR" } }]) {
    t.throws(() => readOrderDetails(data), WorkRefused);
  }
  t.throws(() => readOrderDetails({ ...order, customer: { id: "c", email: "e" } }), { message: /customer/ });
});

t.test("money is written with its currency's decimals, exactly", async (t) => {
  t.same(
    [
      moneyText({ amount: 0, currency: "EUR" }),
      moneyText({ amount: 5, currency: "EUR" }),
      moneyText({ amount: 123456, currency: "USD" }),
      moneyText({ amount: 1234, currency: "JPY" }),
      moneyText({ amount: 1234, currency: "KWD" }).replace(/\s/u, " "),
      moneyText({ amount: -5, currency: "EUR" }),
      moneyText({ amount: Number.MAX_SAFE_INTEGER, currency: "EUR" }),
      moneyText({ amount: 123456, currency: "EUR" }, "code").replace(/\s/u, " "),
      moneyText({ amount: 199900, currency: "HUF" }, "code").replace(/\s/u, " "),
      moneyText({ amount: 199900, currency: "COP" }).replace(/\s/u, " "),
      moneyText({ amount: 12345, currency: "CLF" }).replace(/\s/u, " "),
      moneyText({ amount: 12345, currency: "ZZZ" }).replace(/\s/u, " "),
    ],
    [
      "€0.00",
      "€0.05",
      "$1,234.56",
      "¥1,234",
      "KWD 1.234",
      "-€0.05",
      "€90,071,992,547,409.91",
      "EUR 1,234.56",
      "HUF 1,999.00",
      "COP 1,999.00",
      "CLF 1.2345",
      "ZZZ 123.45",
    ],
  );
});

t.test("html nests what is HTML and escapes what is text", async (t) => {
  const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
  t.equal(html`<ul>${items}</ul>${1}`.html, "<ul><li>a</li><li>&lt;b&gt;</li></ul>1");
});

const refund = {
  orderId: "ord_1",
  amount: { amount: 3998, currency: "EUR" },
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada <b>Byron</b>" },
  reason: "cancelled",
};
const refundMail = (data: unknown) => composeRefundMessage({ id: "ord_1.7.0", data });

t.test("a refund's mail shows the sum and the reason, in both forms", async (t) => {
  const mail = refundMail(refund);
  t.match(mail, {
    messageId: "<ord_1=2e7=2e0@orderly.example>",
    to: { name: "Ada <b>Byron</b>", address: "ada@example.com" },
    subject: "Payment refunded",
  });
  t.equal(
    mail.text,
    `Hello Ada <b>Byron</b>,

we have given back your payment of €39.98, because the order was cancelled. It can take some days until it is on your account.

Order ord_1

  Refunded: €39.98
`,
  );
  for (const part of [
    "<h1",
    "Hello Ada &lt;b&gt;Byron&lt;/b&gt;,",
    "your payment of €39.98, because the order was cancelled.",
    "Order ord_1",
    "Refunded: <b>€39.98</b>",
  ])
    t.ok(mail.html.includes(part), part);
  t.same(refundMail(refund), mail, "the same event gives the same mail");
});

t.test("a refund's mail has a text for every reason, and other data is rejected", async (t) => {
  for (const [reason, words] of [
    ["cancelled", "the order was cancelled"],
    ["returned", "the order did not reach you"],
    ["expired", "it came after the time for paying was over"],
    ["failed", "it came after the payment had been declined"],
  ] as const) {
    const mail = refundMail({ ...refund, reason });
    t.ok(mail.text.includes(words) && mail.html.includes(words), reason);
  }
  for (const change of [{ reason: "mood" }, { amount: null }, { customer: {} }, { orderId: "" }])
    t.throws(() => refundMail({ ...refund, ...change }), WorkRefused);
});

const rejection = {
  orderId: "ord_1",
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada <b>Byron</b>" },
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  rejection: { outcome: "out_of_stock", missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }] },
};
const rejectionMail = (data: unknown) => composeRejectionMessage({ id: "ord_1.2.1", data });

t.test("the mail about a rejection names what is missing, in both forms", async (t) => {
  const made = rejectionMail(rejection);
  t.match(made, {
    messageId: "<ord_1=2e2=2e1@orderly.example>",
    to: { name: "Ada <b>Byron</b>", address: "ada@example.com" },
    subject: "Order not accepted",
    text: "we do not have enough of what you ordered.",
  });
  t.ok(made.text.includes("  TSHIRT-M: 2 ordered, 1 available\n"));
  t.ok(made.html.includes("<p>TSHIRT-M: <b>2 ordered, 1 available</b></p>"));
  t.ok(made.html.includes("Hello Ada &lt;b&gt;Byron&lt;/b&gt;,"));
  const unknown = rejectionMail({ ...rejection, rejection: { outcome: "unavailable" } });
  t.ok(unknown.text.includes("could not reserve the items") && unknown.text.includes("TSHIRT-M: 2 ordered"));
  const dearer = rejectionMail({
    ...rejection,
    rejection: { outcome: "price_changed", lines: [], total: null },
  });
  t.ok(dearer.text.includes("a price has changed since you agreed to the total"));
  for (const change of [{ rejection: null }, { lines: 7 }, { customer: {} }, { orderId: "" }])
    t.throws(() => rejectionMail({ ...rejection, ...change }), WorkRefused);
});

t.test("every mail of an order shows its subject matter in both forms", async (t) => {
  const shipped = { ...order, trackingNumber: "TRK1" };
  const cancelled = { ...order, reason: "changed <my> mind" };
  for (const [type, of, text, html] of [
    ["order.created", order, "wait for the payment", "wait for the payment"],
    ["order.confirmed", order, "your order is confirmed", "your order is confirmed"],
    ["order.payment_failed", order, "did not succeed", "did not succeed"],
    ["order.payment_expired", order, "did not reach us in time", "did not reach us in time"],
    ["order.shipped", shipped, "tracking number is TRK1", "tracking number is TRK1"],
    ["order.returning", { ...order, cause: "refused" }, "was not accepted", "was not accepted"],
    ["order.returned", { ...order, cause: "lost" }, "has lost the parcel", "has lost the parcel"],
    ["order.returned", { ...order, cause: "of later" }, "could not be delivered", "could not be delivered"],
    ["order.cancelled", cancelled, "(changed <my> mind)", "(changed &lt;my&gt; mind)"],
  ] as const) {
    const made = mail(type, of);
    t.ok(made?.text.includes(text), `${type}, text`);
    t.ok(made?.html.includes(html), `${type}, HTML`);
    for (const part of ["Ada Byron", "ord_1", "€40.03", "1 Main St", "T-shirt M", "Credit card"]) {
      t.ok(made?.text.includes(part), `${type}, text: ${part}`);
      t.ok(made?.html.includes(part), `${type}, HTML: ${part}`);
    }
  }
});
