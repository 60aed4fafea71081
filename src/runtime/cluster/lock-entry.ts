import { parseObject } from "../json.ts";

/** The value of a lock entry. Stored: its field names are a format. */
export type LockEntry = {
  /** Empty when released. */
  readonly node: string;
  readonly boot: string;
  /** Distinguishes this claim from every other claim. */
  readonly nonce: string;
  /** RFC 3339 */
  readonly since: string;
};

/** The value of a lock that no node holds. */
export const released: LockEntry = { node: "", boot: "", nonce: "", since: "" };

/** Reads a lock entry; `undefined` when it is unreadable: then no node holds the lock. */
export function readLock(payload: string): LockEntry | undefined {
  const entry = parseObject(payload);
  const texts = [entry?.["node"], entry?.["boot"], entry?.["nonce"]];
  return texts.every((text) => typeof text === "string") ? (entry as LockEntry) : undefined;
}
