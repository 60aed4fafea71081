/**
 * Compiles the sources with each bug. A compilation takes seconds, however many files have changed, so bugs of
 * different files share one; only when it fails is each of them compiled alone.
 */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "../mutant.ts";
import { copyProject, plant, remove, UnusableData } from "./planting.ts";

export type Rejected = {
  readonly mutant: Mutant;
  /** The compiler's errors, one a line. */
  readonly errors: readonly string[];
};

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * The bugs that do not compile.
 * @throws UnusableData when the sources do not compile without any
 */
export async function compileMutants(
  mutants: readonly Mutant[],
  { signal, onGroup }: { readonly signal?: AbortSignal; readonly onGroup?: (size: number) => void } = {},
): Promise<Rejected[]> {
  const base = mkdtempSync(join(tmpdir(), "orderly-mutants-"));
  const removeBase = (): void => remove(base);
  process.on("exit", removeBase);
  try {
    const copy = join(base, "copy");
    copyProject(ROOT, copy, join(ROOT, "node_modules"));
    const clean = await compile(copy, [], signal);
    if (clean.length > 0)
      throw new UnusableData(`the sources do not compile without any bug:\n${clean.join("\n")}`);
    const rejected: Rejected[] = [];
    for (const group of groupsOf(mutants)) {
      if (signal?.aborted === true) break;
      rejected.push(...(await rejectedOf(copy, group, signal)));
      onGroup?.(group.length);
    }
    return rejected;
  } finally {
    process.off("exit", removeBase);
    removeBase();
  }
}

/** Of two groups that fail each half is compiled, down to single bugs. */
async function rejectedOf(
  copy: string,
  group: readonly Mutant[],
  signal: AbortSignal | undefined,
): Promise<Rejected[]> {
  const errors = await compile(copy, group, signal);
  const [only, ...more] = group;
  if (errors.length === 0 || only === undefined || signal?.aborted === true) return [];
  if (more.length === 0) return [{ mutant: only, errors }];
  const half = Math.ceil(group.length / 2);
  return [
    ...(await rejectedOf(copy, group.slice(0, half), signal)),
    ...(await rejectedOf(copy, group.slice(half), signal)),
  ];
}

/** No group has two bugs of one file. */
export function groupsOf(mutants: readonly Mutant[]): Mutant[][] {
  const perFile = [...Map.groupBy(mutants, ({ file }) => file).values()];
  const rounds = Math.max(0, ...perFile.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => perFile.flatMap((those) => those[round] ?? []));
}

async function compile(
  copy: string,
  group: readonly Mutant[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const restores = group.map((mutant) => plant(copy, mutant));
  try {
    const output = await runCompiler(copy, signal);
    return output.split("\n").filter((line) => line.includes("error TS"));
  } finally {
    for (const restore of restores) restore();
  }
}

/** What the compiler prints. @throws UnusableData when it cannot be started */
function runCompiler(copy: string, signal: AbortSignal | undefined): Promise<string> {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const info = join(copy, "..", "compiled.tsbuildinfo");
  const args = [compiler, "--noEmit", "--pretty", "false", "--incremental", "--tsBuildInfoFile", info];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: copy, maxBuffer: 2 ** 26, ...(signal && { signal }) },
      (error, stdout) => {
        if (error === null || stdout.includes("error TS") || signal?.aborted === true) resolve(stdout);
        else reject(new UnusableData(`the compiler has failed: ${error.message} ${stdout}`));
      },
    );
  });
}
