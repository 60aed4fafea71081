/** The shape of a command's output: the part that stays while numbers, times, ids and widths differ. Pure. */

/** One line without its volatile parts. */
export function shape(line: string): string {
  return (
    line
      // Colors and cursor movements of a terminal.
      // oxlint-disable-next-line no-control-regex
      .replace(/\u001b(\[[0-9;?]*[A-Za-z]|[78])/gu, "")
      .replace(/[\s│╭╮╰╯├┤┬┴┼─]+/gu, " ")
      .trim()
      .replace(/\bord_[A-Za-z0-9_-]{20}/gu, "ID")
      .replace(/\b\d[\d.]* (B|KiB|MiB)(?=\s|$)/gu, "SIZE")
      .replace(/(?<![\w.:-])(\d+(\.\d+)?(ms|µs|[hms]))+(?![\w.])|\bnever\b/gu, "TIME")
      .replace(/(?<![\w.-])(?=[\w-]*[A-Z0-9])[\w-]{20,22}(?![\w.-])/gu, "TOKEN")
      .replace(/\d[\d,.]*/gu, "N")
  );
}

/** Whether a documented line is among those shown; `...` at its end matches any rest. */
export function shapesOf(output: string): { readonly text: string; includes(documented: string): boolean } {
  const lines = output.split("\n").map(shape);
  const text = lines.join("\n");
  return {
    text,
    includes(documented) {
      const open = documented.endsWith("...");
      const wanted = shape(open ? documented.slice(0, -3) : documented);
      return lines.some((line) => (open ? line.startsWith(wanted) : line === wanted));
    },
  };
}
