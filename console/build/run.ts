/**
 * Process: `node orderly.mjs build-console`. Builds the console when its sources are not those of the present build.
 * A run that is killed leaves a temporary folder `dist.*` and the former build as it was; two runs at the same time
 * build twice, and one of the two builds stays.
 * `--if-possible`: without vite, and after a failure, a line says so and the exit code is 0.
 */
import { randomUUID } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { overBudget, measure } from "./budget.ts";
import { compressFiles } from "./compress.ts";
import { DIST } from "./paths.ts";
import { hashOfBuild, hashOfSources } from "./sources-hash.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);
const ifPossible = process.argv.includes("--if-possible");

try {
  const hash = hashOfSources();
  if (hash === hashOfBuild()) {
    if (!ifPossible) print("the console is built from these sources already");
  } else if (ifPossible && !isInstalled("vite")) {
    print("the console is not built: vite is not installed (npm ci installs it)");
  } else {
    await buildConsole(hash);
  }
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`orderly: the console is not built: ${reason}\n`);
  process.exitCode = ifPossible ? 0 : 1;
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

async function buildConsole(hash: string): Promise<void> {
  const began = performance.now();
  // Loaded here: without it, the sentence above is all that happens.
  const { buildPages } = await import("./vite.ts");
  const temporary = `${DIST}.${randomUUID().slice(0, 8)}`;
  try {
    const firstPage = await buildPages(temporary);
    const measured = measure(compressFiles(temporary), firstPage);
    const faults = overBudget(measured);
    if (faults.length > 0) throw new Error(faults.join("; "));
    writeFileSync(join(temporary, ".hash"), `${hash}\n`);
    replace(temporary);
    const sizes = Object.entries(measured).map(([part, kb]) => `${part} ${kb.toFixed(1)} KB`);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    print(`the console is built in ${seconds} s, gzipped: ${sizes.join(", ")}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Puts the new build in place of the former one. Nodes that run keep the file names that they have read. */
function replace(temporary: string): void {
  const former = `${DIST}.${randomUUID().slice(0, 8)}`;
  try {
    renameSync(DIST, former);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  try {
    renameSync(temporary, DIST);
  } finally {
    rmSync(former, { recursive: true, force: true });
  }
}
