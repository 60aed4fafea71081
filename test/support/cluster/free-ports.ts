/**
 * Ports of the loopback interface that belong to this process until it ends: no other test gets them, not even while
 * a killed server has not started again. A range of ports is claimed by listening on its last port. All ranges are
 * below the ports that systems take for outgoing connections.
 */
import { createServer, type Server } from "node:net";

type Range = { readonly from: number; readonly size: number; readonly count: number };

/** For clusters: offsets from a base port, up to 999. */
const CLUSTERS: Range = { from: 10_000, size: 1000, count: 20 };
/** For single servers. */
const SINGLE: Range = { from: 30_000, size: 100, count: 27 };

/** The ports of this process's ranges for single servers that no caller has got. */
const left: number[] = [];

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = left.shift();
    if (port === undefined) {
      const base = await claim(SINGLE);
      left.push(...Array.from({ length: SINGLE.size - 1 }, (_, offset) => base + offset));
    } else if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** @throws Error with code EADDRINUSE */
export function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}

/**
 * A base port such that base + offset is free for every offset. @throws Error when there is none
 * @param offsets distinct, 0 to 998
 */
export async function freeBasePort(offsets: readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < CLUSTERS.count; attempt++) {
    const base = await claim(CLUSTERS);
    const free = await Promise.all(offsets.map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error("found no free ports");
}

/** @returns the first port of the range that this process has from now on. @throws Error when all are claimed */
async function claim({ from, size, count }: Range): Promise<number> {
  const first = Math.floor(Math.random() * count);
  for (let index = 0; index < count; index++) {
    const base = from + ((first + index) % count) * size;
    const server = await listen(base + size - 1).catch(() => undefined);
    if (server === undefined) continue;
    // Until the process ends, and without keeping it alive.
    server.unref();
    return base;
  }
  throw new Error(`all ${count} ranges of ${size} ports from ${from} on are claimed`);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port).catch(() => undefined);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}
