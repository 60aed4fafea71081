/** The port of the workers: events handed out one by one, until each is acknowledged. */
import type { Subscription } from "./ports.ts";

/** A stored event, handed out to one worker at a time. Settled by `ack` or `retry`, once. */
export type WorkItem = {
  readonly subject: string;
  /** Position in the stream. */
  readonly sequence: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  /** Never comes again. Fire and forget: when it gets lost the item does come again. */
  ack(): void;
  /** Comes again after `delayMs`, here or elsewhere. When this gets lost, after `ackWaitMs`. */
  retry(delayMs: number): void;
};

/** A consumer: the same name is the same consumer on every node. */
export type WorkQueueOptions = {
  /** Name of the consumer, a subject token; all nodes that use it share the items. */
  readonly name: string;
  /** Subjects, `*` allowed. Must never change for a name: the server would skip items. */
  readonly filters: readonly string[];
  /** Items handed out here at the same time. */
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
  readonly item: Pick<WorkItem, "subject" | "sequence" | "headers" | "payload">;
  readonly reason: string;
  readonly attempts: number;
};

/** Headers of a dead letter, beside those of the event. The payload is the event's. */
export const DeadLetterHeader = {
  subject: "Orderly-Dead-Subject",
  sequence: "Orderly-Dead-Sequence",
  reason: "Orderly-Dead-Reason",
  attempts: "Orderly-Dead-Attempts",
} as const;

/** Durable consumers of the order stream, and the stream of dead letters. */
export interface WorkQueue {
  /**
   * Hands out items, each at least once, in no promised order, until stopped. With the stored events of the last
   * weeks when nobody used the name before. An item's place is free again when `onItem` has resolved; it must not
   * reject. Survives reconnects and restarts of the server. `stop` resolves when nothing is handed out any more;
   * items under way may still be settled.
   * @throws Unavailable (retryable); an Error when the name exists with other filters
   */
  consume(options: WorkQueueOptions, onItem: (item: WorkItem) => Promise<void>): Promise<Subscription>;
  /** Stores a dead letter; a repeat for the same worker and item is stored once. @throws Unavailable (retryable) */
  bury(letter: DeadLetter): Promise<void>;
}
