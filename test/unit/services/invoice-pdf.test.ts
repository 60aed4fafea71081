import { inflateSync } from "node:zlib";
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import t from "tap";
import { useFonts } from "../../../src/services/invoice/fonts.ts";
import { latin } from "../../../src/services/invoice/latin.ts";
import { renderCreditNote, renderInvoice } from "../../../src/services/invoice/pdf.ts";
import { orderDetails, seller } from "../../support/order-details.ts";

const invoice = { number: "2026-000042", issuedAt: "2026-03-04T05:06:07.000Z" };

/** The text of each page. Reads only what this document uses: hexadecimal strings in streams. */
function pagesOf(pdf: Buffer): string[] {
  const pages: string[] = [];
  for (let at = pdf.indexOf("stream\n"); at !== -1; at = pdf.indexOf("stream\n", at + 1)) {
    const end = pdf.indexOf("\nendstream", at);
    // "endstream" contains the marker too.
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

t.test("an invoice shows number, date, order, both addresses, lines, net, tax and total", async (t) => {
  const pdf = await renderInvoice(orderDetails("ord_1"), invoice, seller);
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
    "Net",
    "EUR\u00a039.41",
    "Tax 23 %",
    "EUR\u00a09.07",
    "Total",
    "EUR\u00a048.48",
    "A shop",
    "2 Shop Street",
    "1000-001 Lisbon",
    "Portugal",
    "Tax ID PT123456789",
    "Page 1 of 1",
  ]) {
    t.ok(lines.includes(part), part);
  }
});

/** The texts of an invoice at a rate. */
const linesOf = async (taxBasisPoints: number | null) => {
  const [text = ""] = pagesOf(
    await renderInvoice({ ...orderDetails("ord_1"), taxBasisPoints }, invoice, seller),
  );
  return text.split("\n");
};

t.test("the rate is the order's; an order without a recorded rate has a total only", async (t) => {
  const reduced = await linesOf(550);
  for (const part of ["Tax 5.5 %", "EUR\u00a045.95", "EUR\u00a02.53", "EUR\u00a048.48"])
    t.ok(reduced.includes(part), part);
  const before = await linesOf(null);
  t.ok(before.includes("EUR\u00a048.48"));
  t.same(
    before.filter((line) => /^(Net|Tax \d|Prices)/u.test(line)),
    [],
  );
});

t.test("a credit note names the invoice that it cancels, and the same sums", async (t) => {
  const note = { number: "CN-2026-000003", issuedAt: "2026-03-05T05:06:07.000Z" };
  const [text = ""] = pagesOf(await renderCreditNote(orderDetails("ord_1"), note, invoice, seller));
  const lines = text.split("\n");
  for (const part of [
    "Credit note",
    "CN-2026-000003",
    "2026-03-05",
    "Of invoice",
    "2026-000042, 2026-03-04",
    "Tax 23 %",
    "EUR\u00a09.07",
    "Total credited",
    "EUR\u00a048.48",
    "Credit note CN-2026-000003",
    "Tax ID PT123456789",
  ])
    t.ok(lines.includes(part), part);
});

t.test("a hundred lines go over several pages, each with its head and number", async (t) => {
  const order = orderDetails("ord_1");
  const [line] = order.lines;
  const lines = Array.from({ length: 100 }, (_, n) => ({ ...line!, sku: `SKU-${n}` }));
  const pages = pagesOf(await renderInvoice({ ...order, lines }, invoice, seller));
  t.equal(pages.length, 5);
  for (const [index, page] of pages.entries()) {
    t.match(page, `Page ${index + 1} of 5`);
    t.match(page, "Quantity");
  }
  t.equal(pages.join("\n").match(/SKU-\d+/g)?.length, 100);
});

t.test("for any number of lines the total never is alone on a page", async (t) => {
  const order = orderDetails("ord_1");
  for (let count = 12; count < 42; count++) {
    const lines = Array.from({ length: count }, (_, n) => ({ ...order.lines[0]!, sku: `SKU-${n}` }));
    const last = pagesOf(await renderInvoice({ ...order, lines }, invoice, seller)).at(-1) ?? "";
    t.ok(last.includes(`SKU-${count - 1}`) && last.includes("Total"), `${count} lines`);
  }
});

t.test("no sum is truncated, not even that of the largest order", async (t) => {
  const order = orderDetails("ord_1");
  const unitPrice = { amount: 1_000_000_000, currency: "EUR" };
  const lines = Array.from({ length: 100 }, (_, n) => ({
    sku: `SKU-${n}`,
    name: "Gold",
    quantity: 10_000,
    unitPrice,
  }));
  const total = { amount: 1_000_000_000_000_000, currency: "EUR" };
  const text = pagesOf(await renderInvoice({ ...order, lines, total }, invoice, seller)).join("\n");
  t.notMatch(text, /\x85/u, "no ellipsis");
  for (const part of ["10,000,000.00", "100,000,000,000.00", "EUR\u00a010,000,000,000,000.00"])
    t.ok(text.split("\n").includes(part), part);
});

t.test("the same order and number give the same bytes", async (t) => {
  const [one, other] = await Promise.all([
    renderInvoice(orderDetails("ord_1"), invoice, seller),
    renderInvoice(orderDetails("ord_1"), invoice, seller),
  ]);
  t.ok(one.equals(other));
});

t.test("a text that is too wide is truncated", async (t) => {
  const order = orderDetails("ord_1");
  const name = "A very long name of an article that goes on and on beyond what a line can show";
  const [text = ""] = pagesOf(
    await renderInvoice({ ...order, lines: [{ ...order.lines[0]!, name }] }, invoice, seller),
  );
  const shown = text.split("\n").find((line) => line.startsWith("A very long"));
  t.match(shown, /\x85$/, "with an ellipsis, 0x85 in WinAnsi");
  t.ok((shown?.length ?? 0) > 30 && (shown?.length ?? 0) < name.length);
});

t.test("characters that the standard fonts lack are shown as similar ones", async (t) => {
  t.equal(latin("Zoë Łukasiewicz-Őrsi €5 “x” …"), "Zoë Lukasiewicz-Orsi €5 “x” …");
  t.equal(latin("李 Ada \u0000\n🎉"), "? Ada   ?");
  t.equal(latin("e\u0301"), "é");
  const order = { ...orderDetails("ord_1"), customer: { id: "c", email: "e@example.com", name: "李 ☃ Ő" } };
  t.match(pagesOf(await renderInvoice(order, invoice, seller))[0], "? ? O");
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
