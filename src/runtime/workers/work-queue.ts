/** The port of the workers: events handed out one by one, until each is acknowledged. */
import type { Subscription } from "../ports.ts";

/** A stored event, handed out to one worker at a time. Settled by `ack` or `retry`, once. */
export type WorkItem = {
  readonly subject: string;
  /** Position in its stream; the partition in `subject` tells which stream that is. */
  readonly sequence: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  /** Set when an operator has asked for it again: sequence of its dead letter, which is gone. */
  readonly replayOf?: number;
  /** Never comes again. Fire and forget: when it gets lost the item does come again. */
  ack(): void;
  /** Comes again after `delayMs`, here or elsewhere. When this gets lost, after `ackWaitMs`. */
  retry(delayMs: number): void;
};

/** A consumer: the same name with the same filters is the same consumer on every node. */
export type WorkQueueOptions = {
  /** Name of the consumer, a subject token; all nodes that use it share the items. */
  readonly name: string;
  /**
   * Subjects, `*` allowed. With others than before the items go on behind what was settled under the name; some that
   * were handed out come again.
   */
  readonly filters: readonly string[];
  /** Items of all streams handed out here at the same time; at least one for each stream. */
  readonly maxInFlight: number;
  /** An item that is not settled for this long comes again. */
  readonly ackWaitMs: number;
};

/** What a worker gave up on, as it was, and why. */
export type DeadLetter = {
  readonly worker: string;
  readonly partition: string;
  /** The order, or what else the event is about; any text. */
  readonly about: string;
  readonly item: Pick<WorkItem, "subject" | "sequence" | "headers" | "payload" | "replayOf">;
  readonly reason: string;
  readonly attempts: number;
};

/** Headers of a dead letter, beside those of the event. The payload is the event's. */
export const DeadLetterHeader = {
  subject: "Orderly-Dead-Subject",
  sequence: "Orderly-Dead-Sequence",
  reason: "Orderly-Dead-Reason",
  attempts: "Orderly-Dead-Attempts",
  /** On a replay only: sequence of the letter. */
  replayOf: "Orderly-Dead-Replay-Of",
} as const;

/** A dead letter as it is stored. */
export type StoredDeadLetter = {
  /** Position in the stream of dead letters. */
  readonly sequence: number;
  readonly worker: string;
  /** Id and type of the event; empty when it was no event. */
  readonly eventId: string;
  readonly type: string;
  /** What the event is about: the order's id; empty when it was no event. */
  readonly subject: string;
  readonly reason: string;
  readonly attempts: number;
  /** When it was given up, ms since the epoch. */
  readonly at: number;
};

/** What workers gave up on, for operators. */
export interface DeadLetters {
  /** Oldest first. @param after sequence of the last one of the page before, 0 for the first page. @throws Unavailable */
  list(limit: number, after: number): Promise<readonly StoredDeadLetter[]>;
  /**
   * Gives the event to its worker again, with its attempts counted anew, and takes the letter off the list. A repeat
   * does nothing more. @throws Unavailable (retryable: with the same sequence)
   */
  replay(sequence: number): Promise<"replayed" | "not_found">;
}

/** Durable consumers of the order streams, and the stream of dead letters. */
export interface WorkQueue {
  /**
   * Hands out items, each at least once, in no promised order, until stopped. With the stored events of the last
   * weeks when nobody used the name before. An item's place is free again when `onItem` has resolved; it must not
   * reject. Hands out replays of dead letters as well, a few at a time beside the others. Survives reconnects and restarts of the server. `stop` resolves when nothing is handed out any more;
   * items under way may still be settled.
   * @throws Unavailable (retryable)
   */
  consume(options: WorkQueueOptions, onItem: (item: WorkItem) => Promise<void>): Promise<Subscription>;
  /** Stores a dead letter; a repeat for the same worker and item is stored once. @throws Unavailable (retryable) */
  bury(letter: DeadLetter): Promise<void>;
}
