/**
 * Whether the streams still hold the log that this process has read: a restored, swapped or truncated one does not fit
 * what the process remembers (heads, stock, consumers, checkpoints), so the node must end and begin anew.
 * Owns: what was seen of each log.  Does not own: what ends (the node), checkpoints.
 * Invariants
 *   log-watch.L1. A log counts as lost only on a proof: another id or time of creation, another message at a sequence
 *       that was seen, or a message of this node that was stored below what was seen. A leader that answers with an
 *       older state than before proves nothing.
 *   log-watch.L2. After an interruption of the connection, nothing is appended until the log was checked.
 *   log-watch.L3. Once a log counts as lost, nothing is appended any more.
 * Proved by: test/unit/runtime/cluster/log-watch.test.ts, test/unit/runtime/log-lost.test.ts,
 *   test/fault/log-swapped.test.ts
 * A crash leaves nothing: the next process takes the log as it finds it.
 */
import {
  type AppendResult,
  type Clock,
  type Journal,
  type Log,
  type LogState,
  type Message,
  Unavailable,
} from "../ports.ts";
import type { Subjects } from "../subjects.ts";

/** A message that was seen in a log: its sequence, and the server's time of storing, ms since the epoch. */
export type LogMark = { readonly sequence: number; readonly at: number };

/** By what a later reader recognizes the log that an entry is about. */
export type LogStamp = { readonly log?: string; readonly mark?: LogMark };

/** The history of one log, for entries that are kept outside of it. */
export type LogHistory = {
  /** What the log is now. */
  stamp(): LogStamp;
  /** Why an entry with this stamp is about another log; `undefined`: it may be about this one. @throws Unavailable */
  contradicts(stamp: LogStamp): Promise<string | undefined>;
};

/** What the watch needs from its node. */
export type LogWatchOptions = {
  readonly subjects: Pick<Subjects, "stream" | "fence">;
  /** Of every stream, by its number. */
  readonly journals: readonly Journal[];
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two checks of a log, ms. */
  readonly checkMs: number;
  readonly commitTimeoutMs: number;
  /** A log is lost, with the reason for operators. Called once. */
  readonly onLost: (reason: string) => void;
};

type Watched = {
  readonly name: string;
  readonly journal: Journal;
  /** A fence mark of one of its partitions: carries the probe. */
  readonly probe: Message;
  /** As first seen, except the sequence: the greatest that was seen. */
  seen: LogState | undefined;
  /** A message that was the newest one when it was seen. */
  mark: LogMark | undefined;
  /** Waits for the next check that succeeds; `undefined`: the log was checked since the connection was last lost. */
  unchecked: PromiseWithResolvers<void> | undefined;
  /** How often the connection was lost or came back: a check from before it proves nothing after it. */
  interruptions: number;
  checking: boolean;
};

const REMEDY =
  "this node ends, since its memory and its consumers belong to the log before; " +
  "restart the nodes after the log is complete again (docs/limits.md, The log)";

/** See the top of the file. */
export class LogWatch {
  private readonly options: LogWatchOptions;
  private readonly logs: readonly Watched[];
  private reason: string | undefined;
  private cancel: () => void = () => {};
  private stopped = false;

  constructor(options: LogWatchOptions) {
    this.options = options;
    this.logs = options.journals.map((journal, stream) => ({
      name: options.subjects.stream(stream),
      journal,
      // Partition n is in stream n (layout.ts).
      probe: { subject: options.subjects.fence(`partition.${stream}`), payload: "" },
      seen: undefined,
      mark: undefined,
      unchecked: undefined,
      interruptions: 0,
      checking: false,
    }));
  }

  /** Takes the logs as they are, and watches them from now on. @throws Unavailable (retryable) */
  async start(): Promise<void> {
    for (const log of this.logs) {
      const state = await log.journal.state();
      this.saw(log, state);
    }
    this.tick();
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** Why this process can do nothing more; `undefined` while the logs are those that it has read. */
  lost(): string | undefined {
    return this.reason;
  }

  /** The connection was lost, or is there again: L2 holds from here on. */
  interrupted(connected: boolean): void {
    for (const log of this.logs) {
      log.unchecked ??= Promise.withResolvers();
      log.interruptions++;
      if (connected) void this.check(log);
    }
  }

  /** The journals for writers: they append nothing while L2 or L3 forbid it. */
  guarded(): Journal[] {
    return this.logs.map((log) => ({
      ...log.journal,
      append: (messages, timeoutMs) =>
        log.unchecked === undefined && this.reason === undefined
          ? log.journal.append(messages, timeoutMs)
          : this.appendChecked(log, messages, timeoutMs),
    }));
  }

  /** What entries about a stream are compared with. */
  history(stream: number): LogHistory {
    const log = this.logs[stream]!;
    return {
      stamp: () => {
        const id = log.seen?.id;
        return { ...(id === undefined ? {} : { log: id }), ...(log.mark ? { mark: log.mark } : {}) };
      },
      contradicts: ({ log: id, mark }) => this.contradicts(log, id, mark),
    };
  }

  private async contradicts(log: Watched, id: string | undefined, mark: LogMark | undefined) {
    const own = log.seen?.id;
    if (id !== undefined && own !== undefined && id !== own) return `it is about the log ${id}, not ${own}`;
    if (mark === undefined) return undefined;
    const found = await log.journal.readAt(mark.sequence);
    // Absent: removed like any message that is replaced, so that it proves nothing.
    return found === undefined || found.at === mark.at
      ? undefined
      : `the message ${mark.sequence} of the log is not the one that it was written after`;
  }

  private async appendChecked(
    log: Watched,
    messages: readonly Message[],
    timeoutMs: number,
  ): Promise<AppendResult> {
    const { clock } = this.options;
    const begun = clock.monotonic();
    await Promise.race([log.unchecked?.promise, clock.sleep(timeoutMs)]);
    const leftMs = timeoutMs - (clock.monotonic() - begun);
    const reason = this.reason ?? "the log was not checked after the interruption yet";
    if (this.reason !== undefined || log.unchecked !== undefined || leftMs <= 0)
      return { status: "unanswered", reason };
    return await log.journal.append(messages, leftMs);
  }

  private tick(): void {
    this.cancel = this.options.clock.after(this.options.checkMs, () => {
      for (const log of this.logs) void this.check(log);
      if (!this.stopped) this.tick();
    });
  }

  /** One check at a time; one that fails is repeated at the next. */
  private async check(log: Watched): Promise<void> {
    if (log.checking || this.stopped || this.reason !== undefined) return;
    log.checking = true;
    const { interruptions } = log;
    try {
      const fault = await this.faultOf(log);
      if (fault !== undefined) this.lose(log, fault);
      else if (log.interruptions === interruptions) {
        log.unchecked?.resolve();
        log.unchecked = undefined;
      }
    } catch (error) {
      this.options.log.debug({ err: error, log: log.name }, "the log could not be checked; it is again soon");
    } finally {
      log.checking = false;
    }
    // The connection came back meanwhile: the answer may be from before.
    if (log.interruptions !== interruptions) await this.check(log);
  }

  private lose(log: Watched, fault: string): void {
    if (this.reason !== undefined || this.stopped) return;
    this.reason = `the log ${log.name} ${fault}: ${REMEDY}`;
    this.stop();
    for (const { unchecked } of this.logs) unchecked?.resolve();
    this.options.log.error({ log: log.name }, this.reason);
    this.options.onLost(this.reason);
  }

  /** @throws Unavailable */
  private async faultOf(log: Watched): Promise<string | undefined> {
    const state = await log.journal.state();
    const { seen, mark } = log;
    if (seen === undefined) return undefined;
    if (seen.id !== undefined && state.id !== undefined && seen.id !== state.id)
      return `is another one: its id was ${seen.id} and is ${state.id}`;
    if (seen.createdAt !== state.createdAt)
      return `is another one: it was made at ${iso(seen.createdAt)}, now at ${iso(state.createdAt)}`;
    if (state.lastSequence < seen.lastSequence) {
      const last = await this.probed(log);
      if (last <= seen.lastSequence) return `went back from ${seen.lastSequence} to ${state.lastSequence}`;
    }
    const found = mark && (await log.journal.readAt(mark.sequence));
    if (found !== undefined && found.at !== mark?.at)
      return `went back below ${mark?.sequence} and has grown again to ${state.lastSequence}`;
    this.saw(log, state);
    return undefined;
  }

  /** Sequence of a message that is stored now: after everything that is committed. @throws Unavailable */
  private async probed(log: Watched): Promise<number> {
    const result = await log.journal.append([log.probe], this.options.commitTimeoutMs);
    if (result.status !== "stored") throw new Unavailable(`probe of the log: ${result.reason}`);
    return result.lastSequence;
  }

  private saw(log: Watched, state: LogState): void {
    const lastSequence = Math.max(state.lastSequence, log.seen?.lastSequence ?? 0);
    // An id that is given to the log of version 0.1.0 is learned.
    log.seen = { ...(log.seen ?? state), id: log.seen?.id ?? state.id, lastSequence };
    if (state.lastSequence === lastSequence && lastSequence > 0)
      log.mark = { sequence: lastSequence, at: state.lastAt };
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
