/** Ports of the loopback interface on which no process listens. */
import { type AddressInfo, createServer, type Server } from "node:net";

/**
 * `count` different free ports. They stay free only by luck once answered: start what uses them soon.
 * Chosen by the system, so tests that run side by side hardly ever meet.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
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
 * A base port such that base + offset is free for every offset. @throws Error after 50 tries
 * @param offsets distinct, 0 to 999
 */
export async function freeBasePort(offsets: readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below the range from which systems take ports for outgoing connections.
    const base = 10_000 + Math.floor(Math.random() * 20_000);
    const servers = await Promise.allSettled(offsets.map((offset) => listen(base + offset)));
    const free = servers.every((server) => server.status === "fulfilled");
    for (const server of servers) if (server.status === "fulfilled") server.value.close();
    if (free) return base;
  }
  throw new Error("found no free ports");
}
