/** Settings of `reconcile`: where both sides are. It reads the same variables as the order nodes. */
import { Type } from "typebox";
import { MAX_STREAMS } from "../src/runtime/layout.ts";
import { type NatsLogin, natsFaults, natsFields } from "./nats-settings.ts";
import { type Environment, from, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

const fields = {
  ...natsFields,
  gatewayUrl: from(
    "ORDERLY_GATEWAY_URL",
    Type.String({ ...schemas.httpUrl, default: "http://127.0.0.1:3900" }),
  ),
  partitions: from("ORDERLY_PARTITIONS", schemas.count(32, 1, 1024)),
  streams: from("ORDERLY_STREAMS", schemas.count(1, 1, MAX_STREAMS)),
};

/** Settings of `reconcile`; frozen. */
export type ReconcileSettings = NatsLogin & {
  /** No slash at the end. */
  readonly gatewayUrl: string;
  /** As on the nodes. */
  readonly partitions: number;
  readonly streams: number;
};

/** Reads the settings of `reconcile`. @throws SettingsInvalid with all faults */
export function loadReconcileSettings(env: Environment = process.env): ReconcileSettings {
  return readSettings(fields, env, natsFaults);
}
