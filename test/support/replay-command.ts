/** The command that runs a failed test again under the same settings. Failures print it, whole, to be pasted. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Variables that decide what a test does: a seed, a failpoint, a number of rounds. */
export type ReplaySettings = Readonly<Record<string, string | number>>;

/**
 * The command line, from the project's root: `CHAOS_SEED=7 node orderly.mjs test test/unit/runtime/cluster.test.ts`.
 * @param file of the test; the file that this process runs when absent
 */
export function replayCommand(settings: ReplaySettings, file = process.argv[1] ?? ""): string {
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const path = relative(ROOT, file).replaceAll("\\", "/");
  return [...variables, "node orderly.mjs test", path].join(" ");
}

/** The end of a failure's message. */
export const replayHint = (settings: ReplaySettings): string => `replay: ${replayCommand(settings)}`;

/** Prints the command under every test of the file that has failed. @param t of the file, before its first test */
export function printReplay(t: Test, settings: ReplaySettings): void {
  t.afterEach((ended) => {
    if (!ended.passing()) ended.comment(replayHint(settings));
  });
}
