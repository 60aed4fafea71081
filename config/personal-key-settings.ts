/** Settings of `personal-keys`: the key file, and where the keys are. The same variables as on the order nodes. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { type Environment, from, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";

const fields = {
  natsUrl: from("NATS_URL", Type.String({ ...schemas.natsUrl, default: "nats://127.0.0.1:4222" })),
  personalKeyFile: from("ORDERLY_PERSONAL_KEY_FILE", Type.String()),
};

/** Settings of `personal-keys`; frozen. */
export type PersonalKeySettings = {
  readonly natsUrl: string;
  /** Absolute. */
  readonly personalKeyFile: string;
};

/** Reads the settings of `personal-keys`. @throws SettingsInvalid with all faults */
export function loadPersonalKeySettings(env: Environment = process.env): PersonalKeySettings {
  const read = readSettings(fields, env);
  return Object.freeze({ ...read, personalKeyFile: resolve(read.personalKeyFile) });
}
