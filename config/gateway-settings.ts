/** Settings of the payment gateway simulator. It is a tool of development, so that is its default. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { DEVELOPMENT_SECRET, hostFaults, secretFaults } from "./settings-faults.ts";
import { type Environment, from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

/** Of the simulator, and of `npm start`, which hands it on. */
export const webhooksSwitch = from("ORDERLY_WEBHOOKS", Type.Enum(["on", "off"], { default: "on" }));

export const gatewayFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_GATEWAY_PORT", schemas.port(3900)),
  publicUrl: optionalFrom("ORDERLY_GATEWAY_URL", schemas.httpUrl),
  webhookUrl: from(
    "ORDERLY_WEBHOOK_URL",
    Type.String({ ...schemas.httpUrls, default: "http://127.0.0.1:3000/v1/webhooks/payments" }),
  ),
  webhooks: webhooksSwitch,
  webhookSecret: from("ORDERLY_WEBHOOK_SECRET", schemas.secret(DEVELOPMENT_SECRET)),
  authorizationLifeMs: from(
    "ORDERLY_AUTHORIZATION_LIFE_MS",
    schemas.milliseconds(604_800_000, 1000, 31_536_000_000),
  ),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/gateway" })),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: true })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

export type GatewaySettings = {
  readonly httpHost: string;
  readonly httpPort: number;
  /** Where its hosted pages are reached, no slash at the end. Default: `http://<httpHost>:<httpPort>`. */
  readonly publicUrl: string;
  /** Where webhooks go: any order node, or several with commas between, asked one after the other. */
  readonly webhookUrl: string;
  /** False: nobody is told what customers do on the pages; the nodes have to ask. */
  readonly webhooks: boolean;
  /** As on the order nodes. */
  readonly webhookSecret: string;
  /** How long an authorisation of a card stands, unless it is captured. A week. */
  readonly authorizationLifeMs: number;
  /** Folder of the ledger, absolute. */
  readonly home: string;
  readonly development: boolean;
  readonly logLevel: schemas.LogLevel;
};

/** @throws SettingsInvalid */
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
