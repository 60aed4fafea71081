/** Process: one order node. Composition only; settings in config/settings.ts, life in nodes/process.ts. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { loadNodeSettings } from "../config/settings.ts";
import { redacted } from "../config/settings-reader.ts";
import { systemClock } from "../src/adapters/clock.system.ts";
import { connectNats } from "../src/adapters/connection.nats.ts";
import { randomIds } from "../src/adapters/ids.random.ts";
import { sqliteOutbox } from "../src/adapters/outbox.sqlite.ts";
import { createApp } from "../src/http/app.ts";
import { composeOrders } from "./order/compose.ts";
import { nodeOperations } from "./order/operations.ts";
import { runProcess } from "./process.ts";

const CONNECT_TIMEOUT_MS = 10_000;

runProcess("node", async () => {
  const settings = loadNodeSettings();
  const log = pino({ name: settings.nodeId, level: settings.logLevel });
  mkdirSync(settings.home, { recursive: true });
  const outbox = sqliteOutbox({
    path: join(settings.home, "outbox.sqlite"),
    onDamaged: (movedTo, reason) => log.warn({ movedTo, reason }, "damaged outbox file moved aside"),
  });
  const link = await connectNats({
    servers: settings.natsUrl.split(","),
    name: settings.nodeId,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });
  const clock = systemClock;
  const ids = randomIds();
  const composed = await composeOrders({
    settings,
    link,
    outbox,
    log,
    clock,
    ids,
  });
  const { node, orders, inventory } = composed;
  await node.start();
  const workers = await composed.startWorkers();
  const app = await createApp({
    orders,
    inventory,
    invoices: workers.invoices,
    operations: nodeOperations(node, settings),
    log,
    nextId: () => ids.next(),
    now: () => clock.now(),
    development: settings.development,
  });
  const url = await app.listen({ host: settings.httpHost, port: settings.httpPort });
  log.info({ url, settings: redacted(settings) }, "order node listens");
  return {
    stop: async () => {
      // Requests under way are answered first; their orders may live on this very node.
      await app.close();
      await workers.stop();
      await node.stop();
      await link.close();
      outbox.close();
    },
  };
});
