/** Cursors of lists: opaque to clients, so that what they hold may change. */
import { ProblemError } from "./problems.ts";
import { SKU } from "./schemas/parts.ts";

const sku = new RegExp(SKU, "u");

export function encodeCursor(lastSku: string): string {
  return Buffer.from(lastSku, "utf8").toString("base64url");
}

/** The last SKU of the previous page. @throws ProblemError `validation_failed` for a cursor we did not make. */
export function decodeCursor(cursor: string): string {
  const after = Buffer.from(cursor, "base64url").toString("utf8");
  if (sku.test(after)) return after;
  throw new ProblemError("validation_failed", {
    errors: [{ pointer: "/cursor", code: "invalid_format", message: "is not a cursor of this list" }],
  });
}
