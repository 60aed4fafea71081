/**
 * Invoices and credit notes as PDF: a few kilobytes and a few milliseconds of work in the standard fonts, about 30 KB
 * and some tens of milliseconds with characters that those lack.
 */
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import type { Seller } from "../../../config/seller-settings.ts";
import { moneyText } from "../documents/money-text.ts";
import { billingLines, type DocumentDetails, paymentMethodText } from "../documents/order-details.ts";
import { rateText, taxIncluded } from "../documents/tax.ts";
import { type Typeface, typefaceFor } from "./fonts.ts";
import type { InvoiceNumber } from "./numbers.ts";

type Document = InstanceType<typeof PDFDocument>;
/** A document under way, and the typeface of its texts. */
type Sheet = { readonly document: Document; readonly face: Typeface };

/** A4, in points. */
const page = { left: 56, right: 539, top: 56, bottom: 760, footer: 786 } as const;
/** Left edge and width. The largest sums that an order can have fit in them. */
const columns = {
  item: { x: page.left, width: 230 },
  quantity: { x: 290, width: 50, align: "right" },
  price: { x: 345, width: 82, align: "right" },
  amount: { x: 432, width: 107, align: "right" },
} as const;
const ROW_HEIGHT = 30;
/** Height of what follows the last line: net, tax, total and a remark. */
const TOTALS_HEIGHT = 84;
const grey = "#5a6675";
const black = "#1c2430";
const rule = "#d8dee6";

/** The facts of the document besides the order and the seller. */
type Paper = {
  readonly title: "Invoice" | "Credit note";
  readonly number: string;
  /** RFC 3339, UTC. */
  readonly issuedAt: string;
  /** On a credit note: the invoice that it cancels. */
  readonly cancels?: InvoiceNumber;
  /** The name of the sum at the bottom. */
  readonly sum: string;
};

/** Renders an invoice. The same order, number and seller give the same bytes. */
export function renderInvoice(
  order: DocumentDetails,
  invoice: InvoiceNumber,
  seller: Seller,
): Promise<Buffer> {
  return render(order, { title: "Invoice", sum: "Total", ...invoice }, seller);
}

/** Renders the credit note that cancels a whole invoice, at the invoice's tax rate. */
export function renderCreditNote(
  order: DocumentDetails,
  note: InvoiceNumber,
  invoice: InvoiceNumber,
  seller: Seller,
): Promise<Buffer> {
  return render(order, { title: "Credit note", sum: "Total credited", cancels: invoice, ...note }, seller);
}

function render(order: DocumentDetails, paper: Paper, seller: Seller): Promise<Buffer> {
  const document = emptyDocument(paper, seller);
  const face = typefaceFor(document, textsOf(order, seller));
  return draw({ document, face }, order, paper, seller);
}

/** The texts that people wrote; all others are of the characters that every typeface has. */
function textsOf(order: DocumentDetails, { name, address, taxId }: Seller): string[] {
  const lines = order.lines.flatMap((line) => [line.name, line.sku]);
  return [order.orderId, ...billingLines(order), ...lines, name, ...address, taxId];
}

function emptyDocument({ title, number, issuedAt }: Paper, seller: Seller): Document {
  const date = new Date(issuedAt);
  return new PDFDocument({
    size: "A4",
    margin: 0,
    // The type lacks null, which means no font.
    font: null as unknown as string,
    bufferPages: true,
    info: { Title: `${title} ${number}`, Author: seller.name, CreationDate: date, ModDate: date },
  });
}

function draw(sheet: Sheet, order: DocumentDetails, paper: Paper, seller: Seller): Promise<Buffer> {
  const { document } = sheet;
  const done = collect(document);
  sender(sheet, seller);
  let y = heading(sheet, order, paper);
  y = tableHead(sheet, y);
  for (const [index, line] of order.lines.entries()) {
    // The last line stays with the total.
    const needed = index === order.lines.length - 1 ? ROW_HEIGHT + TOTALS_HEIGHT : ROW_HEIGHT;
    if (y + needed > page.bottom) y = tableHead(nextPage(sheet), page.top);
    y = row(sheet, y, line);
  }
  totals(sheet, y, order, paper);
  footers(sheet, paper);
  document.end();
  return done;
}

function sender(sheet: Sheet, { name, address, taxId }: Seller): void {
  at(sheet, name, page.left, page.top, { bold: true, size: 18, width: 483, shrinks: true });
  let y = page.top + 26;
  for (const line of [...address, `Tax ID ${taxId}`]) {
    at(sheet, line, 320, y, { color: grey, size: 9, width: 219, shrinks: true });
    y += 11;
  }
}

function heading(sheet: Sheet, order: DocumentDetails, paper: Paper): number {
  const { title, number, issuedAt, cancels } = paper;
  const facts: [string, string][] = [
    [title, number],
    ["Date", issuedAt.slice(0, 10)],
    ...(cancels === undefined
      ? []
      : ([["Of invoice", `${cancels.number}, ${cancels.issuedAt.slice(0, 10)}`]] satisfies [
          string,
          string,
        ][])),
    ["Order", order.orderId],
    ["Payment", paymentMethodText(order)],
  ];
  const top = page.top + 112;
  let y = top;
  for (const [name, value] of facts) {
    at(sheet, name, 320, y, { color: grey });
    at(sheet, value, 385, y, { bold: name === title, width: 154 });
    y += 16;
  }
  y = top;
  at(sheet, "Billed to", page.left, y, { color: grey });
  for (const line of billingLines(order)) {
    y += 16;
    at(sheet, line, page.left, y, { width: 240 });
  }
  // Seven lines fit beside the facts; a company with a tax id has up to nine.
  return Math.max(top + 112, y + 32);
}

function tableHead(sheet: Sheet, y: number): number {
  const { item, quantity, price, amount } = columns;
  at(sheet, "Item", item.x, y, { ...item, color: grey });
  at(sheet, "Quantity", quantity.x, y, { ...quantity, color: grey });
  at(sheet, "Price", price.x, y, { ...price, color: grey });
  at(sheet, "Amount", amount.x, y, { ...amount, color: grey });
  line(sheet, y + 18);
  return y + 26;
}

function row(sheet: Sheet, y: number, ordered: DocumentDetails["lines"][number]): number {
  const { name, sku, quantity, unitPrice } = ordered;
  const amount = { amount: quantity * unitPrice.amount, currency: unitPrice.currency };
  at(sheet, name, columns.item.x, y, columns.item);
  at(sheet, sku, columns.item.x, y + 12, { ...columns.item, color: grey, size: 8 });
  at(sheet, String(quantity), columns.quantity.x, y, columns.quantity);
  at(sheet, plainMoney(unitPrice), columns.price.x, y, columns.price);
  at(sheet, plainMoney(amount), columns.amount.x, y, columns.amount);
  return y + ROW_HEIGHT;
}

function totals(sheet: Sheet, y: number, order: DocumentDetails, paper: Paper): void {
  line(sheet, y);
  const bold = { bold: true, size: 12 } as const;
  const sum = (name: string, money: DocumentDetails["total"], top: number, style: TextStyle) => {
    at(sheet, name, columns.item.x, top, style);
    at(sheet, moneyText(money, "code"), 300, top, { ...style, width: 239, align: "right" });
  };
  let next = y + 12;
  if (order.taxBasisPoints !== null) {
    const { net, tax } = taxIncluded(order.total, order.taxBasisPoints);
    sum("Net", net, next, {});
    sum(`Tax ${rateText(order.taxBasisPoints)}`, tax, next + 16, {});
    next += 36;
  }
  sum(paper.sum, order.total, next, bold);
  if (order.taxBasisPoints !== null)
    at(sheet, "Prices include tax.", columns.item.x, next + 20, { color: grey, size: 8 });
}

function footers(sheet: Sheet, { title, number }: Paper): void {
  const { document } = sheet;
  const { count } = document.bufferedPageRange();
  for (let index = 0; index < count; index++) {
    document.switchToPage(index);
    at(sheet, `${title} ${number}`, page.left, page.footer, { color: grey, size: 8 });
    const text = `Page ${index + 1} of ${count}`;
    at(sheet, text, 300, page.footer, { color: grey, size: 8, width: 239, align: "right" });
  }
}

function nextPage(sheet: Sheet): Sheet {
  sheet.document.addPage({ size: "A4", margin: 0 });
  return sheet;
}

function line({ document }: Sheet, y: number): void {
  document.moveTo(page.left, y).lineTo(page.right, y).lineWidth(0.75).strokeColor(rule).stroke();
}

/** An amount without its currency, which is shown once, at the total: an invoice has one currency. */
function plainMoney(money: { amount: number; currency: string }): string {
  return moneyText(money, "code").replace(/^(-?)[A-Z]{3}\s/u, "$1");
}

type TextStyle = {
  readonly bold?: boolean;
  readonly size?: number;
  readonly color?: string;
  readonly width?: number;
  readonly align?: "right";
  /** Text that is too wide is set smaller first, down to half its size. */
  readonly shrinks?: true;
};

/** One line of text, truncated with an ellipsis where it is too wide. */
function at({ document, face }: Sheet, text: string, x: number, y: number, style: TextStyle = {}): void {
  document.font(style.bold ? face.bold : face.regular, style.size ?? 10).fillColor(style.color ?? black);
  let shown = face.shown(text);
  if (style.width === undefined) {
    document.text(shown, x, y, { lineBreak: false });
    return;
  }
  let width = document.widthOfString(shown);
  if (style.shrinks && width > style.width) {
    const size = style.size ?? 10;
    document.fontSize(Math.max(size / 2, (size * style.width) / width));
    width = document.widthOfString(shown);
  }
  while (width > style.width && shown.length > 1) {
    shown = `${shown.slice(0, Math.max(0, Math.floor((shown.length * style.width) / width) - 2))}…`;
    width = document.widthOfString(shown);
  }
  document.text(shown, style.align === "right" ? x + style.width - width : x, y, { lineBreak: false });
}

function collect(document: Document): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    document.on("data", (chunk: Buffer) => chunks.push(chunk));
    document.on("end", () => resolve(Buffer.concat(chunks)));
    document.on("error", reject);
  });
}
