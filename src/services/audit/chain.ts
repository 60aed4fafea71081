/**
 * The chains of the audit log: each entry of a writer names the hash of the one before it. Pure.
 * An entry that is changed or removed breaks the chain at the next one of its writer. What no chain can show is a log
 * whose end was removed: the logs of the nodes have the hash of the newest entry once a day.
 */
import { createHash } from "node:crypto";
import { parseObject } from "../../runtime/json.ts";
import type { AuditEntry } from "./contract.ts";

/** Root of the subjects: `audit.<writer>`. */
export const AUDIT_ROOT = "audit";
/** The stream of the log. */
export const AUDIT = "AUDIT";

/** Subject of a writer's chain. @param writer id of a node, or `command-line` */
export const auditSubject = (writer: string): string => `${AUDIT_ROOT}.${writer}`;

/** A payload of the stream: the entry, its place in the chain, and the hash of the payload before it. */
export type Link = AuditEntry & { readonly n: number; readonly previous: string };

/** Where a chain is: its newest payload's place and hash. */
export type Head = { readonly n: number; readonly hash: string };

/** Before the first entry. */
export const START: Head = { n: 0, hash: "" };

/** The payload that follows a head. */
export const linked = (head: Head, entry: AuditEntry): string =>
  JSON.stringify({ n: head.n + 1, previous: head.hash, ...entry });

/** The head that a payload makes; undefined: it is no entry. */
export function headOf(payload: string): Head | undefined {
  const link = readLink(payload);
  return link && { n: link.n, hash: hashOf(payload) };
}

/** SHA-256 of a payload, in hexadecimal digits. */
export const hashOf = (payload: string): string => createHash("sha256").update(payload).digest("hex");

/** The entry in a payload; undefined: it is none. */
export function readLink(payload: string): Link | undefined {
  const read = parseObject(payload);
  const { actor, n, previous, requestId, route } = read ?? {};
  const isEntry = [actor, previous, requestId, route].every((one) => typeof one === "string");
  return isEntry && Number.isSafeInteger(n) ? (read as Link) : undefined;
}

/** A place at which the log is not what was written. */
export type Break = { readonly sequence: number; readonly why: string };

/** Checks messages of the log in the order of the stream, one after the other. */
export class ChainCheck {
  /** By writer. */
  readonly heads = new Map<string, Head>();
  private expected = 1;

  /** Sequence of the last message. */
  reached(): number {
    return this.expected - 1;
  }

  /** @returns what is wrong; undefined: nothing */
  next(message: {
    readonly sequence: number;
    readonly subject: string;
    readonly payload: string;
  }): Break | undefined {
    const { payload, sequence, subject } = message;
    const missing = this.expected;
    this.expected = sequence + 1;
    const writer = subject.slice(AUDIT_ROOT.length + 1);
    const head = this.heads.get(writer) ?? START;
    const link = readLink(payload);
    this.heads.set(writer, { n: link?.n ?? head.n + 1, hash: hashOf(payload) });
    if (sequence !== missing) return { sequence: missing, why: "an entry was removed" };
    if (link === undefined) return { sequence, why: "it is no entry" };
    if (link.n !== head.n + 1 || link.previous !== head.hash)
      return { sequence, why: `the entry of ${writer} before it was changed or removed, or it was added` };
    return undefined;
  }
}
