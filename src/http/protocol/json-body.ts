/**
 * Reads a body as JSON, more strictly than `JSON.parse`: its depth is bounded, and no object names a key twice. Of two
 * `quantity` members, a proxy may believe the first and this node the last (RFC 8259, section 4).
 */
import { isUtf8 } from "node:buffer";
import { httpLimits } from "./limits.ts";
import { ProblemError } from "./problems.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * The value of a body; `undefined` for an empty one. Keys such as `__proto__` become plain own members, which the
 * schemas then refuse like any unknown field.
 * @throws ProblemError `malformed_json`, `duplicate_key`
 */
export function readJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new ProblemError("malformed_json", { detail: "The body is not valid UTF-8." });
  const text = body.toString("utf8");
  const members = countMembers(text);
  const value = parse(text);
  if (countKeys(value) !== members) throw new ProblemError("duplicate_key");
  return value;
}

/**
 * Checks that `Content-Type` and `Content-Encoding` leave the bytes of the body as plain UTF-8.
 * @throws ProblemError `unsupported_media_type`
 */
export function assertPlainUtf8(headers: NodeJS.Dict<string | string[]>): void {
  const type = String(headers["content-type"]);
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/iu.exec(type)?.[1];
  const coding = headers["content-encoding"];
  if (charset !== undefined && !/^utf-?8$/iu.test(charset)) throw new ProblemError("unsupported_media_type");
  if (coding !== undefined && coding !== "identity") throw new ProblemError("unsupported_media_type");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, which the log must not hold. The client knows its body.
    throw new ProblemError("malformed_json");
  }
}

/** Members in the text: in valid JSON each colon outside a string is one. Bounds the depth too. @throws ProblemError */
function countMembers(text: string): number {
  let members = 0;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === COLON) members++;
    else if (char === 0x7b || char === 0x5b) depth = deeper(depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return members;
}

function deeper(depth: number): number {
  if (depth < httpLimits.bodyDepth) return depth + 1;
  throw new ProblemError("malformed_json", {
    detail: `The body is nested more than ${httpLimits.bodyDepth} levels deep.`,
  });
}

/** Keys in the parsed value. Its depth is bounded, so the recursion is bounded too. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const values: unknown[] = Object.values(value);
  let keys = Array.isArray(value) ? 0 : values.length;
  for (const inner of values) keys += countKeys(inner);
  return keys;
}
