/** Text for the standard fonts of PDF. Pure. */

/** Characters beyond ISO 8859-1 that the standard fonts of PDF have (WinAnsi, 0x80 to 0x9f). */
const EXTRA = new Set("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ");

/** Letters that Unicode does not decompose into a base letter and an accent. */
const PLAIN: Readonly<Record<string, string>> = {
  ł: "l",
  Ł: "L",
  đ: "d",
  Đ: "D",
  ħ: "h",
  Ħ: "H",
  ı: "i",
  ĸ: "k",
  ŋ: "n",
  Ŋ: "N",
  ŧ: "t",
  Ŧ: "T",
  "\u2212": "-",
  "\u2010": "-",
  "\u2011": "-",
};

/**
 * Text as the standard fonts of PDF can show it: other letters lose their accents (ő becomes o), and characters without
 * a Latin base letter become `?`. Control characters become spaces.
 */
export function latin(text: string): string {
  let result = "";
  for (const char of text.normalize("NFC")) result += shown(char);
  return result;
}

function shown(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return char;
  if (code < 0xa0) return " ";
  if (code <= 0xff || EXTRA.has(char)) return char;
  const plain = PLAIN[char];
  if (plain !== undefined) return plain;
  const base = char.normalize("NFD").charAt(0);
  return base >= "A" && base <= "z" ? base : "?";
}
