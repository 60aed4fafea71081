/**
 * Faults of one input: where, which rule, in words. Built from the validator's errors. Every fault is reported, not
 * only the first, up to a bound.
 */
import type { FastifySchemaValidationError } from "fastify";
import { httpLimits } from "./limits.ts";

/** Codes that `errors[].code` may take, by the rule that was broken; see docs/errors.md. */
export const faultCodes = [
  "required",
  "unknown_field",
  "wrong_type",
  "too_short",
  "too_long",
  "too_few",
  "too_many",
  "out_of_range",
  "invalid_format",
  "not_allowed",
  "duplicate_sku",
  "unknown_sku",
  "sku_not_for_sale",
] as const;

/** One code of `faultCodes`. */
export type FaultCode = (typeof faultCodes)[number];

/** One broken rule, an item of `errors`. */
export type Fault = {
  /** JSON pointer (RFC 6901) into the body; for a query, path or header parameter `/<its name>`. */
  readonly pointer: string;
  readonly code: FaultCode;
  /** For people; may be reworded. */
  readonly message: string;
  /** The SKU at fault, for `unknown_sku` and `sku_not_for_sale`. */
  readonly sku?: string;
};

const codeOfKeyword: Readonly<Record<string, FaultCode>> = {
  required: "required",
  additionalProperties: "unknown_field",
  type: "wrong_type",
  minLength: "too_short",
  maxLength: "too_long",
  minItems: "too_few",
  maxItems: "too_many",
  minimum: "out_of_range",
  maximum: "out_of_range",
  pattern: "invalid_format",
  format: "invalid_format",
  enum: "not_allowed",
};

/**
 * The faults of the validator's errors, in its order, `httpLimits.faults` at most.
 * @throws Error for a keyword without a code (programmer fault: the schema needs one)
 */
export function faultsOf(errors: readonly FastifySchemaValidationError[]): Fault[] {
  return errors.slice(0, httpLimits.faults).map(faultOf);
}

function faultOf(error: FastifySchemaValidationError): Fault {
  const code = codeOfKeyword[error.keyword];
  if (code === undefined) throw new Error(`no fault code for the schema keyword ${error.keyword}`);
  return { pointer: pointerOf(error), code, message: messageOf(error, code) };
}

function pointerOf(error: FastifySchemaValidationError): string {
  const member = error.params["missingProperty"] ?? error.params["additionalProperty"];
  return typeof member === "string" ? `${error.instancePath}/${pointerToken(member)}` : error.instancePath;
}

function messageOf(error: FastifySchemaValidationError, code: FaultCode): string {
  switch (code) {
    case "required":
      return "is required";
    case "unknown_field":
      return "is not a known field";
    case "invalid_format":
      return error.keyword === "format"
        ? `must be a valid ${String(error.params["format"])}`
        : "has a form, or holds a character, that is not allowed";
    case "not_allowed":
      return `must be one of ${String(error.params["allowedValues"])}`;
    default:
      return error.message ?? code;
  }
}

/** One escaped token of a JSON pointer (RFC 6901). Names from the client are cut to `httpLimits.echoedCharacters`. */
export function pointerToken(name: string): string {
  return name.slice(0, httpLimits.echoedCharacters).replaceAll("~", "~0").replaceAll("/", "~1");
}
