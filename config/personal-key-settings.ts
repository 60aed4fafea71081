/** Settings of `personal-keys`: the key file, and where the keys are. The same variables as on the order nodes. */
import { resolve } from "node:path";
import { Type } from "typebox";
import { type NatsLogin, natsFaults, natsFields } from "./nats-settings.ts";
import { type Environment, from, readSettings } from "./settings-reader.ts";

const fields = {
  ...natsFields,
  personalKeyFile: from("ORDERLY_PERSONAL_KEY_FILE", Type.String()),
};

/** Settings of `personal-keys`; frozen. */
export type PersonalKeySettings = NatsLogin & {
  /** Absolute. */
  readonly personalKeyFile: string;
};

/** Reads the settings of `personal-keys`. @throws SettingsInvalid with all faults */
export function loadPersonalKeySettings(env: Environment = process.env): PersonalKeySettings {
  const read = readSettings(fields, env, natsFaults);
  return Object.freeze({ ...read, personalKeyFile: resolve(read.personalKeyFile) });
}
