/** How many bytes the console may have. A build that is above a bound fails: raise it only with a reason. */
import type { BuiltFile } from "./compress.ts";

/** Bounds in KB (1 000 bytes) after gzip. */
export const budget = {
  /** What the list of orders loads before it is usable: its JavaScript with all that it imports. */
  firstPageJs: 115,
  /** All CSS. */
  css: 16,
  /** The JavaScript of all pages. */
  js: 260,
  /** The font; it is not compressed again. */
  font: 52,
} as const;

/** What a build measures, in the same parts. */
export type Measured = { readonly [part in keyof typeof budget]: number };

/** Measures a build. @param firstPage paths of the JavaScript that the list of orders loads */
export function measure(files: readonly BuiltFile[], firstPage: ReadonlySet<string>): Measured {
  const sum = (fits: (path: string) => boolean): number =>
    files.filter(({ path }) => fits(path)).reduce((all, { gzip }) => all + gzip, 0) / 1000;
  return {
    firstPageJs: sum((path) => firstPage.has(path)),
    css: sum((path) => path.endsWith(".css")),
    js: sum((path) => path.endsWith(".js")),
    font: sum((path) => path.endsWith(".woff2")),
  };
}

/** One sentence for each bound that is exceeded. */
export function overBudget(measured: Measured): string[] {
  return Object.entries(budget).flatMap(([part, bound]) => {
    const value = measured[part as keyof typeof budget];
    return value > bound ? [`${part} has ${value.toFixed(1)} KB, ${bound} are allowed`] : [];
  });
}
