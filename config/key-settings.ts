/** Settings of `keys`: where the API keys are. The same variables as on the order nodes. */
import { type NatsLogin, natsFaults, natsFields } from "./nats-settings.ts";
import { type Environment, readSettings } from "./settings-reader.ts";

/** Settings of `keys`; frozen. */
export type KeySettings = NatsLogin;

/** Reads the settings of `keys`. @throws SettingsInvalid with all faults */
export function loadKeySettings(env: Environment = process.env): KeySettings {
  return Object.freeze(readSettings(natsFields, env, natsFaults));
}
