/** One measured line: what was measured, how, and the figures. */

/** A figure and what it is measured in: `s`, `ms`, `1/s`, `B`, `MB`, or the counted thing. */
export type Metric = { readonly value: number; readonly unit: string };

/** One JSON line of the output. */
export type Result = {
  /** Name of the benchmark, as on the command line. */
  readonly benchmark: string;
  /** What distinguishes this line from the benchmark's others. */
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly metrics: Readonly<Record<string, Metric>>;
};

/** A figure, rounded to no, one or three digits after the point: the smaller it is, the more digits. */
export function metric(value: number, unit: string): Metric {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return { value: Number(value.toFixed(digits)), unit };
}

/** Benchmark by benchmark, one line per result, columns aligned. For people. */
export function tableOf(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ benchmark }) => benchmark))];
  return names
    .map((name) => {
      const mine = results.filter(({ benchmark }) => benchmark === name);
      return `${name}\n${rowsOf(mine)
        .map((line) => `  ${line}`)
        .join("\n")}\n`;
    })
    .join("\n");
}

function rowsOf(results: readonly Result[]): string[] {
  const parameters = [...new Set(results.flatMap((result) => Object.keys(result.parameters)))];
  const metrics = [...new Set(results.flatMap((result) => Object.keys(result.metrics)))];
  const unitOf = (name: string) => results.find((result) => result.metrics[name])?.metrics[name]?.unit ?? "";
  const head = [...parameters, ...metrics.map((name) => `${name} [${unitOf(name)}]`)];
  const body = results.map((result) => [
    ...parameters.map((name) => String(result.parameters[name] ?? "-")),
    ...metrics.map((name) => String(result.metrics[name]?.value ?? "-")),
  ]);
  // One column per run: there are more figures than fit on a line.
  return head.map((title, column) => {
    const width = Math.max(...head.map((text) => text.length));
    const cells = body.map((row, at) => (row[column] ?? "").padStart(widthOf(body, at)));
    return `${title.padEnd(width)}  ${cells.join("  ")}`;
  });
}

const widthOf = (body: readonly (readonly string[])[], row: number): number =>
  Math.max(...(body[row] ?? []).map((cell) => cell.length));

/** The value below which a share of the values lies; 0 of none. `share` 0.5 is the median. Sorts in place. */
export function percentile(values: number[] | Float64Array, share: number): number {
  values.sort((a: number, b: number) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}
