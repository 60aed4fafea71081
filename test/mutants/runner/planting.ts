/** A copy of the project in which one bug at a time is planted. */
import { cpSync, globSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, matchesGlob, relative } from "node:path";
import type { Mutant } from "../mutant.ts";

/** The data does not fit the source, or the sources fail their tests without any bug. */
export class UnusableData extends Error {
  override readonly name = "UnusableData";
}

/**
 * The file's text with the bug.
 * @throws UnusableData when the text to replace does not occur exactly once, or stays the same
 */
export function planted({ id, file, find, replace }: Mutant, text: string): string {
  const count = find === "" ? 0 : text.split(find).length - 1;
  if (count !== 1) throw new UnusableData(`${id}: the text to find occurs ${count} times in ${file}`);
  if (find === replace) throw new UnusableData(`${id}: the replacement is what it replaces, in ${file}`);
  return text.replace(find, () => replace);
}

/** Plants the bug in the copy. The function that it returns restores the file. @throws UnusableData */
export function plant(copy: string, mutant: Mutant): () => void {
  const path = join(copy, mutant.file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, planted(mutant, text));
  return () => writeFileSync(path, text);
}

/**
 * Copies what git would track, and links the packages.
 * @param root of the project; a folder without `.gitignore` is copied whole
 * @param target must not exist
 */
export function copyProject(root: string, target: string, packages: string): void {
  const ignored = ignoredNames(root);
  cpSync(root, target, {
    recursive: true,
    filter: (path) =>
      relative(root, path) === "" || !ignored.some((glob) => matchesGlob(basename(path), glob)),
  });
  symlinkSync(packages, join(target, "node_modules"), "junction");
}

/** Removes it even while processes that were killed a moment ago still leave files there. */
export const remove = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** Patterns of `.gitignore`: it holds names only, of files or folders anywhere. */
function ignoredNames(root: string): string[] {
  const lines = globSync(".gitignore", { cwd: root }).flatMap((file) =>
    readFileSync(join(root, file), "utf8").split("\n"),
  );
  return [".git", "node_modules", ...lines.map((line) => line.trim().replace(/\/$/u, "")).filter(isPattern)];
}

const isPattern = (line: string): boolean => line !== "" && !line.startsWith("#");
