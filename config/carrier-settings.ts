/** Settings of the carrier simulator. It is a development tool, so development is its default. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { DEVELOPMENT_CARRIER_SECRET, hostFaults, secretFaults } from "./settings-faults.ts";
import { type Environment, from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

/** The variables of the carrier simulator. */
export const carrierFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_CARRIER_PORT", schemas.port(3902)),
  allowedHosts: from("ORDERLY_ALLOWED_HOSTS", schemas.hostNames),
  webhookUrl: from(
    "ORDERLY_CARRIER_WEBHOOK_URL",
    Type.String({ ...schemas.httpUrls, default: "http://127.0.0.1:3000/v1/webhooks/carrier" }),
  ),
  webhookSecret: from("ORDERLY_CARRIER_WEBHOOK_SECRET", schemas.secrets(DEVELOPMENT_CARRIER_SECRET)),
  deliverAfterMs: optionalFrom(
    "ORDERLY_CARRIER_DELIVER_AFTER_MS",
    Type.Integer({ minimum: 0, maximum: 3_600_000 }),
  ),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/carrier" })),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: true })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of the carrier simulator; frozen. */
export type CarrierSettings = {
  readonly httpHost: string;
  readonly httpPort: number;
  /** As on the order nodes. */
  readonly allowedHosts: string;
  /** Address of webhooks: any order node, or several separated by commas, called one after the other. */
  readonly webhookUrl: string;
  /** As `carrierWebhookSecret` on the order nodes. */
  readonly webhookSecret: string;
  /** Parcels are delivered automatically after this time from their hand-over, ms; undefined: manually only. */
  readonly deliverAfterMs: number | undefined;
  /** Folder of the shipments, absolute. */
  readonly home: string;
  readonly development: boolean;
  readonly logLevel: schemas.LogLevel;
};

/** Reads the carrier simulator's settings. @throws SettingsInvalid with all faults */
export function loadCarrierSettings(env: Environment = process.env): CarrierSettings {
  const read = readSettings(carrierFields, env, (values) => [
    ...secretFaults({ development: values.development, carrierWebhookSecret: values.webhookSecret }),
    ...hostFaults(values),
  ]);
  return Object.freeze({ ...read, home: resolve(read.home) });
}
