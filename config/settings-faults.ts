/** Settings with which no process may start outside development, or reachable from other machines. */
import { secretsIn } from "./settings-schemas.ts";

/** The built-in secret, for one's own machine only: every reader of this file knows it. Refused outside development. */
export const DEVELOPMENT_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";
/** The same for the carrier's webhooks: also in development, a message of one sender is not valid for the other. */
export const DEVELOPMENT_CARRIER_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1jYXJyaWVyLTMyYnl0ZXM=";

/** Different characters that a secret has at least: a pattern of a few can be guessed. */
const LEAST_DIFFERENT = 12;

/** Outside development: one fault for each setting with a built-in or weak secret, or with another setting's. */
export function secretFaults(values: {
  readonly development: boolean;
  readonly idempotencySecret?: string;
  readonly webhookSecret?: string;
  readonly carrierWebhookSecret?: string;
}): string[] {
  if (values.development) return [];
  const settings = [
    ["ORDERLY_IDEMPOTENCY_SECRET", values.idempotencySecret],
    ["ORDERLY_WEBHOOK_SECRET", values.webhookSecret],
    ["ORDERLY_CARRIER_WEBHOOK_SECRET", values.carrierWebhookSecret],
  ] as const;
  const unset = "must be set to a secret of your own (ORDERLY_DEVELOPMENT=true allows the built-in one)";
  const weak = `has a secret of fewer than ${LEAST_DIFFERENT} different characters; \`openssl rand -base64 32\` makes one`;
  const seen = new Map<string, string>();
  return settings.flatMap(([variable, text]) => {
    const secrets = text === undefined ? [] : secretsIn(text);
    const other = secrets.map((secret) => seen.get(secret)).find((one) => one !== undefined);
    for (const secret of secrets) seen.set(secret, variable);
    if (secrets.some((secret) => PUBLIC.has(secret))) return [`${variable} ${unset}`];
    if (secrets.some((secret) => new Set(secret).size < LEAST_DIFFERENT)) return [`${variable} ${weak}`];
    return other === undefined
      ? []
      : [
          `${variable} has a secret of ${other} too: who knows one of them could act as the other sender; make each its own`,
        ];
  });
}

/** Every reader of this file knows them, whatever they are set for. */
const PUBLIC: ReadonlySet<string> = new Set([DEVELOPMENT_SECRET, DEVELOPMENT_CARRIER_SECRET]);

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
