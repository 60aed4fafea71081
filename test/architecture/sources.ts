/** The project's sources as the architecture tests see them: files and who imports whom. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export type Import = {
  /** Path of a file of the project, or the name of a package or built-in, as written. */
  readonly target: string;
  /** Inside the project. */
  readonly own: boolean;
  /** `import type` and `export type`: nothing is loaded. */
  readonly typeOnly: boolean;
};

export type Source = {
  /** From the project's root, with forward slashes: `src/runtime/commit/relay.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = ["machines", "src", "nodes", "config", "test", "bench", "examples", "console"];

/** Imports and re-exports begin a line: the formatter puts them there. */
const STATIC = /^(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gmu;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/gu;

/** Every TypeScript file, and orderly.mjs. */
export function readSources(): Source[] {
  const paths = FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`, { cwd: ROOT }));
  return [...paths, "orderly.mjs"].toSorted().map(readSource);
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const imports = [
    ...[...text.matchAll(STATIC)].map((match) => toImport(path, match[2] ?? "", match[1] !== undefined)),
    ...[...text.matchAll(DYNAMIC)].map((match) => toImport(path, match[1] ?? "", false)),
  ];
  return { path, text, lines: text.split("\n").length - 1, imports };
}

function toImport(from: string, written: string, typeOnly: boolean): Import {
  const own = written.startsWith(".");
  const target = own ? relative(ROOT, join(ROOT, dirname(from), written)) : written;
  return { target, own, typeOnly };
}

/** Without comments, so that words in them are not taken for code. Crude, and enough for the rules here. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//gu, "").replace(/^\s*\/\/.*$|\s\/\/ .*$/gmu, "");
}

/**
 * Cycles of imports, each as the path around it. Imports of types count: a reader follows them as well.
 */
export function cyclesIn(sources: readonly Source[]): string[][] {
  const targets = new Map(
    sources.map((source) => [source.path, source.imports.filter((one) => one.own).map((one) => one.target)]),
  );
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return cycles;
}
