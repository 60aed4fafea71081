/** Process: the carrier simulator, for development and tests. */
import { join } from "node:path";
import pino from "pino";
import { loadCarrierSettings } from "../config/carrier-settings.ts";
import { secretsIn } from "../config/settings-schemas.ts";
import { knownHosts } from "../src/http/connections/known-hosts.ts";
import { createCarrierApp } from "./carrier/app.ts";
import { Courier } from "./carrier/courier.ts";
import { Shipments } from "./carrier/shipments.ts";
import { runProcess } from "./process.ts";
import { WebhookSender } from "./simulators/webhook-sender.ts";

runProcess("carrier", async () => {
  const settings = loadCarrierSettings();
  const log = pino({ name: "carrier", level: settings.logLevel });
  const shipments = new Shipments(join(settings.home, "shipments.jsonl"), Date.now);
  // A load test makes thousands of requests a second: only failures are logged.
  const requests = log.child({}, { level: settings.logLevel === "info" ? "warn" : settings.logLevel });
  const sender = new WebhookSender({
    urls: settings.webhookUrl.split(","),
    secrets: secretsIn(settings.webhookSecret),
    path: join(settings.home, "webhooks.jsonl"),
    log,
    // No node polls a carrier, so the simulator repeats a report until a node has accepted it.
    maxAttempts: Number.POSITIVE_INFINITY,
  });
  const courier = new Courier({
    shipments,
    deliverAfterMs: settings.deliverAfterMs,
    report: (id, message) => sender.send(id, message),
    now: Date.now,
  });
  const app = createCarrierApp({
    shipments,
    courier,
    knownHosts: knownHosts(undefined, settings.allowedHosts),
    log: requests,
  });
  const url = await app.listen({ host: settings.httpHost, port: settings.httpPort });
  log.info({ url, shipments: settings.home, labels: shipments.list().length }, "carrier simulator listens");
  return {
    stop: async () => {
      await app.close();
      courier.stop();
      sender.stop();
      shipments.close();
    },
  };
});
