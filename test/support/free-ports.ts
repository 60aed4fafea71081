/** Ports of the loopback interface that nobody listens on. */
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

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
