/** The settings of one process as a file, so that an operator can start a killed process again. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ClusterSettings } from "../../config/settings.ts";
import type { ProcessPlan } from "./plan.ts";

/** Writes the variables of the plan into the process's own folder. */
export function writeSettingsFile(plan: ProcessPlan): void {
  mkdirSync(plan.home, { recursive: true });
  const lines = Object.entries(plan.env).map(([name, value]) => `${name}=${quoted(value)}`);
  writeFileSync(settingsFile(plan), `${lines.join("\n")}\n`);
}

/** The command that starts the process again in the project's folder; undefined when there is none. */
export function restartCommand(
  group: "nats" | "services" | "nodes",
  plan: ProcessPlan,
  { natsServers }: Pick<ClusterSettings, "natsServers">,
): string | undefined {
  // Without its only nats-server a cluster has to be started again as a whole.
  if (group === "services" || (group === "nats" && natsServers === 1)) return undefined;
  const command = group === "nodes" ? "node" : "nats";
  return `node orderly.mjs ${command} --env-file ${relative(process.cwd(), settingsFile(plan))}`;
}

/** The files know no escapes, so the quotation mark is one that the value does not contain. */
function quoted(value: string): string {
  const mark = ["'", "`", '"'].find((one) => !value.includes(one)) ?? "'";
  return mark + value + mark;
}

function settingsFile(plan: ProcessPlan): string {
  return join(plan.home, "settings.env");
}
