/** The audit log as HTTP sees it: who has asked for which change, from where, why, and what came of it. */
import type { UnavailableResult } from "../unavailable.ts";

/** What a caller has asked for. No personal data: `reason` is free text, in which addresses are hidden. */
export type AuditEntry = {
  /** Of the request; both entries of one call have the same. */
  readonly requestId: string;
  /** `asked`: stored before the call is done. `answered`: what came of it. */
  readonly phase: "asked" | "answered";
  /** Id of the caller, as records name it. */
  readonly actor: string;
  /** How it has shown who it is. */
  readonly via: string;
  readonly roles: readonly string[];
  /** Network address of the caller; null: not over a network. */
  readonly address: string | null;
  /** Method and pattern of the path, or the command. */
  readonly route: string;
  /** Ids of the path, or what was made; null: there are none. */
  readonly target: string | null;
  /** The version that the caller names (`asked`), or the one that the target has now (`answered`); null: not stated. */
  readonly version: string | null;
  /** Why, in the words of the caller. */
  readonly reason: string | null;
  /** Status of the answer; null before it. */
  readonly status: number | null;
};

/** A stored entry. `at`: the server's time of storing, RFC 3339. */
export type StoredAuditEntry = AuditEntry & {
  readonly sequence: number;
  readonly at: string;
  /** Which process has written it: each has a chain of its own. */
  readonly writer: string;
};

/** Which entries. */
export type AuditQuery = {
  readonly actor?: string;
  /** An id that its target has. */
  readonly target?: string;
  /** Only entries before this sequence. */
  readonly before?: number;
  readonly limit: number;
};

/** Writes and reads the audit log. */
export interface Audit {
  /** Stores an entry. Nothing may be done before `stored`. After `unavailable` the entry may be stored nevertheless. */
  write(entry: AuditEntry): Promise<{ readonly status: "stored" } | UnavailableResult>;
  /**
   * Newest first. A page may have fewer entries than asked for, or none, and others follow: it reads a bounded part of
   * the log. `next`: `before` of the next page; null: this is the last one.
   */
  list(
    query: AuditQuery,
  ): Promise<
    | { readonly status: "found"; readonly items: readonly StoredAuditEntry[]; readonly next: number | null }
    | UnavailableResult
  >;
}
