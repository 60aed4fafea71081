/** What an earlier run of a node left in its outbox. */
import type { Log, Outbox } from "../ports.ts";

/** Drops it: no caller was answered for anything in it (ADR 1). */
export function dropLeftover({ log, outbox }: { readonly log: Log; readonly outbox: Outbox }): void {
  const leftover = outbox.leftover();
  if (leftover.length === 0) return;
  log.info({ units: leftover.length }, "outbox of an earlier run dropped: no caller was answered for it");
  outbox.remove(leftover);
}
