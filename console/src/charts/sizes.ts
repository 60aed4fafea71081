/** Sizes of what is drawn, px. Layouts and drawings use the same ones, so that texts stay in their boxes. */
import type { Arrow, Box } from "./drawing.ts";
import { stateTitle } from "./machine-chart.ts";
import { textWidth } from "./text-width.ts";

/** Fonts, lines and paddings of charts. */
export const sizes = {
  titleFont: 13,
  rowFont: 11,
  lineFont: 11,
  /** Height of a box's title with its padding. */
  title: 28,
  row: 16,
  line: 15,
  padding: 10,
  /** Of the mark before a title or a row. */
  mark: 18,
  /** Under the last row. */
  bottom: 6,
  labelPadding: 4,
} as const;

/** A size. */
export type Size = { readonly width: number; readonly height: number };

/** The size of a box without what is inside it: also its header when it is open. @param title what it is called */
export function boxSize({ path, rows }: Pick<Box, "path" | "rows">, title: string = stateTitle(path)): Size {
  const titleWidth = textWidth(title, sizes.titleFont, 600) + sizes.mark;
  const rowWidths = rows.map(({ text }) => textWidth(text, sizes.rowFont) + sizes.mark);
  return {
    width: Math.max(96, titleWidth, ...rowWidths) + 2 * sizes.padding,
    height: sizes.title + rows.length * sizes.row + (rows.length > 0 ? sizes.bottom : 0),
  };
}

/** The size of the text on an arrow. */
export function labelSize(lines: readonly { readonly text: string }[]): Size {
  return {
    width: Math.max(...lines.map(({ text }) => textWidth(text, sizes.lineFont))) + 2 * sizes.labelPadding,
    height: lines.length * sizes.line + sizes.labelPadding,
  };
}

/** The size of an arrow's label. */
export const arrowLabel = ({ lines }: Pick<Arrow, "lines">): Size => labelSize(lines);
