/** Which characters a document needs, and texts as its typeface can show them. Pure. */
import anyAscii from "any-ascii";

/** Most texts: every typeface has them as they are. */
const ASCII = /^[\x20-\x7e]*$/u;

/** Characters beyond ISO 8859-1 that the standard fonts of PDF have (WinAnsi, 0x80 to 0x9f). */
const EXTRA = new Set("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ");

/** Whether the standard fonts of PDF have every character of the texts. */
export function areWinAnsi(texts: readonly string[]): boolean {
  return texts.every(
    (text) =>
      ASCII.test(text) ||
      Array.from(text.normalize("NFC")).every((char) => isWinAnsi(char) || isControl(char)),
  );
}

/**
 * The text with characters that the typeface has. Others are transliterated to Latin ones (深圳 becomes ShenZhen), and
 * are left out where no transliteration is known. Control characters become spaces, and invisible ones are left out.
 * @param has whether the typeface has the character
 */
export function shownWith(has: (char: string) => boolean, text: string): string {
  if (ASCII.test(text)) return text;
  let result = "";
  for (const char of text.normalize("NFC")) {
    if (isControl(char)) result += " ";
    else if (/\p{Cf}/u.test(char)) continue;
    else result += has(char) ? char : anyAscii(char);
  }
  return result;
}

/** Whether the standard fonts of PDF have the character. */
export function isWinAnsi(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff) || EXTRA.has(char);
}

const isControl = (char: string): boolean => /\p{Cc}/u.test(char);
