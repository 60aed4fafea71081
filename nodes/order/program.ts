/**
 * Which program a node runs: its version, and the commit that its sources are of. Reads files only; needs no git.
 * What cannot be read is unknown, and never a reason not to start.
 */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The program of a process. Both are shown to operators, and compared by nothing. */
export type Program = {
  /** Of package.json, as in `0.1.0`; `unknown` when it cannot be read. */
  readonly version: string;
  /** 40 or 64 hex digits of a git commit, or the text of `ORDERLY_COMMIT`; absent when it is unknown. */
  readonly commit?: string;
};

/** Shown in place of what is not known. */
export const UNKNOWN = "unknown";

const root = fileURLToPath(new URL("../..", import.meta.url));

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u;
/** What a label of a metric, a line of a log and a page can show as it is. */
const SHOWABLE = /^[A-Za-z0-9._+/-]{1,100}$/u;
/** A reference may name another one; more than this is a loop. */
const LONGEST_CHAIN = 5;

/**
 * The program whose sources are in a folder. The commit is the one that is checked out there; without a checkout, that
 * of the setting, which an image is built with; without both, `gitHead` of package.json. Changes that are not committed
 * do not show.
 * @param setting of `ORDERLY_COMMIT`; a text that cannot be shown as it is counts as unset
 */
export function programOf(setting: string | undefined, folder: string = root): Program {
  const { version, gitHead } = manifestOf(folder);
  const commit = [checkedOut(folder), setting, gitHead].find(isShowable);
  return { version: isShowable(version) ? version : UNKNOWN, ...(commit === undefined ? {} : { commit }) };
}

const isShowable = (text: unknown): text is string => typeof text === "string" && SHOWABLE.test(text);

function manifestOf(folder: string): { readonly version?: unknown; readonly gitHead?: unknown } {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}

/** The commit that is checked out in the folder itself, not in one above it. `undefined` when there is none. */
function checkedOut(folder: string): string | undefined {
  try {
    const git = gitFolder(folder);
    let name = "HEAD";
    for (let links = 0; links < LONGEST_CHAIN; links++) {
      const text = referenceIn(git, name);
      if (text === undefined || COMMIT.test(text)) return text;
      const target = /^ref: (?<name>refs\/\S+)$/u.exec(text)?.groups?.["name"];
      if (target === undefined) return undefined;
      name = target;
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** `.git` is a folder, or in a further worktree a file that names one. @throws Error when there is none */
function gitFolder(folder: string): string {
  const git = join(folder, ".git");
  if (statSync(git).isDirectory()) return git;
  const link = /^gitdir: (?<path>.+)$/mu.exec(readFileSync(git, "utf8"))?.groups?.["path"];
  if (link === undefined) throw new Error(`${git} names no folder`);
  return resolve(folder, link.trim());
}

/** A worktree has its own HEAD; branches are in the folder that all worktrees share. */
function referenceIn(git: string, name: string): string | undefined {
  const shared = resolve(git, textOf(join(git, "commondir")) ?? ".");
  return textOf(join(git, name)) ?? textOf(join(shared, name)) ?? packed(shared, name);
}

/** `git gc` moves references into one file: `<commit> <name>` a line. */
function packed(git: string, name: string): string | undefined {
  const lines = textOf(join(git, "packed-refs"))?.split("\n") ?? [];
  return lines.find((line) => line.endsWith(` ${name}`))?.split(" ")[0];
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
