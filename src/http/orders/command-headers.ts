/** Headers of commands to an order: under which version they may be done, and a key that makes a repetition safe. */
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import type { CommandHow } from "../../services/orders/contract.ts";
import { versionsIn } from "../protocol/etag.ts";
import { idempotencyKey } from "../protocol/idempotency-key.ts";
import { ProblemError } from "../protocol/problems.ts";

/** The schema of the headers. */
export const commandHeaders = Type.Object({
  "if-match": Type.Optional(
    Type.String({
      description: "Only while the order has this version (its `ETag`), else 412 and nothing is done",
      examples: ['"7"'],
    }),
  ),
  "idempotency-key": Type.Optional(
    idempotencyKey(
      "The same key with the same command is done once, as long as the order lives; with another one it is refused",
    ),
  ),
});

/** What the headers ask for. @throws ProblemError `validation_failed` for an `If-Match` of another form */
export function commandHow({
  caller,
  headers,
}: {
  readonly caller: Caller;
  readonly headers: {
    readonly "if-match"?: string | undefined;
    readonly "idempotency-key"?: string | undefined;
  };
}): Pick<CommandHow, "ifVersions" | "key"> {
  const { "idempotency-key": key, "if-match": match = "*" } = headers;
  const versions = versionsIn(match, { weak: false });
  if (versions === undefined) {
    const message = 'must be * or entity tags like "7"';
    throw new ProblemError("validation_failed", {
      errors: [{ pointer: "/if-match", code: "invalid_format", message }],
    });
  }
  return {
    ...(versions !== "any" && { ifVersions: versions }),
    ...(key !== undefined && { key: { caller: caller.id, idempotencyKey: key } }),
  };
}
