/** Figures of a node, as operators read them. */

/** All of them, in Prometheus' text format. */
export async function metricsOf(url: string): Promise<string> {
  const response = await fetch(`${url}/metrics`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}/metrics answers ${response.status}`);
  return text;
}

/**
 * One of them.
 * @param label as it is written there, where there are several: `provider="gateway"`
 */
export function valueOf(metrics: string, name: string, label = ""): number {
  const value = new RegExp(`^${name}\\{[^}]*${label}[^}]*\\} (\\S+)$`, "mu").exec(metrics)?.[1];
  if (value === undefined) throw new Error(`the metrics do not tell ${name} ${label}`);
  return Number(value);
}

export const metric = async (url: string, name: string, label?: string): Promise<number> =>
  valueOf(await metricsOf(url), name, label);
