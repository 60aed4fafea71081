/**
 * The fonts of invoices: reads their metrics once per process, and lays out each text once. pdfkit (0.20) reads a
 * standard font's widths and kerning again for every document, which is half of the work of a small one; a font object
 * differs between documents by three fields only. The rest is mostly the kerning of texts, most of which are on every
 * invoice. test/unit/services/invoice-pdf.test.ts compares the result with pdfkit's own output.
 */
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";

type Document = InstanceType<typeof PDFDocument>;
/** The fields in which pdfkit keeps a document's fonts; missing in its types. */
type Fonts = { _fontFamilies: Record<string, object>; _fontCount: number; _font: Font };

/** A font of pdfkit, which reads the result of `encode` and never changes it. */
type Font = {
  readonly encode: (text: string) => unknown;
  readonly widthOfString: (text: string, size: number) => number;
};

const NAMES = ["Helvetica", "Helvetica-Bold"] as const;
/** Texts remembered per font; the cache is cleared when full, because names and addresses change. */
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

/** The font, with the layout of each text computed once. */
function remembering(font: Font): Font {
  const own = { encode: font.encode.bind(font), widthOfString: font.widthOfString.bind(font) };
  const encode = remembered((text) => own.encode(text));
  // Widths are proportional to the size: the width at size 1 gives all others.
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
