/** Rules for messages that hold in memory and on a server alike. They are checked before anything is sent. */

/** The server's limit for one atomic batch (ADR-50). */
export const BATCH_MESSAGES_MAX = 1000;

/** The server's limit for the headers of one message. */
export const HEADER_BYTES_MAX = 65_535;

/** Codes of refusals that are found before sending. The server uses the first two for the same faults. */
export const AppendCode = {
  /** Headers and payload are larger than the server's `max_payload`. */
  messageTooLarge: 10054,
  /** More than 1000 messages. */
  batchTooLarge: 10199,
  /** A subject with wildcards, spaces or empty tokens; a header that cannot be written or is reserved. */
  invalidMessage: 1,
} as const;

/** True for a subject that one message can be published to. */
export function isLiteralSubject(subject: string): boolean {
  return subject.length > 0 && subject.length <= 1024 && !/[\s*>]|^\.|\.$|\.\./.test(subject);
}

/** A test for subjects that match one of the filters (tokens, `*` for one, a final `>` for one or more). */
export function compileFilters(filters: readonly string[]): (subject: string) => boolean {
  const tests = filters.map(compileFilter);
  return (subject) => tests.some((matches) => matches(subject));
}

function compileFilter(filter: string): (subject: string) => boolean {
  if (!/[*>]/u.test(filter)) return (subject) => subject === filter;
  if (/^[^*>]+\.>$/u.test(filter)) {
    const prefix = filter.slice(0, -1);
    return (subject) => subject.startsWith(prefix) && subject.length > prefix.length;
  }
  const want = filter.split(".");
  return (subject) => matches(want, subject.split("."));
}

function matches(want: readonly string[], have: readonly string[]): boolean {
  for (let i = 0; i < want.length; i++) {
    if (want[i] === ">") return have.length > i;
    if (i >= have.length || (want[i] !== "*" && want[i] !== have[i])) return false;
  }
  return want.length === have.length;
}
