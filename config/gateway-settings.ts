/** Settings of the payment gateway simulator. It is a development tool, so development is its default. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { DEVELOPMENT_SECRET, hostFaults, secretFaults } from "./settings-faults.ts";
import { type Environment, from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

/** Whether the simulator sends webhooks. Also a setting of `npm start`, which passes it to the simulator. */
export const webhooksSwitch = from("ORDERLY_WEBHOOKS", Type.Enum(["on", "off"], { default: "on" }));

/** The variables of the payment gateway simulator. */
export const gatewayFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_GATEWAY_PORT", schemas.port(3900)),
  publicUrl: optionalFrom("ORDERLY_GATEWAY_URL", schemas.httpUrl),
  allowedHosts: from("ORDERLY_ALLOWED_HOSTS", schemas.hostNames),
  webhookUrl: from(
    "ORDERLY_WEBHOOK_URL",
    Type.String({ ...schemas.httpUrls, default: "http://127.0.0.1:3000/v1/webhooks/payments" }),
  ),
  webhooks: webhooksSwitch,
  webhookSecret: from("ORDERLY_WEBHOOK_SECRET", schemas.secrets(DEVELOPMENT_SECRET)),
  authorizationLifeMs: from(
    "ORDERLY_AUTHORIZATION_LIFE_MS",
    schemas.milliseconds(604_800_000, 1000, 31_536_000_000),
  ),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/gateway" })),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: true })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of the payment gateway simulator; frozen. */
export type GatewaySettings = {
  readonly httpHost: string;
  readonly httpPort: number;
  /** As on the order nodes. */
  readonly allowedHosts: string;
  /** Public address of its hosted pages, no slash at the end. Default: `http://<httpHost>:<httpPort>`. */
  readonly publicUrl: string;
  /** Address of webhooks: any order node, or several separated by commas, called one after the other. */
  readonly webhookUrl: string;
  /** False: the simulator does not report what customers do on the pages; the nodes must poll it. */
  readonly webhooks: boolean;
  /** As on the order nodes. */
  readonly webhookSecret: string;
  /** Life of a card's authorization that is not captured, ms. A week. */
  readonly authorizationLifeMs: number;
  /** Folder of the ledger, absolute. */
  readonly home: string;
  readonly development: boolean;
  readonly logLevel: schemas.LogLevel;
};

/** Reads the gateway simulator's settings. @throws SettingsInvalid with all faults */
export function loadGatewaySettings(env: Environment = process.env): GatewaySettings {
  const read = readSettings(gatewayFields, env, (values) => [
    ...secretFaults(values),
    ...hostFaults(values, "ORDERLY_GATEWAY_URL"),
  ]);
  return Object.freeze({
    ...read,
    webhooks: read.webhooks === "on",
    home: resolve(read.home),
    publicUrl: read.publicUrl ?? `http://${read.httpHost}:${read.httpPort}`,
  });
}
