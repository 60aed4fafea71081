/** Whether the ports of a cluster are free; checked before any process starts. */
import { createServer } from "node:net";

/** A port that a process will listen on. */
export type WantedPort = {
  readonly port: number;
  /** The process that will listen there, for people. */
  readonly user: string;
  /** The variable that moves it. */
  readonly setting: string;
};

/** Those of the given ports on which another process listens already, in the same order. */
export async function takenPorts(wanted: readonly WantedPort[]): Promise<WantedPort[]> {
  const taken = await Promise.all(wanted.map((one) => isTaken(one.port)));
  return wanted.filter((_, index) => taken[index]);
}

/** Names the taken ports and the remedy. */
export function describeTaken(taken: readonly WantedPort[]): string {
  const ports = taken.map((one) => `${one.port} (${one.user})`).join(", ");
  const settings = [...new Set(taken.map((one) => one.setting))].join(" and ");
  const plural = taken.length > 1;
  return `${plural ? "ports" : "port"} ${ports} on 127.0.0.1 ${plural ? "are" : "is"} taken; stop what listens there, or set ${settings} to other ports`;
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(true);
      else if (error.code === "EACCES")
        reject(new Error(`port ${port} needs privileges; choose another one`));
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(false)));
  });
}
