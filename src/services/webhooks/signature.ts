/**
 * Signatures of webhooks as Standard Webhooks has them: `webhook-id`, `webhook-timestamp` (seconds since the epoch) and
 * `webhook-signature` (`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several with spaces between, while a
 * secret is being changed). Both ends are here: what the simulators sign is what the nodes check.
 * Source: standardwebhooks.com, specification 1.0.
 */
import { timingSafeEqual } from "node:crypto";
import { Webhook } from "standardwebhooks";

/** The three headers of a signed webhook. */
export type SignedHeaders = {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
};

/** One secret: `whsec_` and base64, or any other text, which is used unchanged. */
const signer = (secret: string): Webhook =>
  secret.startsWith("whsec_") ? new Webhook(secret) : new Webhook(secret, { format: "raw" });

/**
 * Signs one message, with each of the secrets: a receiver that knows one of them takes it. A repetition has the same id
 * and a new time.
 */
export function signWebhook(
  secrets: string | readonly string[],
  id: string,
  at: Date,
  body: string,
): SignedHeaders {
  const each = typeof secrets === "string" ? [secrets] : secrets;
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": each.map((secret) => signer(secret).sign(id, at, body)).join(" "),
  };
}

/** The form of `webhook-id`: it becomes the id of a message in the stream. */
const ID = /^[\w.:-]{1,128}$/u;
const TOLERANCE_S = 300;

/** Headers, their names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The signed headers; undefined when one is missing or malformed, or when the time is too old or too new.
 * @param now ms since the epoch, by the server's clock
 */
export function signedHeaders(headers: Headers, now: number): SignedHeaders | undefined {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signature = headers["webhook-signature"];
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signature !== "string")
    return undefined;
  if (!ID.test(id) || !/^\d{1,12}$/u.test(timestamp) || !/(^| )v1,./u.test(signature)) return undefined;
  if (Math.abs(Math.floor(now / 1000) - Number(timestamp)) > TOLERANCE_S) return undefined;
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

/**
 * The message's id when one of its signatures is valid under one of the secrets and its time is within five minutes of
 * now; undefined otherwise, without the reason. Compares in constant time. The library only signs here: its check takes
 * the machine's clock.
 * @param now ms since the epoch, by the server's clock
 */
export function verifiedId(
  secrets: string | readonly string[],
  headers: Headers,
  body: Buffer,
  now: number,
): string | undefined {
  const signed = signedHeaders(headers, now);
  if (signed === undefined) return undefined;
  const id = signed["webhook-id"];
  const at = new Date(Number(signed["webhook-timestamp"]) * 1000);
  const given = signed["webhook-signature"].split(" ").map((signature) => Buffer.from(signature));
  const each = typeof secrets === "string" ? [secrets] : secrets;
  const isValid = each.some((secret) => {
    const expected = Buffer.from(signer(secret).sign(id, at, body.toString()));
    return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  });
  return isValid ? id : undefined;
}
