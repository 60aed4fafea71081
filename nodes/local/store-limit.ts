/** The limit of a nats-server's store on its volume. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Share of the volume's space that the store may use, free or already used by it. The rest is for other programs, and
 * for the server's own files. On a full volume the server switches JetStream off; at this limit it refuses messages and
 * continues.
 */
const SHARE = 0.8;

/**
 * Bytes for `max_file_store`. Space that the store already uses counts as room: the server's own default is a part of
 * the space that is free when it starts, so a server that has filled half of its volume would accept nothing after a
 * restart.
 * @param folder of the store; it may not exist yet
 * @param servers number of servers whose stores share the volume and grow alike
 */
export function storeLimit(folder: string, servers: number): number {
  const { bavail, bsize } = statfsSync(existing(folder));
  return Math.floor(((bavail * bsize) / servers + sizeOf(folder)) * SHARE);
}

function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

/** Bytes of all files below a folder, as the server counts them: before compression. 0 when there is none. */
function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + countedSize(join(parentPath, name)), 0);
}

/** A compressed block begins with `cmp`, the algorithm, and its size before compression (a varint, 7 bits a byte). */
function countedSize(file: string): number {
  const { size } = statSync(file);
  if (!file.endsWith(".blk")) return size;
  const head = Buffer.alloc(14);
  const descriptor = openSync(file, "r");
  readSync(descriptor, head, 0, head.length, 0);
  closeSync(descriptor);
  if (head.toString("latin1", 0, 3) !== "cmp") return size;
  let original = 0;
  for (let at = 4, scale = 1; at < head.length; at++, scale *= 128) {
    const byte = head[at] ?? 0;
    original += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return original;
}
