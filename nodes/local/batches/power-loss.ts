/**
 * What a server's loss of power left at the end of its logs is removed before a node can connect: the server is started
 * on a port that no node knows, and stopped again.
 * Owns: that server.  Does not own: whether power was lost (memory-batches.ts).
 * A crash leaves the plan in its file; the next start carries it out.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import { findHalfBatch, type HalfBatch, removeHalfBatch } from "../../../src/adapters/nats/half-batch.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { endServer, endWithUs } from "../server-end.ts";
import { armCanceledTimers } from "./canceled-timers.ts";

const CONNECT_TIMEOUT_MS = 120_000;
const ASK_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 20_000;
const INBOX = `${subjects.prefix}.inbox.`;

/** How to start the server on its folder, and where plans are kept. */
export type Repair = {
  readonly binary: string;
  readonly config: string;
  /** Variables of the server; its port is replaced. */
  readonly env: NodeJS.ProcessEnv;
  /** Plans that an earlier repair did not carry out. */
  readonly plans: readonly HalfBatch[];
  /** Keeps the plans durably, before the first of them is carried out. */
  readonly keep: (plans: readonly HalfBatch[]) => void;
};

/**
 * Removes half batches from all order streams.
 * @returns what was removed
 * @throws Error: the store must not be used until a repair has ended
 */
export async function removeHalfBatches(repair: Repair): Promise<readonly HalfBatch[]> {
  const port = await freePort();
  const server = spawn(repair.binary, ["-c", repair.config], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...repair.env, ORDERLY_NATS_PORT: String(port) },
  });
  await once(server, "spawn");
  endWithUs(server);
  const link = await connectNats({
    servers: [`nats://127.0.0.1:${port}`],
    name: "after a loss of power",
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  }).catch(async (error: unknown) => {
    await endServer(server, STOP_TIMEOUT_MS);
    throw error;
  });
  try {
    return await removeFrom(link, repair);
  } finally {
    await link.close();
    // In order: the server then knows at its next start what it has stored, and is quick.
    await endServer(server, STOP_TIMEOUT_MS);
  }
}

/** On a server that runs; see above. */
export async function removeFrom(
  link: NatsLink,
  { plans, keep }: Pick<Repair, "plans" | "keep">,
): Promise<readonly HalfBatch[]> {
  const all = [...plans];
  for (const stream of await orderStreams(link)) {
    const half = await findHalfBatch(link, stream, (subject) => subject.startsWith(INBOX));
    if (half !== undefined) all.push(half);
  }
  if (all.length > 0) keep(all);
  for (const half of all) {
    await removeHalfBatch(link, half);
    await armCanceledTimers(link, half.stream, half.canceled);
  }
  return all;
}

/** The names of order streams follow each other, from the first one on. */
async function orderStreams(link: NatsLink): Promise<readonly string[]> {
  const { streams } = await apiRequest<{ streams: string[] | null }>(
    link,
    "STREAM.NAMES",
    undefined,
    ASK_TIMEOUT_MS,
  );
  const found: string[] = [];
  while (streams?.includes(subjects.stream(found.length)) === true) found.push(subjects.stream(found.length));
  return found;
}

async function freePort(): Promise<number> {
  const listener = createServer().listen({ port: 0, host: "127.0.0.1" });
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, "close");
  return port;
}
