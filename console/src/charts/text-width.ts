/**
 * How wide a text is, without a browser: layouts are made at build time, and in the browser before anything is drawn.
 * Widths of the font that is shipped (Inter), in thousandths of its size; rounded up, so that no text is clipped.
 */

/** Advance widths of U+0020 to U+007E at weight 400. */
const WIDTHS = [
  282, 288, 466, 634, 642, 982, 645, 300, 365, 365, 501, 662, 289, 460, 289, 361, 631, 407, 610, 618, 646,
  594, 621, 566, 619, 621, 289, 302, 662, 662, 662, 512, 966, 690, 655, 731, 722, 602, 591, 747, 744, 269,
  571, 672, 566, 904, 754, 765, 639, 765, 644, 642, 646, 745, 690, 986, 683, 679, 629, 365, 361, 365, 472,
  457, 323, 562, 613, 572, 613, 584, 371, 614, 592, 243, 243, 549, 243, 876, 591, 600, 613, 613, 377, 528,
  328, 592, 563, 819, 546, 563, 553, 427, 333, 427, 662,
];

/** Anything else: no wider than this in the fonts that replace Inter. */
const OTHER = 1000;
const KNOWN_OTHERS: Readonly<Record<string, number>> = { "›": 400, "·": 300, "×": 670, "–": 660, "…": 850 };

/** Inter grows by about this much from weight 400 to 600. */
const SEMIBOLD = 1.06;

/** Width of a text, px. @param size of the font, px */
export function textWidth(text: string, size: number, weight: 400 | 600 = 400): number {
  let sum = 0;
  for (const character of text)
    sum += WIDTHS[(character.codePointAt(0) ?? 0) - 32] ?? KNOWN_OTHERS[character] ?? OTHER;
  return Math.ceil(((sum * size) / 1000) * (weight === 600 ? SEMIBOLD : 1));
}
