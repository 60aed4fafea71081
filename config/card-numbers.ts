/** Card numbers in texts: found, and hidden. Pure. */
import cardValidator from "card-validator";

/**
 * Shorter numbers are no cards that are issued today, and with 13 digits and a valid check digit every tenth article
 * number (EAN-13) would be one.
 */
const MIN_DIGITS = 14;
const MAX_DIGITS = 19;
/** Groups of three digits or more, with up to three characters between them that are neither digits nor of a word. */
const RUN = /\d{3,}(?:[^\p{L}\p{N}]{1,3}\d{3,})*/gu;

/**
 * Whether the text has a number that a card can have: 14 to 19 digits of a known brand with a valid check digit (Luhn),
 * with or without separators. It may begin and end at any separator, but only there.
 */
export function hasCardNumber(text: string): boolean {
  if (text.length < MIN_DIGITS) return false;
  for (const [run] of text.normalize("NFKC").matchAll(RUN)) if (runHasCardNumber(run)) return true;
  return false;
}

/** Tries the digits between any two separators: a check value may follow the number. About 10 us a try. */
function runHasCardNumber(run: string): boolean {
  const groups = run.split(/\D+/u);
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (let last = first; last < groups.length && digits.length < MAX_DIGITS; last++) {
      digits += groups[last];
      if (digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS && cardValidator.number(digits).isValid)
        return true;
    }
  }
  return false;
}

/** The text with its card numbers replaced by `[card number ending in 1234]`: as much of one as may be shown. */
export function hideCardNumbers(text: string): string {
  if (!hasCardNumber(text)) return text;
  return text
    .normalize("NFKC")
    .replace(RUN, (run) =>
      runHasCardNumber(run) ? `[card number ending in ${run.replace(/\D+/gu, "").slice(-4)}]` : run,
    );
}
