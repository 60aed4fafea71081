/** The limit of a nats-server's store on its volume. */
import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
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

/** Bytes of all files below a folder; 0 when there is none. */
function sizeOf(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
