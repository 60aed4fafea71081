/**
 * Everything the runtime needs from the outside, and nothing more. The runtime above these ports is free of
 * clocks, randomness and sockets, so the same code runs on NATS and in one thread of memory.
 *
 * Adapters: src/adapters/nats, memory and local. One contract suite (test/contract) runs on all.
 */

/** Expects the last message of `subject` in the stream to have `sequence`; 0 means: no message yet. */
export type Fence = { readonly subject: string; readonly sequence: number };

/** One message for the stream. */
export type Message = {
  readonly subject: string;
  readonly payload: string;
  /** Header names are case-sensitive. `Nats-*` headers belong to the adapter, never to a caller. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Checked by the server when the message is stored; the whole batch is refused when it does not hold. */
  readonly fence?: Fence;
  /** Server-side deduplication within the stream's duplicate window (2 minutes by default). */
  readonly messageId?: string;
  /** Makes this message a schedule: at `at` (ms since the epoch) the payload is stored under `target`. */
  readonly schedule?: { readonly at: number; readonly target: string };
  /** Cancels the schedule stored under this subject. It comes before any arming in the same batch. */
  readonly cancels?: string;
};

/** A message as the server has stored it. */
export type StoredMessage = {
  readonly subject: string;
  /** Position in the stream, 1 or more. */
  readonly sequence: number;
  /** Server time of storing, ms since the epoch. */
  readonly at: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
};

/** Error codes of the server that the runtime distinguishes (nats-server, errors.json). */
export const ServerCode = {
  /** Wrong last sequence: fenced, or our own earlier attempt did get through. Read back. */
  wrongLastSequence: 10071,
  /** A write to, or a check of, that subject is in flight. Retry. */
  subjectInFlight: 10164,
  /** The batch holds a message id that is stored already. Read back. */
  duplicateMessageId: 10201,
} as const;

/** What became of one attempt to store messages. */
export type AppendResult =
  /** All messages are stored, at consecutive sequences that end with `lastSequence`. */
  | { readonly status: "stored"; readonly lastSequence: number }
  /** The server refused: nothing of **this attempt** is stored. An earlier unanswered attempt may be. */
  | { readonly status: "rejected"; readonly code: number; readonly reason: string }
  /** No answer: the messages may be stored, now or later. Only the answer to a repeat decides it. */
  | {
      readonly status: "unanswered";
      readonly reason: string;
      /** There was an answer: the server has no room for messages now. Repeat until it has. */
      readonly noRoom?: boolean;
    };

/** Something that goes on until it is stopped. `stop` may be called more than once. */
export type Subscription = { stop(): Promise<void> };

/** The last messages of some subjects, all as of one point of the log. */
export type Reading = {
  /** By subject; a subject without messages is not there. */
  readonly last: ReadonlyMap<string, StoredMessage>;
  /** That point: the sequence of the log's last message then. 0 when nothing was found: there is no proof. */
  readonly through: number;
};

/** Which log a stream holds now, and how far it reaches. */
export type LogState = {
  /** Random, made with the log. `undefined`: unknown, the log has none yet. */
  readonly id: string | undefined;
  /** Server time at which the stream was made, ms since the epoch. */
  readonly createdAt: number;
  /** Sequence of the newest message ever stored, and the server's time of storing it, ms since the epoch. */
  readonly lastSequence: number;
  readonly lastAt: number;
};

/** The stream: locks, records, events, inboxes and timers in one log. */
export interface Journal {
  /**
   * Stores all messages or none: one message as one publish, more as one atomic batch (at most 1000).
   * Never throws for what the server or the network answers. At most one batch in flight per caller.
   */
  append(messages: readonly Message[], timeoutMs: number): Promise<AppendResult>;
  /**
   * The last message of one literal subject, read from the stream's leader. `undefined` when there is none.
   * May still be stale while leadership changes: decide only from fenced writes.
   * @throws Unavailable (retryable)
   */
  readLast(subject: string): Promise<StoredMessage | undefined>;
  /**
   * The last messages of subjects, 1 to 1000, `*` allowed, as of a point of the log that is at `through` or after it.
   * Read from any replica, and proven: no message at or below that point is missed. At least one of the subjects must
   * have a message, or there is no proof.
   * @param upTo reads the log as it was at this sequence, which the log must have reached; newer messages do not count
   * @throws Unavailable (retryable); ReplicaLagging when the replica that answers is not that far yet
   */
  readLastTogether(subjects: readonly string[], through: number, upTo?: number): Promise<Reading>;
  /**
   * The last message of every subject that matches `filter`, in no order. With `through`, no subject is missing that
   * had a message at or below that sequence; a message may be older than that nevertheless.
   * @throws Unavailable (retryable); ReplicaLagging when the server that answers is not that far yet
   */
  readLastPerSubject(filter: string, through?: number): Promise<StoredMessage[]>;
  /**
   * What the clock of the stream's leader shows now, ms since the epoch: schedules fire by it. Answered or not within a
   * second. @throws Unavailable (retryable)
   */
  time(): Promise<number>;
  /**
   * Which log this is and how far it reaches, by the stream's leader. A leader that was elected a moment ago may not
   * have come as far as an earlier answer yet.
   * @throws Unavailable (retryable)
   */
  state(): Promise<LogState>;
  /**
   * The message at a sequence, by the stream's leader; `undefined`: it was removed, or the leader has not come so far.
   * @throws Unavailable (retryable)
   */
  readAt(sequence: number): Promise<StoredMessage | undefined>;
  /** All messages of one literal subject, oldest first. @throws Unavailable (retryable) */
  readAll(subject: string): Promise<StoredMessage[]>;
  /**
   * Delivers, in stream order and without gaps, every message that matches one of the filters from
   * `fromSequence` on (1 = from the start), then keeps following. `onMessage` is awaited before the next
   * delivery. Survives reconnects. A schedule that fires shows up under its target.
   */
  consume(
    options: { readonly filters: readonly string[]; readonly fromSequence: number },
    onMessage: (message: StoredMessage) => void | Promise<void>,
  ): Promise<Subscription>;
}

/** An entry of a bucket; `revision` is its sequence. */
export type BucketEntry = {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  /** Server time of storing, ms since the epoch. */
  readonly at: number;
};

/** What became of a compare-and-set. */
export type CasResult =
  | { readonly status: "stored"; readonly revision: number }
  | { readonly status: "conflict" }
  | { readonly status: "unanswered"; readonly reason: string };

/** A small KV bucket with history 1 (NODES, FLOORS, PROCESSED ...). Keys: letters, digits, `-`, `_`, `.`, `=`. */
export interface Bucket {
  /** The newest entry; `undefined` when absent, deleted or expired. @throws Unavailable (retryable) */
  get(key: string): Promise<BucketEntry | undefined>;
  /** Unconditional write. @throws Unavailable (retryable) */
  put(key: string, value: string): Promise<number>;
  /** Compare-and-set. `revision` 0 creates: also right after a delete or an expiry. */
  update(key: string, value: string, revision: number): Promise<CasResult>;
  /**
   * Deletes the entry; with `revision`, only while that is the newest one, and else nothing happens.
   * @throws Unavailable (retryable)
   */
  delete(key: string, revision?: number): Promise<void>;
  /** Every present key. @throws Unavailable (retryable) */
  keys(): Promise<string[]>;
  /**
   * Calls back with every present entry, then with every change; `value: undefined` = deleted. Expiry by
   * the bucket's age is **not** reported. Resolves when the present entries have been delivered.
   */
  watch(
    onChange: (change: { key: string; value: string | undefined; revision: number }) => void,
  ): Promise<Subscription>;
}

/** A small bucket that people look through: read in the order of its writes. Old entries may be dropped by a bound. */
export interface Register extends Pick<Bucket, "get" | "update"> {
  /**
   * Up to `limit` present entries with a revision above `after` (0: all), oldest first.
   * @throws Unavailable (retryable)
   */
  list(after: number, limit: number): Promise<BucketEntry[]>;
}

/** What became of a request between nodes. */
export type BusAnswer =
  | { readonly status: "answered"; readonly payload: string }
  /** No node serves the subject right now: the request was certainly not received. */
  | { readonly status: "no_responders" }
  /** Time ran out or the connection broke: the request may have been received. */
  | { readonly status: "unanswered"; readonly reason: string };

/** Request / reply between nodes, outside the stream. */
export interface Bus {
  request(subject: string, payload: string, timeoutMs: number): Promise<BusAnswer>;
  /**
   * Serves a literal subject. A handler that rejects is a programmer fault. `stop` resolves when every request
   * that this connection's server had by then has been handed to the handler; one in flight between servers is lost.
   */
  serve(subject: string, handler: (payload: string) => Promise<string>): Promise<Subscription>;
  /** Ends once the server knows of every subscription made so far. @throws Unavailable */
  flush(): Promise<void>;
  connected(): boolean;
  onConnectionChange(listener: (connected: boolean) => void): void;
}

/** One row of the outbox: one write set as it will be published, without its fences. */
export type OutboxRow = {
  /** Commit id; unique among the rows. */
  readonly commit: string;
  readonly messages: readonly { readonly subject: string; readonly payload: string }[];
};

/** The node's local store. Synchronous: one file, one writer, transactions of well under a millisecond. */
export interface Outbox {
  /** One transaction: all rows or none. @throws StoreUnavailable (disk full, locked; retryable) */
  write(rows: readonly OutboxRow[]): void;
  /** Deletes rows whose fate is known; unknown ids are no fault. One transaction. @throws StoreUnavailable */
  remove(commits: readonly string[]): void;
  /** Commit ids of the rows of an earlier run, in insertion order. They are dropped, never published (ADR 1). */
  leftover(): string[];
  /** Number of rows waiting. */
  depth(): number;
  close(): void;
}

/** Time. The only source of it above the ports. */
export interface Clock {
  /**
   * ms since the epoch, for what is stored, compared with another process, or outlives this one; never for leases. The
   * runtime's is the server's time (cluster/server-clock.ts), a process's own what its machine shows.
   */
  now(): number;
  /** Monotonic ms. For leases and time limits. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the answer cancels it. Timers never keep a process alive. */
  after(delayMs: number, run: () => void): () => void;
  /** Resolves after `delayMs`. Like `after`, it never keeps a process alive. */
  sleep(delayMs: number): Promise<void>;
  /** Calls `run` soon, after the I/O callbacks that are ready now (setImmediate). */
  soon(run: () => void): void;
}

/** Fresh ids. The only source of randomness above the ports. */
export interface Ids {
  /** A fresh, unguessable, URL- and subject-safe token of at least 96 bits. */
  next(): string;
}

/** Structured log: message last, fields first, as pino has it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** The server, or a quorum of it, does not answer. Retryable; says nothing about what was stored. */
export class Unavailable extends Error {
  override readonly name: string = "Unavailable";
}

/** A replica has not come as far as a reading has to reach. Retryable, soon: it catches up, or another one answers. */
export class ReplicaLagging extends Unavailable {
  override readonly name = "ReplicaLagging";
}

/** The local store cannot be written (full, locked, read-only). Retryable; nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}
