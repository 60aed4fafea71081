/** Who owned a partition when, from the entries of its lock, which the stream keeps. Pure. */
import type { StoredMessage } from "../ports.ts";
import { readLock } from "./lock-entry.ts";

/** One ownership of one resource. Times: ms since the epoch, when the server stored the entries. */
export type OwnedSpan = {
  readonly node: string;
  readonly epoch: number;
  readonly from: number;
  /** Null: it has not ended. */
  readonly to: number | null;
  /**
   * How long no node held the lock before: from its release to this claim. 0 for the first claim. Null after an owner
   * that did not release it: when that owner stopped is not in the lock.
   */
  readonly gapMs: number | null;
};

/** The ownerships, oldest first. @param entries of one lock, oldest first; an unreadable one counts as a release */
export function ownedSpans(
  entries: readonly Pick<StoredMessage, "at" | "payload" | "sequence">[],
): OwnedSpan[] {
  const spans: OwnedSpan[] = [];
  let releasedAt: number | undefined;
  for (const { at, payload, sequence } of entries) {
    const last = spans.at(-1);
    const { node = "" } = readLock(payload) ?? {};
    if (last?.to === null) spans[spans.length - 1] = { ...last, to: at };
    if (node === "") {
      releasedAt ??= at;
      continue;
    }
    const gapMs = releasedAt === undefined ? (last ? null : 0) : at - releasedAt;
    spans.push({ node, epoch: sequence, from: at, to: null, gapMs });
    releasedAt = undefined;
  }
  return spans;
}
