/** A folder in memory (tmpfs) that belongs to one store of this user. Linux only: elsewhere there is none. */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Where Linux has a tmpfs for every user. */
export const MEMORY_ROOT = "/dev/shm";

/** The type of a tmpfs, as statfs(2) has it. */
const TMPFS = 0x0102_1994;
const MIB = 2 ** 20;
/** Space that has to be free before the folder is used, and below which it is left. A batch is some MiB at most. */
export const room = { toBeginBytes: 48 * MIB, toStayBytes: 16 * MIB } as const;

/** Path of the folder of a store: always the same one, so that a next start finds what a killed server has left. */
export function memoryFolderOf(store: string, root = MEMORY_ROOT): string {
  const hash = createHash("sha256").update(realpathSync(store)).digest("hex").slice(0, 16);
  return join(root, `orderly-${process.getuid?.() ?? 0}-${hash}`);
}

/** Why the root cannot be used; undefined when it can. @param bytes that have to be free */
export function unusable(root: string, bytes: number): string | undefined {
  try {
    const { type, bavail, bsize } = statfsSync(root);
    if (type !== TMPFS) return `${root} is no tmpfs`;
    const free = bavail * bsize;
    return free < bytes ? `${root} has ${Math.floor(free / MIB)} MiB free, needed ${bytes / MIB}` : undefined;
  } catch {
    return `there is no ${root}`;
  }
}

/** Why a path is no folder of this user alone; undefined when it is one. A link is never followed. */
export function foreign(folder: string): string | undefined {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return `there is no ${folder}`;
  if (!stat.isDirectory()) return `${folder} is no folder`;
  if (stat.uid !== process.getuid?.()) return `${folder} belongs to another user`;
  return (stat.mode & 0o077) === 0 ? undefined : `${folder} is open to other users`;
}

/** Makes the folder, empty, for this user alone. @throws Error when something else is there */
export function makeFolder(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) {
    const fault = foreign(folder);
    if (fault !== undefined) throw new Error(fault);
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder, { mode: 0o700 });
}
