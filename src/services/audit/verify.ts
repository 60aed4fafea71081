/** Reads the whole audit log and checks its chains. */
import type { Journal } from "../../runtime/ports.ts";
import { type Break, ChainCheck, type Head, hashOf } from "./chain.ts";

/** Messages that are read at once. */
const READ_TOGETHER = 100;
/** Breaks that are named; what follows the first ones says little. */
const NAMED_MAX = 20;

/** What a check has found. */
export type Verified = {
  readonly entries: number;
  /** By writer. */
  readonly heads: ReadonlyMap<string, Head>;
  readonly broken: readonly Break[];
  /** Of the expected hashes: those that no entry has. */
  readonly missing: readonly string[];
};

/** Checks the log up to its present end. @throws Unavailable (retryable) */
export async function verifyAudit(
  journal: Pick<Journal, "readAt" | "state">,
  expected: readonly string[],
): Promise<Verified> {
  const { lastSequence } = await journal.state();
  const check = new ChainCheck();
  const missing = new Set(expected);
  const broken: Break[] = [];
  let entries = 0;
  for (let from = 1; from <= lastSequence; from += READ_TOGETHER) {
    const count = Math.min(READ_TOGETHER, lastSequence - from + 1);
    const read = Array.from({ length: count }, (_, index) => journal.readAt(from + index));
    for (const message of await Promise.all(read)) {
      if (message === undefined) continue;
      entries++;
      missing.delete(hashOf(message.payload));
      const found = check.next(message);
      if (found && broken.length < NAMED_MAX) broken.push(found);
    }
  }
  if (check.reached() < lastSequence && broken.length < NAMED_MAX)
    broken.push({ sequence: check.reached() + 1, why: "an entry was removed" });
  return { entries, heads: check.heads, broken, missing: [...missing] };
}
