/** The metrics of a node, as operators read them. */

const ANSWER_TIMEOUT_MS = 10_000;

/** All of them, in Prometheus' text format. */
export async function metricsOf(url: string): Promise<string> {
  // A frozen node answers nothing.
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}/metrics answers ${response.status}`);
  return text;
}

/**
 * The value of one metric.
 * @param label as it is written there, where there are several: `provider="gateway"`
 */
export function valueOf(metrics: string, name: string, label = ""): number {
  const value = new RegExp(`^${name}\\{[^}]*${label}[^}]*\\} (\\S+)$`, "mu").exec(metrics)?.[1];
  if (value === undefined) throw new Error(`the metrics have no ${name} ${label}`);
  return Number(value);
}

export const metric = async (url: string, name: string, label?: string): Promise<number> =>
  valueOf(await metricsOf(url), name, label);

/** One line of a metric. */
export type MetricSample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

/**
 * Every metric by name, strictly read: each has its help and type, then its samples, and nothing else is there. The
 * samples of a histogram are those of its parts.
 */
export function families(
  text: string,
): Map<string, { readonly type: string; readonly samples: MetricSample[] }> {
  const found = new Map<string, { readonly type: string; readonly samples: MetricSample[] }>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const help = /^# HELP (\S+) \S.*$/u.exec(line)?.[1];
    if (help !== undefined) {
      if (found.has(help)) throw new Error(`${help} is there twice`);
      current = help;
      continue;
    }
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/u.exec(line) ?? [];
    if (type !== undefined) {
      if (name !== current) throw new Error(`type of ${name} after ${current}`);
      found.set(current, { type, samples: [] });
      continue;
    }
    const [, sample, labels, value] = /^([a-z_]+)\{(.*)\} (\S+)$/u.exec(line) ?? [];
    const part = sample?.replace(/_(bucket|sum|count)$/u, "");
    if ((sample !== current && part !== current) || Number.isNaN(Number(value)))
      throw new Error(`unexpected line: ${line}`);
    const read = [...labels!.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gu)];
    found.get(current)!.samples.push({
      labels: Object.fromEntries(read.map(([, label, text]) => [label!, text!])),
      value: Number(value),
    });
  }
  return found;
}
