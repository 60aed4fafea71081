/** One figure of a node, as operators read it. */

/**
 * The first sample of the metric, whose labels contain `label`.
 * @param label as it is written there: `provider="gateway"`
 */
export async function metric(url: string, name: string, label = ""): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  for (const line of text.split("\n")) {
    const [, labels = "", value] = /^(?:\w+)(?:\{([^}]*)\})? (\S+)$/u.exec(line) ?? [];
    if (
      value !== undefined &&
      line.startsWith(name) &&
      /[{ ]/u.test(line[name.length]!) &&
      labels.includes(label)
    )
      return Number(value);
  }
  throw new Error(`no ${name} with ${label || "any labels"} in:\n${text}`);
}
