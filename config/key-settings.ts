/** Settings of `keys`: where the API keys are. The same variables as on the order nodes. */
import { Type } from "typebox";
import { type Environment, from, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

const fields = {
  natsUrl: from("NATS_URL", Type.String({ ...schemas.natsUrl, default: "nats://127.0.0.1:4222" })),
};

/** Settings of `keys`; frozen. */
export type KeySettings = { readonly natsUrl: string };

/** Reads the settings of `keys`. @throws SettingsInvalid with all faults */
export function loadKeySettings(env: Environment = process.env): KeySettings {
  return Object.freeze(readSettings(fields, env));
}
