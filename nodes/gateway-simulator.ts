/** Process: the payment gateway simulator, for development and tests. */
import { join } from "node:path";
import pino from "pino";
import { loadGatewaySettings } from "../config/gateway-settings.ts";
import { secretsIn } from "../config/settings-schemas.ts";
import { knownHosts } from "../src/http/connections/known-hosts.ts";
import { createGatewayApp } from "./gateway/app.ts";
import { Ledger } from "./gateway/ledger.ts";
import { runProcess } from "./process.ts";
import { WebhookSender } from "./simulators/webhook-sender.ts";

const SLOW_MS = 2_000;
const SHORT_LIFE_MS = 3_000;

runProcess("gateway", async () => {
  const settings = loadGatewaySettings();
  const log = pino({ name: "gateway", level: settings.logLevel });
  const ledger = new Ledger(join(settings.home, "ledger.jsonl"), Date.now);
  // A load test makes thousands of requests a second: only failures are logged.
  const requests = log.child({}, { level: settings.logLevel === "info" ? "warn" : settings.logLevel });
  const sender = new WebhookSender({
    urls: settings.webhooks ? settings.webhookUrl.split(",") : [],
    secrets: secretsIn(settings.webhookSecret),
    path: join(settings.home, "webhooks.jsonl"),
    log,
  });
  const app = createGatewayApp({
    ledger,
    slowMs: SLOW_MS,
    lifeMs: settings.authorizationLifeMs,
    shortLifeMs: SHORT_LIFE_MS,
    publicUrl: settings.publicUrl,
    knownHosts: knownHosts(settings.publicUrl, settings.allowedHosts),
    now: Date.now,
    decided: (id, message) => sender.send(id, message),
    log: requests,
  });
  const url = await app.listen({ host: settings.httpHost, port: settings.httpPort });
  log.info({ url, ledger: settings.home, entries: ledger.entries().length }, "gateway simulator listens");
  return {
    stop: async () => {
      await app.close();
      sender.stop();
      ledger.close();
    },
  };
});
