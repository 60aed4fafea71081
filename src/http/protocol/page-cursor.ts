/** Pages of lists. Cursors are opaque to clients, so that their content may change. */
import type { FastifyRequest } from "fastify";
import { ProblemError } from "./problems.ts";
import { SKU } from "./schema-parts.ts";

const sku = new RegExp(SKU, "u");

/** A cursor for the page after the item with this key. URL-safe. */
export function encodeCursor(last: string): string {
  return Buffer.from(last, "utf8").toString("base64url");
}

/**
 * The key at which the previous page ended.
 * @param form of the keys that this list puts into its cursors; SKUs by default
 * @throws ProblemError `validation_failed` for a cursor that this list did not make
 */
export function decodeCursor(cursor: string, form = sku): string {
  const after = Buffer.from(cursor, "base64url").toString("utf8");
  if (form.test(after)) return after;
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/cursor", code: "invalid_format", message: "is not a cursor of this list" }],
  });
}

/**
 * A `preValidation` hook. Query values are text and the validator coerces nothing: a plain decimal becomes a number
 * here; anything else stays text, and the schema refuses it.
 */
export const readLimit = readNumbers("limit");

/** The same for query values of these names. */
export function readNumbers(...names: readonly string[]): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const query = request.query as Record<string, unknown>;
    for (const name of names) {
      const value = query[name];
      if (typeof value === "string" && /^\d{1,9}$/u.test(value)) query[name] = Number(value);
    }
  };
}
