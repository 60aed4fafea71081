import { parseObject } from "../json.ts";

/** The value of a lock entry. */
export type LockEntry = {
  /** Empty when released. */
  readonly node: string;
  readonly boot: string;
  /** Tells this claim from every other one. */
  readonly nonce: string;
  /** RFC 3339 */
  readonly since: string;
};

/** Of a lock that nobody holds. */
export const released: LockEntry = { node: "", boot: "", nonce: "", since: "" };

/** `undefined` when it cannot be read: then the lock is nobody's. */
export function readLock(payload: string): LockEntry | undefined {
  const entry = parseObject(payload);
  const texts = [entry?.["node"], entry?.["boot"], entry?.["nonce"]];
  return texts.every((text) => typeof text === "string") ? (entry as LockEntry) : undefined;
}
