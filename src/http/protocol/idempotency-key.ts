/** The header `Idempotency-Key`. */
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { httpLimits } from "./limits.ts";
import { ProblemError } from "./problems.ts";

/** The schema of the header's text. */
export const idempotencyKey = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: httpLimits.idempotencyKey,
    pattern: "^[\\x21-\\x7e]*$",
    description,
    examples: ["7d1a1c9e-0a53-4d0e-b3c0-f7c0a9f4a1a2"],
  });

const KEY = new RegExp(`^[\\x21-\\x7e]{1,${httpLimits.idempotencyKey}}$`, "u");

/**
 * A `preValidation` hook: a request without a usable key is refused before anything else of it is checked.
 * @throws ProblemError `idempotency_key_required`, `invalid_idempotency_key`
 */
export async function requireIdempotencyKey(request: FastifyRequest): Promise<void> {
  const key = request.headers["idempotency-key"];
  if (key === undefined) throw new ProblemError("idempotency_key_required");
  checkIdempotencyKey(key);
}

/** A `preValidation` hook where the key may be absent. @throws ProblemError `invalid_idempotency_key` */
export async function takesKey({ headers }: FastifyRequest): Promise<void> {
  if (headers["idempotency-key"] !== undefined) checkIdempotencyKey(headers["idempotency-key"]);
}

/** Refuses a header that is no key. @throws ProblemError `invalid_idempotency_key` */
export function checkIdempotencyKey(key: string | readonly string[]): void {
  if (typeof key !== "string" || !KEY.test(key)) throw new ProblemError("invalid_idempotency_key");
}
