/**
 * The audit log in the stream `AUDIT`, which the server neither deletes nor purges.
 * Owns: the chain of this writer: its head, and the entries that wait.  Does not own: the chains of other writers.
 * Invariants
 *   audit.A1. Entries of a writer are stored one after the other, each under the condition that the one before it is
 *       the newest of its subject: two processes with one name cannot fork the chain.
 *   audit.A2. After an append without an answer the head is read again before anything is written, so that an entry
 *       that was stored is found and not written twice.
 * Proved by: test/unit/services/audit/audit-log.test.ts, test/integration/nodes/audit.test.ts
 * A crash leaves an entry `asked` without `answered`: whether the call was done, its target says. Nothing is done that
 * no entry has asked for.
 */
import { type Clock, type Journal, type Log, ServerCode, type StoredMessage } from "../../runtime/ports.ts";
import { orUnavailable, unavailable } from "../unavailable.ts";
import { auditSubject, type Head, headOf, linked, readLink, START } from "./chain.ts";
import type { Audit, AuditEntry, AuditQuery, StoredAuditEntry } from "./contract.ts";

const WRITE_TIMEOUT_MS = 2_000;
const TRIES = 3;
/** Entries that wait to be stored; beyond it callers get 503. */
const WAITING_MAX = 1_000;
/** Messages that one page reads at most, and at once. */
const READ_MAX = 2_000;
const READ_TOGETHER = 50;
const DAY_MS = 86_400_000;

/** What the log needs of its process. */
export type AuditOptions = {
  readonly journal: Pick<Journal, "append" | "readLast" | "readAt" | "state">;
  /** Id of the node, or `command-line`. No dots. */
  readonly writer: string;
  readonly log: Log;
};

type Known = { readonly head: Head; readonly sequence: number };

/** See the top of the file. */
export class AuditLog implements Audit {
  private readonly options: AuditOptions;
  /** Undefined: not known, or not known any more. */
  private known: Known | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(options: AuditOptions) {
    this.options = options;
  }

  async write(entry: AuditEntry): ReturnType<Audit["write"]> {
    if (this.waiting >= WAITING_MAX) return unavailable("too many audit entries wait to be stored");
    this.waiting++;
    const mine = this.last.then(() => orUnavailable(() => this.store(entry)));
    this.last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.waiting--;
    }
  }

  /** Resolves when every entry that was given to `write` is stored, or was refused. */
  async idle(): Promise<void> {
    await this.last;
  }

  private async store(entry: AuditEntry): ReturnType<Audit["write"]> {
    const { journal, writer } = this.options;
    const subject = auditSubject(writer);
    let reason = "";
    let written = "";
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      if (this.known === undefined) {
        const { known, payload } = await this.read(subject);
        this.known = known;
        // The attempt before this one was stored after all.
        if (written !== "" && payload === written) return { status: "stored" };
      }
      const { head, sequence } = this.known;
      written = linked(head, entry);
      const message = { subject, payload: written, fence: { subject, sequence } };
      const result = await journal.append([message], WRITE_TIMEOUT_MS);
      if (result.status === "stored") {
        this.known = { head: headOf(written)!, sequence: result.lastSequence };
        return { status: "stored" };
      }
      this.known = undefined;
      reason = result.reason;
      if (result.status === "rejected" && !RETRIED.has(result.code)) break;
    }
    return unavailable(`the audit log cannot be written: ${reason}`);
  }

  private async read(subject: string): Promise<{ readonly known: Known; readonly payload: string }> {
    const message = await this.options.journal.readLast(subject);
    if (message === undefined) return { known: { head: START, sequence: 0 }, payload: "" };
    const { payload, sequence } = message;
    const head = headOf(payload);
    // The chain begins anew after a message that is no entry; `audit verify` names that message.
    return { known: { head: head ?? START, sequence }, payload };
  }

  async list({ actor, before, limit, target }: AuditQuery): ReturnType<Audit["list"]> {
    const { journal } = this.options;
    return await orUnavailable(async () => {
      const items: StoredAuditEntry[] = [];
      let at = before === undefined ? (await journal.state()).lastSequence : before - 1;
      const end = Math.max(0, at - READ_MAX);
      while (at > end) {
        const sequences = Array.from({ length: Math.min(READ_TOGETHER, at - end) }, (_, index) => at - index);
        const messages = await Promise.all(sequences.map((sequence) => journal.readAt(sequence)));
        for (const message of messages) {
          const item = message && storedEntry(message);
          const fits =
            item &&
            (actor === undefined || item.actor === actor) &&
            (target === undefined || item.target?.split("/").includes(target) === true);
          if (!fits) continue;
          items.push(item);
          if (items.length === limit) return { status: "found", items, next: afterPage(item.sequence) };
        }
        at -= sequences.length;
      }
      return { status: "found", items, next: afterPage(at + 1) };
    });
  }

  /** Writes the head of this chain into the process's log, now and once a day. @returns ends that */
  witness(clock: Pick<Clock, "after">): () => void {
    let cancel: (() => void) | undefined;
    const run = async (): Promise<void> => {
      cancel = clock.after(DAY_MS, () => void run());
      const { log, writer } = this.options;
      const read = await orUnavailable(() => this.read(auditSubject(writer)));
      if ("known" in read) log.info({ writer, ...read.known.head }, "head of the audit log");
      else log.warn({ writer, reason: read.reason }, "the head of the audit log cannot be read");
    };
    void run();
    return () => cancel?.();
  }
}

/** Another process, or an earlier attempt, has written: the head is read again. */
const RETRIED: ReadonlySet<number> = new Set([ServerCode.wrongLastSequence, ServerCode.subjectInFlight]);

/** The log's first sequence is 1. */
const afterPage = (sequence: number): number | null => (sequence > 1 ? sequence : null);

function storedEntry({ at, payload, sequence, subject }: StoredMessage): StoredAuditEntry | undefined {
  const link = readLink(payload);
  if (link === undefined) return undefined;
  const { n: _, previous: __, ...entry } = link;
  const writer = subject.slice(subject.indexOf(".") + 1);
  return { ...entry, sequence, at: new Date(at).toISOString(), writer };
}
