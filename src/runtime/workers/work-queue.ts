/** The port of the workers: delivers events one by one, each until it is acknowledged. */
import type { Asked } from "../actor/input.ts";
import type { Subscription } from "../ports.ts";

/** A stored event, delivered to one worker at a time. The worker calls `ack` or `retry`, once. */
export type WorkItem = {
  readonly subject: string;
  /** Sequence in its stream; the partition in `subject` determines the stream. */
  readonly sequence: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  /** When the server stored it, ms since the epoch; of a replay: when the operator replayed it. */
  readonly at: number;
  /** Set when an operator has replayed it: the sequence of its dead letter, which no longer exists. */
  readonly replayOf?: number;
  /** Acknowledges the item: it is not delivered again. Fire and forget: if the acknowledgement is lost, it is. */
  ack(): void;
  /** Requests another delivery after `delayMs`, to any node. If the request is lost, after `ackWaitMs`. */
  retry(delayMs: number): void;
};

/** A consumer: the same name with the same filters is the same consumer on every node. */
export type WorkQueueOptions = {
  /** Name of the consumer, a subject token; all nodes with this name share the items. */
  readonly name: string;
  /**
   * Subjects, `*` allowed. With other filters than before, delivery continues after what was acknowledged under the
   * name; some items that were already delivered are delivered again.
   */
  readonly filters: readonly string[];
  /** Items of all streams delivered here at the same time; at least one for each stream. */
  readonly maxInFlight: number;
  /** An item without `ack` or `retry` for this time, ms, is delivered again. */
  readonly ackWaitMs: number;
};

/** Why an item became a dead letter. Of the last two, the work may have been done before, and nothing shows it. */
export const deadLetterKinds = [
  /** Its work failed too often, or refused it. */
  "failed",
  "not_an_event",
  /** It is older than the marks live. */
  "too_old",
  /** Its mark is there and cannot be read. */
  "unreadable_mark",
] as const;

/** See {@link deadLetterKinds}. */
export type DeadLetterKind = (typeof deadLetterKinds)[number];

/** An item that a worker does not work on any more, unchanged, with the reason. */
export type DeadLetter = {
  readonly kind: DeadLetterKind;
  readonly worker: string;
  readonly partition: string;
  /** The id of the order, or another text that names the item. */
  readonly about: string;
  readonly item: Pick<WorkItem, "subject" | "sequence" | "headers" | "payload" | "replayOf">;
  readonly reason: string;
  readonly attempts: number;
};

/** Headers of a dead letter, in addition to the headers of the event. The payload is the payload of the event. */
export const DeadLetterHeader = {
  subject: "Orderly-Dead-Subject",
  sequence: "Orderly-Dead-Sequence",
  reason: "Orderly-Dead-Reason",
  attempts: "Orderly-Dead-Attempts",
  kind: "Orderly-Dead-Kind",
  /** On a replay only: sequence of the dead letter. */
  replayOf: "Orderly-Dead-Replay-Of",
  /** On a decision only: `replayed` or `discarded`. */
  closed: "Orderly-Dead-Closed",
  /** On a decision only: when the dead letter was stored, ms since the epoch. */
  at: "Orderly-Dead-At",
  /** On a decision only: who asked for it, and why; JSON, percent-encoded. */
  asked: "Orderly-Dead-Asked",
} as const;

/** A dead letter as it is stored. */
export type StoredDeadLetter = {
  /** Position in the stream of dead letters. */
  readonly sequence: number;
  readonly worker: string;
  /** Id and type of the event; empty when the item was no event. */
  readonly eventId: string;
  readonly type: string;
  /** The id of the order that the event is about; empty when the item was no event. */
  readonly subject: string;
  /** `failed` also where a version before wrote none. */
  readonly kind: DeadLetterKind;
  readonly reason: string;
  /** 0: it was never worked on. */
  readonly attempts: number;
  /** When it was stored, ms since the epoch. */
  readonly at: number;
};

/** A dead letter, also after it was closed. `closed.at`: ms since the epoch; who and why: of a discarded one. */
export type StoredDeadLetterState = StoredDeadLetter & {
  readonly closed?: Asked & { readonly status: "replayed" | "discarded"; readonly at: number };
};

/** The dead letters of all workers, for operators. */
export interface DeadLetters {
  /** One dead letter; `undefined` when there was none at this sequence. @throws Unavailable (retryable) */
  read(sequence: number): Promise<StoredDeadLetterState | undefined>;
  /**
   * Removes the dead letter from the list; its worker never gets the event. A repeated call has no further effect, and
   * neither has one after a replay.
   * @throws Unavailable (retryable with the same sequence)
   */
  discard(sequence: number, asked: Asked): Promise<"replayed" | "discarded" | "not_found">;
  /**
   * Lists dead letters, oldest first.
   * @param after sequence of the last one of the previous page, 0 for the first page
   * @throws Unavailable (retryable)
   */
  list(limit: number, after: number): Promise<readonly StoredDeadLetter[]>;
  /**
   * Delivers the event to its worker again, with a new count of attempts, and removes the dead letter from the list. A
   * repeated call has no further effect, and neither has one after a discard.
   * @throws Unavailable (retryable with the same sequence)
   */
  replay(sequence: number): Promise<"replayed" | "discarded" | "not_found">;
}

/** What waits for one worker, all nodes together. */
export type Backlog = {
  /** Items that are delivered to no node yet, or not acknowledged; replays of dead letters included. */
  readonly items: number;
  /** When the server stored the oldest of them, ms since the epoch; `undefined` when there is none. */
  readonly oldestAt: number | undefined;
  /** Dead letters that are not replayed. */
  readonly deadLetters: number;
};

/** Durable consumers of the order streams, and the stream of dead letters. */
export interface WorkQueue {
  /**
   * Delivers items, each at least once and in no promised order, until stopped. A new name starts with the stored
   * events of the last weeks. An item occupies its place until `onItem` has resolved; `onItem` must not reject. Replays
   * of dead letters are delivered as well, a few at a time beside the others. Delivery survives reconnects and restarts
   * of the server. `stop` resolves when no more items are delivered; items in progress may still call `ack` or `retry`.
   * @throws Unavailable (retryable)
   */
  consume(options: WorkQueueOptions, onItem: (item: WorkItem) => Promise<void>): Promise<Subscription>;
  /** Counts what waits for the worker with these options. @throws Unavailable (retryable) */
  backlog(options: Pick<WorkQueueOptions, "name" | "filters">): Promise<Backlog>;
  /** Stores a dead letter; repeats for the same worker and item are stored once. @throws Unavailable (retryable) */
  bury(letter: DeadLetter): Promise<void>;
}
