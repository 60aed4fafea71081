/**
 * The fonts of invoices, their metrics read once per process. pdfkit (0.20) reads a standard font's widths and kerning
 * anew for every document, which is half of the work of a small one; a font object differs between documents by three
 * fields only. Held to pdfkit's own output by test/unit/invoice-pdf.test.ts.
 */
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";

type Document = InstanceType<typeof PDFDocument>;
/** What pdfkit keeps in a document about its fonts; not in its types. */
type Fonts = { _fontFamilies: Record<string, object>; _fontCount: number; _font: object };

const NAMES = ["Helvetica", "Helvetica-Bold"] as const;

let loaded: Readonly<Record<string, object>> | undefined;

/** Gives both fonts to a document that was made without one (`font: null`). */
export function useFonts(document: Document): void {
  loaded ??= load();
  const fonts = document as unknown as Fonts;
  for (const name of NAMES) {
    const font = loaded[name] ?? {};
    fonts._fontCount++;
    const own = { document, id: `F${fonts._fontCount}`, dictionary: undefined, embedded: false };
    fonts._fontFamilies[name] = Object.assign(
      Object.create(Object.getPrototypeOf(font) as object),
      font,
      own,
    );
  }
}

function load(): Record<string, object> {
  const document = new PDFDocument();
  return Object.fromEntries(
    NAMES.map((name) => {
      document.font(name);
      return [name, (document as unknown as Fonts)._font];
    }),
  );
}
