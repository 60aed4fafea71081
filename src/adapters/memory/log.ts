/**
 * One stream of an in-memory server, with the awkward semantics of the real one.
 * Owns: the messages, the duplicate window, what is in flight, the schedules.
 * Does not own: connections, lost requests, delays of the network (server.ts).
 * Invariants
 *   memory.M1. A batch is stored whole, at consecutive sequences, or not at all.
 *   memory.M2. Fences are checked when a batch is proposed. Until it is applied, no other batch may check its subjects.
 * The real server is right wherever the two differ (test/contract).
 */
import { type Clock, type Message, ServerCode, type StoredMessage } from "../../runtime/ports.ts";
import { compileFilters } from "../jetstream/append-rules.ts";

/** The configuration of one stream. */
export type MemoryLogOptions = {
  /** Id of the log at first. */
  readonly id: string;
  readonly clock: Clock;
  /** Subjects that the stream takes. */
  readonly subjects: readonly string[];
  /** Messages kept per subject; the oldest are dropped. */
  readonly history: number;
  /** Life of a message, ms; 0: unlimited. */
  readonly ageMs: number;
  readonly duplicateWindowMs: number;
  /** True: several copies. Then the message id of a single publish is checked first, else last. */
  readonly replicated: boolean;
  /** Time from the check of a batch until a quorum has stored it, ms. */
  readonly replicationMs: () => number;
  /** How much later than its time a schedule fires, ms. */
  readonly latenessMs: () => number;
};

/** The server's answer. `lost`: there is none, because no stream takes one of the subjects. */
export type AppendOutcome =
  | { readonly status: "stored"; readonly lastSequence: number }
  | { readonly status: "refused"; readonly code: number; readonly reason: string }
  | { readonly status: "lost" };

type Kept = StoredMessage & { readonly isSchedule: boolean };

/** Server codes of faults in schedules (nats-server, errors.json). */
const Code = {
  rollupFailed: 10111,
  duplicateInProcess: 10158,
  scheduleTarget: 10190,
  scheduler: 10212,
} as const;

const refuse = (code: number, reason: string): AppendOutcome => ({ status: "refused", code, reason });

/** One stream; see above. */
export class MemoryLog {
  private readonly options: MemoryLogOptions;
  private readonly covers: (subject: string) => boolean;
  /** By sequence - 1; `undefined`: purged or expired. */
  private readonly messages: (Kept | undefined)[] = [];
  /** Sequences of the kept messages of each subject, ascending. */
  private readonly bySubject = new Map<string, number[]>();
  /** Message ids of the window, oldest first; sequence 0: in flight. */
  private readonly ids = new Map<string, { sequence: number; at: number }>();
  /** Subjects written or checked by proposals that are not applied yet, with their number. */
  private readonly inFlight = new Map<string, number>();
  /** Cancels the timer of an armed schedule, by subject. */
  private readonly armed = new Map<string, () => void>();
  private readonly listeners = new Set<() => void>();
  private id: string;
  private createdAt: number;
  /** Index of the oldest message that may still expire. */
  private oldest = 0;
  /** End of the last proposal's replication, so that proposals are applied in order. */
  private appliedAt = 0;

  constructor(options: MemoryLogOptions) {
    this.options = options;
    this.covers = compileFilters(options.subjects);
    this.id = options.id;
    this.createdAt = options.clock.now();
  }

  /** The log's id, and when it was made; see `Journal.state`. */
  get identity(): { readonly id: string; readonly createdAt: number } {
    return { id: this.id, createdAt: this.createdAt };
  }

  /** The log is replaced by an older copy of itself, as when a store is restored: later messages were never stored. */
  goBack(lastSequence: number): void {
    for (const { subject, sequence } of this.messages
      .splice(lastSequence)
      .filter((kept) => kept !== undefined)) {
      const left = this.bySubject.get(subject)?.filter((other) => other !== sequence) ?? [];
      if (left.length > 0) this.bySubject.set(subject, left);
      else this.bySubject.delete(subject);
      this.armed.get(subject)?.();
      this.armed.delete(subject);
    }
    for (const [id, { sequence }] of this.ids) if (sequence > lastSequence) this.ids.delete(id);
    this.oldest = Math.min(this.oldest, lastSequence);
  }

  /** The log is deleted, and an empty one made in its place. */
  replace(id: string): void {
    this.goBack(0);
    this.id = id;
    this.createdAt = this.options.clock.now();
  }

  /** Sequence of the newest message ever stored. */
  get lastSequence(): number {
    return this.messages.length;
  }

  /** Calls the listener whenever a message was stored, until the returned function is called. */
  onStored(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Checks now, stores after the replication, then answers. */
  propose(messages: readonly Message[], answer: (outcome: AppendOutcome) => void): void {
    this.expire();
    if (!messages.every((message) => this.covers(message.subject))) return answer({ status: "lost" });
    const fault = this.check(messages);
    if (fault !== undefined) return answer(fault);
    const now = this.options.clock.monotonic();
    const delayMs = this.options.replicationMs();
    if (delayMs === 0 && this.appliedAt <= now) return answer(this.apply(messages));
    const touched = touchedBy(messages);
    for (const subject of touched) this.inFlight.set(subject, (this.inFlight.get(subject) ?? 0) + 1);
    for (const { messageId } of messages) {
      if (messageId !== undefined) this.ids.set(messageId, { sequence: 0, at: this.options.clock.now() });
    }
    this.appliedAt = Math.max(this.appliedAt, now + delayMs);
    this.options.clock.after(this.appliedAt - now, () => {
      for (const subject of touched) this.release(subject);
      answer(this.apply(messages));
    });
  }

  /** The message at a sequence, if it is kept. */
  at(sequence: number): StoredMessage | undefined {
    return this.messages[sequence - 1];
  }

  /** The last message of a subject as of sequence `upTo`. */
  last(subject: string, upTo = Number.POSITIVE_INFINITY): StoredMessage | undefined {
    this.expire();
    const sequence = this.bySubject.get(subject)?.findLast((candidate) => candidate <= upTo);
    return sequence === undefined ? undefined : this.messages[sequence - 1];
  }

  /** The last message of every subject that matches. */
  lastPerSubject(filter: string, upTo = Number.POSITIVE_INFINITY): StoredMessage[] {
    const matches = compileFilters([filter]);
    const found: StoredMessage[] = [];
    for (const subject of this.bySubject.keys()) {
      const message = matches(subject) ? this.last(subject, upTo) : undefined;
      if (message !== undefined) found.push(message);
    }
    return found;
  }

  /** Every kept message of a subject, in order, as of sequence `upTo`. */
  all(subject: string, upTo = Number.POSITIVE_INFINITY): StoredMessage[] {
    this.expire();
    const sequences = this.bySubject.get(subject) ?? [];
    return sequences.filter((sequence) => sequence <= upTo).map((sequence) => this.messages[sequence - 1]!);
  }

  /** The first message at or after `from` whose subject matches. */
  next(from: number, matches: (subject: string) => boolean): StoredMessage | undefined {
    this.expire();
    for (let i = Math.max(from, 1) - 1; i < this.messages.length; i++) {
      const message = this.messages[i];
      if (message !== undefined && matches(message.subject)) return message;
    }
    return undefined;
  }

  // -- checks, in the order of the server's checkMsgHeadersPreClusteredProposal

  private check(messages: readonly Message[]): AppendOutcome | undefined {
    const batch: Staged = { written: new Map(), checked: new Map(), ids: new Set() };
    // Without copies, the server checks the message id of a single publish last.
    const idLast = messages.length === 1 && !this.options.replicated;
    for (const message of messages) {
      const fault =
        (idLast ? undefined : this.checkId(message, batch)) ??
        this.checkFence(message, batch) ??
        this.checkSchedule(message, batch) ??
        (idLast ? this.checkId(message, batch) : undefined);
      if (fault !== undefined) return fault;
      batch.written.set(message.subject, message.schedule !== undefined);
    }
    return undefined;
  }

  private checkId(message: Message, batch: Staged): AppendOutcome | undefined {
    const id = message.messageId;
    if (id === undefined) return undefined;
    if (batch.ids.has(id)) return refuse(ServerCode.duplicateMessageId, "duplicate id within the batch");
    batch.ids.add(id);
    const known = this.ids.get(id);
    if (known === undefined) return undefined;
    if (known.sequence === 0) return refuse(Code.duplicateInProcess, "duplicate message id is in process");
    return refuse(ServerCode.duplicateMessageId, "message id is stored already");
  }

  private checkFence(message: Message, batch: Staged): AppendOutcome | undefined {
    if (message.fence === undefined) return undefined;
    const { subject, sequence } = message.fence;
    if (batch.written.has(subject) || this.inFlight.has(subject)) {
      return refuse(ServerCode.subjectInFlight, "wrong last sequence");
    }
    const actual = batch.checked.get(subject) ?? this.last(subject)?.sequence ?? 0;
    if (actual !== sequence) {
      return refuse(ServerCode.wrongLastSequence, `wrong last sequence: ${actual}`);
    }
    batch.checked.set(subject, actual);
    return undefined;
  }

  private checkSchedule(message: Message, batch: Staged): AppendOutcome | undefined {
    const { schedule, cancels, subject } = message;
    if (schedule !== undefined && (schedule.target === subject || !this.covers(schedule.target))) {
      return refuse(Code.scheduleTarget, "message schedules target is invalid");
    }
    if (cancels !== undefined) {
      const staged = batch.written.get(cancels);
      const last = this.last(cancels) as Kept | undefined;
      const isSchedule = staged ?? last?.isSchedule ?? true;
      if (cancels === subject || !isSchedule) {
        return refuse(Code.scheduler, "message schedules invalid scheduler");
      }
    }
    if (schedule !== undefined && batch.written.has(subject)) {
      return refuse(Code.rollupFailed, "batch rollup sub invalid");
    }
    return undefined;
  }

  // -- storing

  private apply(messages: readonly Message[]): AppendOutcome {
    for (const message of messages) {
      const sequence = this.store(
        message.subject,
        message.payload,
        message.headers,
        message.schedule !== undefined,
      );
      if (message.messageId !== undefined) {
        this.ids.delete(message.messageId);
        this.ids.set(message.messageId, { sequence, at: this.options.clock.now() });
      }
      if (message.schedule !== undefined) this.arm(message, message.schedule);
      if (message.cancels !== undefined) this.purge(message.cancels);
    }
    const outcome: AppendOutcome = { status: "stored", lastSequence: this.lastSequence };
    for (const listener of this.listeners) listener();
    return outcome;
  }

  private store(subject: string, payload: string, headers: Message["headers"], isSchedule: boolean): number {
    const sequence = this.messages.length + 1;
    // Arming replaces every message of its own subject (a rollup).
    if (isSchedule) this.purge(subject);
    const at = this.options.clock.now();
    this.messages.push({ subject, sequence, at, headers: { ...headers }, payload, isSchedule });
    const sequences = this.bySubject.get(subject) ?? [];
    if (sequences.length === 0) this.bySubject.set(subject, sequences);
    sequences.push(sequence);
    while (sequences.length > this.options.history) this.messages[sequences.shift()! - 1] = undefined;
    return sequence;
  }

  private arm(message: Message, schedule: { readonly at: number; readonly target: string }): void {
    const { subject, payload, headers } = message;
    const waitMs = Math.max(0, schedule.at - this.options.clock.now()) + this.options.latenessMs();
    this.armed.set(
      subject,
      this.options.clock.after(waitMs, () => {
        // Stored without message id and fence, and no subscription receives it.
        this.armed.delete(subject);
        this.purge(subject);
        this.store(schedule.target, payload, headers, false);
        for (const listener of this.listeners) listener();
      }),
    );
  }

  private purge(subject: string): void {
    this.armed.get(subject)?.();
    this.armed.delete(subject);
    for (const sequence of this.bySubject.get(subject) ?? []) this.messages[sequence - 1] = undefined;
    this.bySubject.delete(subject);
  }

  private expire(): void {
    const now = this.options.clock.now();
    for (const [id, { sequence, at }] of this.ids) {
      if (sequence !== 0 && at + this.options.duplicateWindowMs > now) break;
      if (sequence !== 0) this.ids.delete(id);
    }
    if (this.options.ageMs === 0) return;
    for (; this.oldest < this.messages.length; this.oldest++) {
      const message = this.messages[this.oldest];
      if (message === undefined) continue;
      if (message.at + this.options.ageMs > now) return;
      this.messages[this.oldest] = undefined;
      const left = this.bySubject.get(message.subject)!.filter((sequence) => sequence !== message.sequence);
      if (left.length > 0) this.bySubject.set(message.subject, left);
      else this.bySubject.delete(message.subject);
    }
  }

  private release(subject: string): void {
    const left = (this.inFlight.get(subject) ?? 1) - 1;
    if (left > 0) this.inFlight.set(subject, left);
    else this.inFlight.delete(subject);
  }
}

/** What earlier messages of the same batch wrote (and whether as a schedule) and checked. */
type Staged = {
  readonly written: Map<string, boolean>;
  readonly checked: Map<string, number>;
  readonly ids: Set<string>;
};

function touchedBy(messages: readonly Message[]): Set<string> {
  const subjects = new Set<string>();
  for (const { subject, fence } of messages) {
    subjects.add(subject);
    if (fence !== undefined) subjects.add(fence.subject);
  }
  return subjects;
}
