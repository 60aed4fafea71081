/** The settings of one process as a file, so that an operator can start a killed process again. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type ClusterSettings, settingsIn } from "../../config/settings.ts";
import type { Environment } from "../../config/settings-reader.ts";
import type { ProcessPlan } from "./plan.ts";

/** Secrets may be among the settings: for this user alone. */
const FILE_MODE = 0o600;

/**
 * Writes every setting that the process gets into its own folder: those of the plan, and those that it inherits from
 * the launcher. A process started with the file alone has the same settings.
 * @param inherited settings in the launcher's environment
 */
export function writeSettingsFile(plan: ProcessPlan, inherited: Environment = settingsIn()): void {
  mkdirSync(plan.home, { recursive: true });
  const file = settingsFile(plan);
  writeFileSync(file, settingsText(plan, inherited), { mode: FILE_MODE });
  // A file of an earlier version keeps its mode when it is written again.
  chmodSync(file, FILE_MODE);
}

function settingsText(plan: ProcessPlan, inherited: Environment): string {
  return Object.entries({ ...inherited, ...plan.env })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${lineOf(name, value)}\n`]))
    .join("");
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
function lineOf(name: string, value: string): string {
  const mark = ["'", "`", '"'].find((one) => !value.includes(one));
  return mark === undefined
    ? `# ${name} has all three quotation marks, which this file cannot hold: set it in the environment`
    : `${name}=${mark}${value}${mark}`;
}

function settingsFile(plan: ProcessPlan): string {
  return join(plan.home, "settings.env");
}
