/** Settings with which no process may start outside development, or reachable from other machines. */
import { secretsIn } from "./settings-schemas.ts";

/** The built-in secret, for one's own machine only: every reader of this file knows it. Refused outside development. */
export const DEVELOPMENT_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";
/** The same for the carrier's webhooks: also in development, a message of one sender is not valid for the other. */
export const DEVELOPMENT_CARRIER_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1jYXJyaWVyLTMyYnl0ZXM=";

/** One fault for each built-in secret that is still set outside development. */
export function secretFaults(values: {
  readonly development: boolean;
  readonly idempotencySecret?: string;
  readonly webhookSecret?: string;
  readonly carrierWebhookSecret?: string;
}): string[] {
  if (values.development) return [];
  const unset = "must be set to a secret of your own (ORDERLY_DEVELOPMENT=true allows the built-in one)";
  return [
    ...(values.idempotencySecret === DEVELOPMENT_SECRET ? [`ORDERLY_IDEMPOTENCY_SECRET ${unset}`] : []),
    ...(hasSecret(values.webhookSecret, DEVELOPMENT_SECRET) ? [`ORDERLY_WEBHOOK_SECRET ${unset}`] : []),
    ...(hasSecret(values.carrierWebhookSecret, DEVELOPMENT_CARRIER_SECRET)
      ? [`ORDERLY_CARRIER_WEBHOOK_SECRET ${unset}`]
      : []),
  ];
}

const hasSecret = (text: string | undefined, secret: string): boolean =>
  text !== undefined && secretsIn(text).includes(secret);

/** Name of the key file that development makes, in the folder of a node or of a local cluster. */
export const PERSONAL_KEY_FILE = "personal.key";

/** The fault of a node without a key file outside development. */
export function personalKeyFaults(values: {
  readonly development: boolean;
  readonly personalKeyFile: string | undefined;
}): string[] {
  if (values.development || values.personalKeyFile !== undefined) return [];
  return [
    "ORDERLY_PERSONAL_KEY_FILE must name the file of the keys that seal personal data and documents " +
      '(docs/operations.md, "Keys"; `openssl rand -base64 32` makes one)',
  ];
}

/**
 * Faults of a process that listens beyond this machine: it must not do so by default, nor in development.
 * @param urlVariable the variable of `publicUrl`, for processes that publish their address
 */
export function hostFaults(
  values: {
    readonly development: boolean;
    readonly httpHost: string;
    readonly publicUrl?: string | undefined;
  },
  urlVariable?: string,
): string[] {
  const { development, httpHost, publicUrl } = values;
  if (isLoopback(httpHost)) return [];
  return [
    ...(development
      ? [
          `ORDERLY_HTTP_HOST ${httpHost} is reachable from other machines, which ORDERLY_DEVELOPMENT=true does not allow; use 127.0.0.1, or ORDERLY_DEVELOPMENT=false and secrets of your own`,
        ]
      : []),
    ...(urlVariable !== undefined && publicUrl === undefined && isWildcard(httpHost)
      ? [`${urlVariable} is not set: ORDERLY_HTTP_HOST ${httpHost} is not an address for clients`]
      : []),
  ];
}

const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|::1|localhost)$/u.test(host);
const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
