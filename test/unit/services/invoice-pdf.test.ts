import { inflateSync } from "node:zlib";
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import t from "tap";
import { useFonts } from "../../../src/services/invoice/fonts.ts";
import { areWinAnsi, isWinAnsi, shownWith } from "../../../src/services/invoice/characters.ts";
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

t.test("a company is billed with its tax id, and a long address moves the table down", async (t) => {
  const details = orderDetails("ord_1");
  const order = {
    ...details,
    billingAddress: {
      name: "C. Babbage",
      company: "Engines & Sons",
      line1: "5 Devonshire St",
      line2: "3rd floor",
      city: "Springfield",
      state: "IL",
      postalCode: "62701",
      country: "US",
      taxId: "US 98-7654321",
    },
  };
  const lines = (pagesOf(await renderInvoice(order, invoice, seller))[0] ?? "").split("\n");
  const from = lines.indexOf("Billed to");
  t.same(lines.slice(from + 1, from + 9), [
    "C. Babbage",
    "Engines & Sons",
    "5 Devonshire St",
    "3rd floor",
    "Springfield, IL 62701",
    "US",
    "Tax ID US 98-7654321",
    "Item",
  ]);
  t.notOk(lines.includes("1 Main St"));
  const top = async (of: typeof order | typeof details) => tableTop(await renderInvoice(of, invoice, seller));
  t.ok((await top(order)) < (await top(details)) - 10, "below the last line of the address");
});

/** Where the line under the head of the table is, from the bottom of the page, in points. */
function tableTop(pdf: Buffer): number {
  const at = pdf.indexOf("stream\n");
  const content = inflateSync(pdf.subarray(at + "stream\n".length, pdf.indexOf("\nendstream", at))).toString(
    "latin1",
  );
  const drawn = /^(?:56|56\.0+) ([\d.]+) m$/mu.exec(content)?.[1];
  // The page is turned: its origin is at the top.
  return -Number(drawn);
}

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

const standard = (text: string): string => shownWith(isWinAnsi, text);

t.test(
  "characters that a typeface lacks are transliterated, and never shown as a question mark",
  async (t) => {
    t.equal(standard("Zoë Łukasiewicz-Őrsi €5 “x” …"), "Zoë Lukasiewicz-Orsi €5 “x” …");
    t.equal(standard("深圳 Ada \u0000\nΓιώργος Иван"), "ShenZhen Ada   Giorgos Ivan");
    t.equal(standard("e\u0301\u200b"), "é", "composed, and without what is invisible");
    t.notMatch(standard("شارع 🎉 ひ 한 \u{e000}"), /\?/u);
    t.ok(areWinAnsi(["Zoë “x” €", "Māori".replace("ā", "a"), "a\tb"]));
    for (const text of ["Łódź", "Γ", "Ж", "深"]) t.notOk(areWinAnsi(["plain", text]), text);
  },
);

/** The characters of glyphs. */
const glyphs = (hex: string, map: Map<number, string>): string =>
  hex.replaceAll(/[0-9a-f]{4}/gu, (code) => map.get(Number.parseInt(code, 16)) ?? "\ufffd");

/** The texts of the pages as a reader of PDF extracts them, from the tables that map glyphs to characters. */
async function readable(pdf: Buffer): Promise<string> {
  const maps: Map<number, string>[] = [];
  const streams: string[] = [];
  for (let at = pdf.indexOf("stream\n"); at !== -1; at = pdf.indexOf("stream\n", at + 1)) {
    const end = pdf.indexOf("\nendstream", at);
    if (end === -1 || pdf.subarray(at - 3, at).toString() === "end") continue;
    const raw = pdf.subarray(at + "stream\n".length, end);
    streams.push((raw[0] === 0x78 ? inflateSync(raw) : raw).toString("latin1"));
  }
  for (const text of streams.filter((one) => one.includes("beginbfrange"))) {
    const map = new Map<number, string>();
    for (const [, from = "", , list = ""] of text.matchAll(/<([0-9a-f]{4})> <([0-9a-f]{4})> \[(.*?)\]/gsu))
      for (const [index, [, hex = ""]] of [...list.matchAll(/<([0-9a-f ]+)>/gu)].entries())
        map.set(
          Number.parseInt(from, 16) + index,
          Buffer.from(hex.replaceAll(" ", ""), "hex").swap16().toString("utf16le"),
        );
    maps.push(map);
  }
  const lines = streams
    .flatMap((content) => [...content.matchAll(/\[(.*?)\] TJ/gsu)])
    .map(([, parts = ""]) => [...parts.matchAll(/<([0-9a-f]*)>/gu)].map(([, hex = ""]) => hex).join(""));
  return maps.map((map) => lines.map((hex) => glyphs(hex, map)).join("\n")).join("\n");
}

t.test(
  "Polish, Greek and Bulgarian are shown in their own characters, other scripts in Latin ones",
  async (t) => {
    const order = orderDetails("ord_1");
    const name = "Łucja Żółć";
    const greek = "Γιώργος Παπαδόπουλος";
    const bulgarian = "бул. Витоша 1, София";
    const pdf = await renderInvoice(
      {
        ...order,
        customer: { ...order.customer, name },
        shippingAddress: { ...order.shippingAddress, line1: bulgarian, line2: greek, city: "深圳" },
      },
      invoice,
      { ...seller, name: "Ελληνικό κατάστημα" },
    );
    const text = await readable(pdf);
    for (const part of [
      name,
      greek,
      bulgarian,
      "4000-001 ShenZhen",
      "Ελληνικό κατάστημα",
      "2026-000042",
      "EUR\u00a048.48",
    ])
      t.ok(text.split("\n").includes(part), part);
    t.ok(
      pdf.length < 100_000,
      `only the characters that are shown are in the file, which has ${pdf.length} bytes`,
    );
    t.ok(pdf.includes("NotoSans"), "the font is part of the file");
  },
);

t.test(
  "in the wider typeface no sum is truncated either, and the same order gives the same bytes",
  async (t) => {
    const order = orderDetails("ord_1");
    const unitPrice = { amount: 1_000_000_000, currency: "EUR" };
    const line = { sku: "SKU", name: "Золото", quantity: 10_000, unitPrice };
    const large = { ...order, lines: [line], total: { amount: 1_000_000_000_000_000, currency: "EUR" } };
    const [one, other] = await Promise.all([
      renderInvoice(large, invoice, seller),
      renderInvoice(large, invoice, seller),
    ]);
    const text = await readable(one);
    for (const part of ["10,000,000.00", "100,000,000,000.00", "EUR\u00a010,000,000,000,000.00", "Золото"])
      t.ok(text.split("\n").includes(part), part);
    t.notMatch(text, /…/u);
    t.ok(one.equals(other));
  },
);

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
