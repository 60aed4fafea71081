/**
 * The fonts of invoices, their metrics read once per process, and texts laid out once. pdfkit (0.20) reads a standard
 * font's widths and kerning anew for every document, which is half of the work of a small one; a font object differs
 * between documents by three fields only. What is left is mostly the kerning of texts, most of which stand on every
 * invoice. Held to pdfkit's own output by test/unit/services/invoice-pdf.test.ts.
 */
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";

type Document = InstanceType<typeof PDFDocument>;
/** What pdfkit keeps in a document about its fonts; not in its types. */
type Fonts = { _fontFamilies: Record<string, object>; _fontCount: number; _font: Font };

/** A font of pdfkit. What `encode` answers is read and never changed by it. */
type Font = {
  readonly encode: (text: string) => unknown;
  readonly widthOfString: (text: string, size: number) => number;
};

const NAMES = ["Helvetica", "Helvetica-Bold"] as const;
/** Texts remembered per font; names and addresses come and go. */
const TEXTS_MAX = 2000;

let loaded: Readonly<Record<string, Font>> | undefined;

/** Gives both fonts to a document that was made without one (`font: null`). */
export function useFonts(document: Document): void {
  loaded ??= load();
  const fonts = document as unknown as Fonts;
  for (const name of NAMES) {
    const font = loaded[name]!;
    fonts._fontCount++;
    const own = { document, id: `F${fonts._fontCount}`, dictionary: undefined, embedded: false };
    fonts._fontFamilies[name] = Object.assign(
      Object.create(Object.getPrototypeOf(font) as object),
      font,
      own,
    );
  }
}

function load(): Record<string, Font> {
  const document = new PDFDocument();
  return Object.fromEntries(
    NAMES.map((name) => {
      document.font(name);
      return [name, remembering((document as unknown as Fonts)._font)];
    }),
  );
}

/** The font, with what it knows of a text worked out once. */
function remembering(font: Font): Font {
  const own = { encode: font.encode.bind(font), widthOfString: font.widthOfString.bind(font) };
  const encode = remembered((text) => own.encode(text));
  // Widths grow with the size: that of one unit says all.
  const width = remembered((text) => own.widthOfString(text, 1));
  return Object.assign(font, { encode, widthOfString: (text: string, size: number) => width(text) * size });
}

function remembered<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let result = known.get(text);
    if (result === undefined) {
      if (known.size >= TEXTS_MAX) known.clear();
      result = work(text);
      known.set(text, result);
    }
    return result;
  };
}
