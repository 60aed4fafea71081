/** The projection of an order node, in a thread and on a connection of its own. Composition only. */
import { setPriority } from "node:os";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import pino from "pino";
import type { NodeSettings } from "../../config/settings.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { consumeLog } from "../../src/adapters/nats/ordered-consumer.ts";
import type { OrderLog } from "../../src/services/projection/feed.ts";
import { Projection, type ProjectionQuery } from "../../src/services/projection/projection.ts";
import { subjects } from "../../src/services/subjects.ts";
import { natsSettings } from "../nats-login.ts";
import type { ProjectionReport, ProjectionRequest } from "./node-projection.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const REPORT_EVERY_MS = 1_000;
/**
 * Nice value: orders come first. Not higher: the connections of a killed process stay open until its last thread has
 * ended, and a thread of low priority ends late on a busy machine, so that its death is found late.
 */
const NICE = 5;
/** The file, in the node's folder. */
const FILE = "projection.sqlite";

/** Runs in the thread of the projection until its parent sends the message to stop. */
export async function serveProjection(): Promise<void> {
  // On other systems than Linux the call would change the whole process.
  if (process.platform === "linux") setPriority(NICE);
  const settings = workerData as NodeSettings;
  const log = pino({ name: settings.nodeId, level: settings.logLevel });
  const link = await connectNats({
    ...natsSettings(settings, "node", `${settings.nodeId} projection`, CONNECT_TIMEOUT_MS),
    onForbidden: (reason) => log.error({ reason }, "NATS: this user's permissions lack a subject"),
  });
  const projection = new Projection({
    path: join(settings.home, FILE),
    logs: subjects.streams(settings.streams).map((stream) => orderLog(link, stream)),
    subjects,
    clock: systemClock,
    log,
  });
  const tell = async () => {
    await projection.readEnds();
    report({ type: "state", state: projection.state() });
  };
  const reports = setInterval(() => void tell(), REPORT_EVERY_MS);
  parentPort?.on("message", (request: ProjectionRequest) => {
    if (request.type === "stop") void stop();
    else if (request.type === "rebuild") void projection.rebuild();
    else void answer(projection, request.id, request.query);
  });
  const stop = async () => {
    clearInterval(reports);
    await projection.stop();
    await link.close();
    report({ type: "stopped" });
  };
  await projection.start();
  await tell();
}

async function answer(projection: Projection, id: number, query: ProjectionQuery): Promise<void> {
  try {
    report({ type: "answer", id, answer: await projection.answer(query) });
  } catch (error) {
    report({
      type: "failed",
      id,
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

/** An order stream as a projection reads it. */
export function orderLog(link: NatsLink, stream: string): OrderLog {
  const journal = natsJournal(link, stream);
  return {
    state: () => journal.state(),
    readAt: (sequence) => journal.readAt(sequence),
    consume: ({ filters, fromSequence, ...options }, onMessage) =>
      consumeLog(link, { stream, filters, from: fromSequence, ...options }, onMessage),
  };
}

function report(message: ProjectionReport): void {
  parentPort?.postMessage(message);
}
