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
