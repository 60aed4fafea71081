/** How much a nats-server may store on its volume. */
import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Of what the volume has for it, free or taken by it already; the rest is for others, and for the server's own files.
 * At a volume that is really full the server switches JetStream off; at this limit it refuses messages and goes on.
 */
const SHARE = 0.8;

/**
 * Bytes for `max_file_store`. What is stored already counts as room: the server's own default is a part of what is
 * free when it starts, and a server that has filled half of its volume would take nothing after a restart.
 * @param folder of the store; need not exist yet
 * @param servers that have their stores on the same volume, and grow alike
 */
export function storeLimit(folder: string, servers: number): number {
  const { bavail, bsize } = statfsSync(existing(folder));
  return Math.floor(((bavail * bsize) / servers + sizeOf(folder)) * SHARE);
}

function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

/** Bytes of all files below a folder; 0 when there is none. */
function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
