import { inflateSync } from "node:zlib";
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import t from "tap";
import { useFonts } from "../../src/services/invoice/fonts.ts";
import { latin } from "../../src/services/invoice/latin.ts";
import { renderInvoice } from "../../src/services/invoice/pdf.ts";
import { orderDetails } from "../support/order-details.ts";

const invoice = { number: "2026-000042", issuedAt: "2026-03-04T05:06:07.000Z" };

/** The text of each page, as far as this document's own way of writing it goes: hexadecimal strings in streams. */
function pagesOf(pdf: Buffer): string[] {
  const pages: string[] = [];
  for (let at = pdf.indexOf("stream\n"); at !== -1; at = pdf.indexOf("stream\n", at + 1)) {
    const end = pdf.indexOf("\nendstream", at);
    // "endstream" holds the word too.
    if (end === -1 || pdf.subarray(at - 3, at).toString() === "end") continue;
    const content = inflateSync(pdf.subarray(at + "stream\n".length, end)).toString("latin1");
    const lines = [...content.matchAll(/\[(.*?)\] TJ/gs)].map(([, parts = ""]) =>
      [...parts.matchAll(/<([0-9a-f]*)>/g)]
        .map(([, hex = ""]) => Buffer.from(hex, "hex").toString("latin1"))
        .join(""),
    );
    pages.push(lines.join("\n"));
  }
  return pages;
}

t.test("an invoice shows number, date, order, address, lines and total", async (t) => {
  const pdf = await renderInvoice(orderDetails("ord_1"), invoice);
  t.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  const [text = "", ...more] = pagesOf(pdf);
  t.equal(more.length, 0);
  const lines = text.split("\n");
  for (const part of [
    "2026-000042",
    "2026-03-04",
    "ord_1",
    "Ada Byron",
    "1 Main St",
    "4000-001 Oporto",
    "Credit card",
    "T-shirt M",
    "TSHIRT-M",
    "19.99",
    "39.98",
    "Blue mug",
    "8.50",
    "EUR\u00a048.48",
    "Page 1 of 1",
  ]) {
    t.ok(lines.includes(part), part);
  }
});

t.test("a hundred lines go over several pages, each with its head and number", async (t) => {
  const order = orderDetails("ord_1");
  const [line] = order.lines;
  const lines = Array.from({ length: 100 }, (_, n) => ({ ...line!, sku: `SKU-${n}` }));
  const pages = pagesOf(await renderInvoice({ ...order, lines }, invoice));
  t.equal(pages.length, 5);
  for (const [index, page] of pages.entries()) {
    t.match(page, `Page ${index + 1} of 5`);
    t.match(page, "Quantity");
  }
  t.equal(pages.join("\n").match(/SKU-\d+/g)?.length, 100);
});

t.test("however many lines there are, the total never stands alone on a page", async (t) => {
  const order = orderDetails("ord_1");
  for (let count = 12; count < 42; count++) {
    const lines = Array.from({ length: count }, (_, n) => ({ ...order.lines[0]!, sku: `SKU-${n}` }));
    const last = pagesOf(await renderInvoice({ ...order, lines }, invoice)).at(-1) ?? "";
    t.ok(last.includes(`SKU-${count - 1}`) && last.includes("Total"), `${count} lines`);
  }
});

t.test("the same order and number give the same bytes", async (t) => {
  const [one, other] = await Promise.all([
    renderInvoice(orderDetails("ord_1"), invoice),
    renderInvoice(orderDetails("ord_1"), invoice),
  ]);
  t.ok(one.equals(other));
});

t.test("a text that is too wide is cut off", async (t) => {
  const order = orderDetails("ord_1");
  const name = "A very long name of an article that goes on and on beyond what a line can show";
  const [text = ""] = pagesOf(
    await renderInvoice({ ...order, lines: [{ ...order.lines[0]!, name }] }, invoice),
  );
  const shown = text.split("\n").find((line) => line.startsWith("A very long"));
  t.match(shown, /\x85$/, "with an ellipsis, 0x85 in WinAnsi");
  t.ok((shown?.length ?? 0) > 30 && (shown?.length ?? 0) < name.length);
});

t.test("letters that the standard fonts lack are shown as near as can be", async (t) => {
  t.equal(latin("Zoë Łukasiewicz-Őrsi €5 “x” …"), "Zoë Lukasiewicz-Orsi €5 “x” …");
  t.equal(latin("李 Ada \u0000\n🎉"), "? Ada   ?");
  t.equal(latin("e\u0301"), "é");
  const order = { ...orderDetails("ord_1"), customer: { id: "c", email: "e@example.com", name: "李 ☃ Ő" } };
  t.match(pagesOf(await renderInvoice(order, invoice))[0], "? ? O");
});

t.test("fonts that are read once make the same document, every time", async (t) => {
  const CreationDate = new Date("2026-03-04T05:06:07.000Z");
  const made = async (prepared: boolean): Promise<Buffer> => {
    const info = { CreationDate, ModDate: CreationDate };
    const document = new PDFDocument(prepared ? { info, font: null as unknown as string } : { info });
    if (prepared) useFonts(document);
    document.font("Helvetica", 12).text("AVAST, kerned Tä 19,99 €", 50, 50);
    document.font("Helvetica-Bold", 20).text("Total", 50, 90, { width: 200, align: "right" });
    document.addPage().font("Helvetica").text("second page");
    document.end();
    return Buffer.concat(await Array.fromAsync(document as AsyncIterable<Buffer>));
  };
  const plain = await made(false);
  t.ok((await made(true)).equals(plain), "the first one");
  t.ok((await made(true)).equals(plain), "and the next");
});
