/**
 * The typefaces of invoices. The standard fonts of PDF have the characters of western Europe, are not part of the file,
 * and are quick. A document with other characters (Polish, Greek, Bulgarian ...) is set in Noto Sans, of which the
 * document takes the characters that it shows.
 *
 * The standard fonts' metrics are read once per process, and each text is laid out once. pdfkit (0.20) reads a
 * standard font's widths and kerning again for every document, which is half of the work of a small one; a font object
 * differs between documents by three fields only. The rest is mostly the kerning of texts, most of which are on every
 * invoice. test/unit/services/invoice-pdf.test.ts compares the result with pdfkit's own output.
 */
import { createRequire } from "node:module";
// oxlint-disable-next-line import/no-named-as-default -- its types know the default export only
import PDFDocument from "pdfkit";
import { areWinAnsi, isWinAnsi, shownWith } from "./characters.ts";

type Document = InstanceType<typeof PDFDocument>;
/** The fields in which pdfkit keeps a document's fonts; missing in its types. */
type Fonts = { _fontFamilies: Record<string, object>; _fontCount: number; _font: Font };

/** A font of pdfkit, which reads the result of `encode` and never changes it. */
type Font = {
  readonly encode: (text: string) => unknown;
  readonly widthOfString: (text: string, size: number) => number;
};

/** A font of pdfkit that a document embeds: `font` is the parsed file, and the rest belongs to one document. */
type EmbeddedFont = Font & {
  readonly font: { hasGlyphForCodePoint(code: number): boolean };
  readonly constructor: new (document: Document, font: EmbeddedFont["font"], id: string) => object;
};

/** Names of two fonts of a document, and its texts as they can show them. */
export type Typeface = {
  readonly regular: string;
  readonly bold: string;
  readonly shown: (text: string) => string;
};

const STANDARD: Typeface = {
  regular: "Helvetica",
  bold: "Helvetica-Bold",
  shown: (text) => shownWith(isWinAnsi, text),
};
const NAMES = [STANDARD.regular, STANDARD.bold] as const;
/** Texts remembered per font; the cache is cleared when full, because names and addresses change. */
const TEXTS_MAX = 2000;

let loaded: Readonly<Record<string, Font>> | undefined;
/** By name in a document: their files in the package. */
const FILES = {
  "Noto Sans": "400Regular/NotoSans_400Regular.ttf",
  "Noto Sans Bold": "700Bold/NotoSans_700Bold.ttf",
} as const;
let embedded: Readonly<Record<string, EmbeddedFont>> | undefined;

/**
 * Gives a typeface to a document that was made without a font (`font: null`).
 * @param texts all texts of the document that are not always the same
 */
export function typefaceFor(document: Document, texts: readonly string[]): Typeface {
  if (!areWinAnsi(texts)) return embeddedTypeface(document);
  useFonts(document);
  return STANDARD;
}

/** Noto Sans, whose files are read once per process; the document keeps only the characters that it shows. */
function embeddedTypeface(document: Document): Typeface {
  embedded ??= Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, fontOf(file)]));
  const fonts = document as unknown as Fonts;
  for (const [name, { constructor: Embedded, font }] of Object.entries(embedded))
    fonts._fontFamilies[name] = new Embedded(document, font, `F${++fonts._fontCount}`);
  const { font } = embedded["Noto Sans"]!;
  const has = (char: string): boolean => font.hasGlyphForCodePoint(char.codePointAt(0) ?? 0);
  return { regular: "Noto Sans", bold: "Noto Sans Bold", shown: (text) => shownWith(has, text) };
}

/** The font of a file, as pdfkit reads it. */
function fontOf(file: string): EmbeddedFont {
  const path = createRequire(import.meta.url).resolve(`@expo-google-fonts/noto-sans/${file}`);
  const document = new PDFDocument();
  document.font(path);
  return (document as unknown as Fonts)._font as EmbeddedFont;
}

/** Gives both standard fonts to a document that was made without one (`font: null`). */
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
