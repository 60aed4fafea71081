/** What one order node was told, as a file: so that a node that was killed can be started again by hand. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ProcessPlan } from "./plan.ts";

/** Writes the variables of the plan into the process's own folder. */
export function writeSettingsFile(plan: ProcessPlan): void {
  const path = settingsFile(plan);
  mkdirSync(join(path, ".."), { recursive: true });
  const lines = Object.entries(plan.env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  writeFileSync(path, `${lines.join("\n")}\n`);
}

/** The command that starts such a process, to be given in the project's folder. */
export function restartCommand(plan: ProcessPlan): string {
  return `node orderly.mjs node --env-file ${relative(process.cwd(), settingsFile(plan))}`;
}

function settingsFile(plan: ProcessPlan): string {
  return join(plan.env["ORDERLY_HOME"] ?? "", "settings.env");
}
