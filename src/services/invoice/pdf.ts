/** The invoice as a PDF. Standard fonts only: a document is a few kilobytes and a few milliseconds of work. */
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import { moneyText } from "../paperwork/money-text.ts";
import { addressLines, type OrderPaper, paymentMethodText } from "../paperwork/order-details.ts";
import { useFonts } from "./fonts.ts";
import { latin } from "./latin.ts";
import type { InvoiceNumber } from "./numbers.ts";

type Document = InstanceType<typeof PDFDocument>;

/** A4, in points. */
const page = { left: 56, right: 539, top: 56, bottom: 760, footer: 786 } as const;
const columns = { item: page.left, quantity: 330, price: 390, amount: 465 } as const;
const ROW_HEIGHT = 30;
const grey = "#5a6675";
const black = "#1c2430";
const rule = "#d8dee6";

/** Renders an invoice. The same order and number give the same bytes. */
export function renderInvoice(order: OrderPaper, invoice: InvoiceNumber): Promise<Buffer> {
  const document = emptyDocument(invoice);
  useFonts(document);
  return draw(document, order, invoice);
}

function emptyDocument(invoice: InvoiceNumber): Document {
  const issuedAt = new Date(invoice.issuedAt);
  return new PDFDocument({
    size: "A4",
    margin: 0,
    // The type does not know that null stands for none.
    font: null as unknown as string,
    bufferPages: true,
    info: {
      Title: `Invoice ${invoice.number}`,
      Author: "Orderly",
      CreationDate: issuedAt,
      ModDate: issuedAt,
    },
  });
}

function draw(document: Document, order: OrderPaper, invoice: InvoiceNumber): Promise<Buffer> {
  const done = collect(document);
  let y = heading(document, order, invoice);
  y = tableHead(document, y);
  for (const [index, line] of order.lines.entries()) {
    // The last line stays with the total.
    const needed = index === order.lines.length - 1 ? 3 * ROW_HEIGHT : ROW_HEIGHT;
    if (y + needed > page.bottom) y = tableHead(nextPage(document), page.top);
    y = row(document, y, line);
  }
  total(document, y, order);
  footers(document, invoice);
  document.end();
  return done;
}

function heading(document: Document, order: OrderPaper, { number, issuedAt }: InvoiceNumber): number {
  at(document, "Orderly", page.left, page.top, { font: "Helvetica-Bold", size: 20 });
  const facts: [string, string][] = [
    ["Invoice", number],
    ["Date", issuedAt.slice(0, 10)],
    ["Order", order.orderId],
    ["Payment", paymentMethodText(order)],
  ];
  let y = page.top + 56;
  for (const [name, value] of facts) {
    at(document, name, 320, y, { color: grey });
    at(document, value, 375, y, { font: name === "Invoice" ? "Helvetica-Bold" : "Helvetica", width: 164 });
    y += 16;
  }
  y = page.top + 56;
  at(document, "Billed to", page.left, y, { color: grey });
  for (const line of [order.customer.name, ...addressLines(order)]) {
    y += 16;
    at(document, line, page.left, y, { width: 240 });
  }
  return page.top + 190;
}

function tableHead(document: Document, y: number): number {
  at(document, "Item", columns.item, y, { color: grey });
  at(document, "Quantity", columns.quantity, y, { color: grey, width: 50, align: "right" });
  at(document, "Price", columns.price, y, { color: grey, width: 70, align: "right" });
  at(document, "Amount", columns.amount, y, { color: grey, width: 74, align: "right" });
  line(document, y + 18);
  return y + 26;
}

function row(document: Document, y: number, ordered: OrderPaper["lines"][number]): number {
  const { name, sku, quantity, unitPrice } = ordered;
  const amount = { amount: quantity * unitPrice.amount, currency: unitPrice.currency };
  at(document, name, columns.item, y, { width: 260 });
  at(document, sku, columns.item, y + 12, { color: grey, size: 8, width: 260 });
  at(document, String(quantity), columns.quantity, y, { width: 50, align: "right" });
  at(document, plainMoney(unitPrice), columns.price, y, { width: 70, align: "right" });
  at(document, plainMoney(amount), columns.amount, y, { width: 74, align: "right" });
  return y + ROW_HEIGHT;
}

function total(document: Document, y: number, order: OrderPaper): void {
  line(document, y);
  const bold = { font: "Helvetica-Bold", size: 12 } as const;
  at(document, "Total", columns.item, y + 12, bold);
  at(document, moneyText(order.total, "code"), 300, y + 12, { ...bold, width: 239, align: "right" });
}

function footers(document: Document, { number }: InvoiceNumber): void {
  const { count } = document.bufferedPageRange();
  for (let index = 0; index < count; index++) {
    document.switchToPage(index);
    at(document, `Invoice ${number}`, page.left, page.footer, { color: grey, size: 8 });
    const text = `Page ${index + 1} of ${count}`;
    at(document, text, 300, page.footer, { color: grey, size: 8, width: 239, align: "right" });
  }
}

function nextPage(document: Document): Document {
  return document.addPage({ size: "A4", margin: 0 });
}

function line(document: Document, y: number): void {
  document.moveTo(page.left, y).lineTo(page.right, y).lineWidth(0.75).strokeColor(rule).stroke();
}

/** The currency stands once, at the total: amounts of one invoice have one currency. */
function plainMoney(money: { amount: number; currency: string }): string {
  return moneyText(money, "code").replace(/^(-?)[A-Z]{3}\s/u, "$1");
}

type Look = {
  readonly font?: "Helvetica" | "Helvetica-Bold";
  readonly size?: number;
  readonly color?: string;
  readonly width?: number;
  readonly align?: "right";
};

/** One line of text, cut off with an ellipsis where it is too wide. */
function at(document: Document, text: string, x: number, y: number, look: Look = {}): void {
  document.font(look.font ?? "Helvetica", look.size ?? 10).fillColor(look.color ?? black);
  let shown = latin(text);
  if (look.width === undefined) {
    document.text(shown, x, y, { lineBreak: false });
    return;
  }
  let width = document.widthOfString(shown);
  while (width > look.width && shown.length > 1) {
    shown = `${shown.slice(0, Math.max(0, Math.floor((shown.length * look.width) / width) - 2))}…`;
    width = document.widthOfString(shown);
  }
  document.text(shown, look.align === "right" ? x + look.width - width : x, y, { lineBreak: false });
}

function collect(document: Document): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    document.on("data", (chunk: Buffer) => chunks.push(chunk));
    document.on("end", () => resolve(Buffer.concat(chunks)));
    document.on("error", reject);
  });
}
