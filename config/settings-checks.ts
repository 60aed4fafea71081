/** What settings must not be outside development: secrets that everybody knows, addresses that anybody reaches. */
import { Type } from "typebox";

/** Good on one's own machine only: everybody can read it here. Refused outside development. */
const DEVELOPMENT_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";
/** Of 32 characters or more. */
export const secret = Type.String({ minLength: 32, maxLength: 512, default: DEVELOPMENT_SECRET });

export function secretFaults(values: {
  readonly development: boolean;
  readonly idempotencySecret?: string;
  readonly webhookSecret: string;
}): string[] {
  if (values.development) return [];
  const unset = "must be set to a secret of your own (ORDERLY_DEVELOPMENT=true allows the built-in one)";
  return [
    ...(values.idempotencySecret === DEVELOPMENT_SECRET ? [`ORDERLY_IDEMPOTENCY_SECRET ${unset}`] : []),
    ...(values.webhookSecret === DEVELOPMENT_SECRET ? [`ORDERLY_WEBHOOK_SECRET ${unset}`] : []),
  ];
}

/** Beyond this machine nothing listens by accident, and never with what development allows. */
export function hostFaults(
  values: {
    readonly development: boolean;
    readonly httpHost: string;
    readonly publicUrl: string | undefined;
  },
  urlVariable: string,
): string[] {
  const { development, httpHost, publicUrl } = values;
  if (isLoopback(httpHost)) return [];
  return [
    ...(development
      ? [
          `ORDERLY_HTTP_HOST ${httpHost} is reached from elsewhere, which ORDERLY_DEVELOPMENT=true does not allow; use 127.0.0.1, or ORDERLY_DEVELOPMENT=false and secrets of your own`,
        ]
      : []),
    ...(publicUrl === undefined && isWildcard(httpHost)
      ? [`${urlVariable} is not set: ORDERLY_HTTP_HOST ${httpHost} is no address for clients`]
      : []),
  ];
}

const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|::1|localhost)$/u.test(host);
const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";
