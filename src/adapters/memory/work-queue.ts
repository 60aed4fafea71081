/**
 * Work queues in memory, for tests and the simulator. Items come from a journal. All nodes of the process share them by
 * the queue's name. An item that is not acknowledged in time comes again.
 * Owns: which items are not acknowledged.  Does not own: the journal, time.
 */
import type { Clock, Journal, StoredMessage } from "../../runtime/ports.ts";
import { token } from "../../runtime/subjects.ts";
import type { MemoryLink } from "./link.ts";
import type { DeadLetter, WorkItem, WorkQueue, WorkQueueOptions } from "../../runtime/workers/work-queue.ts";

type Member = {
  readonly connection: Connection;
  readonly options: WorkQueueOptions;
  readonly onItem: (item: WorkItem) => Promise<void>;
  underWay: number;
};

/** What a queue knows of a node's connection. */
type Connection = Pick<MemoryLink, "sends" | "hears" | "onChange">;

const connected: Connection = { sends: () => true, hears: () => true, onChange: () => () => false };

type Consumer = {
  readonly waiting: StoredMessage[];
  readonly members: Member[];
  /** By message: when it was stored. */
  readonly unacknowledged: Map<StoredMessage, number>;
};

/** The queues and the dead letters that the nodes of one process share. */
export class MemoryWorkQueues {
  private readonly journals: readonly Journal[];
  private readonly clock: Clock;
  private readonly losesAnswer: () => boolean;
  private readonly consumers = new Map<string, Promise<Consumer>>();
  private readonly deadLetters = new Map<string, DeadLetter>();

  /**
   * @param journals of all streams
   * @param losesAnswer whether the server misses this acknowledgement: the item comes again
   */
  constructor(
    journals: Journal | readonly Journal[],
    clock: Clock,
    losesAnswer: () => boolean = () => false,
  ) {
    this.journals = [journals].flat();
    this.clock = clock;
    this.losesAnswer = losesAnswer;
  }

  /** Dead letters, in the order in which they were buried; one per worker, partition, item and `about`. */
  get dead(): readonly DeadLetter[] {
    return [...this.deadLetters.values()];
  }

  /** The queue of one node. @param connection it gets items while it hears, and is heard while it sends */
  queue(connection: Connection = connected): WorkQueue {
    return {
      consume: async (options, onItem) => {
        const consumer = await this.consumer(options);
        const member: Member = { connection, options, onItem, underWay: 0 };
        consumer.members.push(member);
        this.handOut(consumer);
        const forget = connection.onChange(() => this.handOut(consumer));
        return {
          stop: async () => {
            forget();
            const place = consumer.members.indexOf(member);
            if (place !== -1) consumer.members.splice(place, 1);
          },
        };
      },
      backlog: async (options) => {
        const { unacknowledged } = await this.consumer(options);
        const ages = [...unacknowledged.values()];
        return {
          items: ages.length,
          oldestAt: ages.length === 0 ? undefined : Math.min(...ages),
          deadLetters: this.dead.filter(({ worker }) => worker === options.name).length,
        };
      },
      bury: async (letter) => {
        const key = `${letter.worker}.${letter.partition}.${letter.item.sequence}.${token(letter.about)}`;
        if (!this.deadLetters.has(key)) this.deadLetters.set(key, letter);
      },
    };
  }

  private consumer(options: Pick<WorkQueueOptions, "name" | "filters">): Promise<Consumer> {
    const key = `${options.name} ${options.filters.toSorted().join()}`;
    let consumer = this.consumers.get(key);
    if (consumer === undefined) {
      consumer = this.make(options);
      this.consumers.set(key, consumer);
    }
    return consumer;
  }

  /** A consumer outlives its members, as on a real server. */
  private async make(options: Pick<WorkQueueOptions, "filters">): Promise<Consumer> {
    const consumer: Consumer = { waiting: [], members: [], unacknowledged: new Map() };
    for (const journal of this.journals) {
      await journal.consume({ filters: options.filters, fromSequence: 1 }, (message) => {
        consumer.waiting.push(message);
        consumer.unacknowledged.set(message, message.at);
        this.handOut(consumer);
      });
    }
    return consumer;
  }

  private handOut(consumer: Consumer): void {
    while (consumer.waiting.length > 0) {
      const member = consumer.members.find(
        (one) => one.connection.hears() && one.underWay < one.options.maxInFlight,
      );
      if (member === undefined) return;
      const message = consumer.waiting.shift();
      if (message === undefined) return;
      // The next item goes to another member.
      consumer.members.push(...consumer.members.splice(consumer.members.indexOf(member), 1));
      member.underWay++;
      void member.onItem(this.item(consumer, member, message)).finally(() => {
        member.underWay--;
        this.handOut(consumer);
      });
    }
  }

  private item(consumer: Consumer, member: Member, message: StoredMessage): WorkItem {
    let ended = false;
    const again = (delayMs: number) =>
      this.clock.after(delayMs, () => {
        consumer.waiting.push(message);
        this.handOut(consumer);
      });
    const forget = this.clock.after(member.options.ackWaitMs, () => {
      if (ended) return;
      ended = true;
      again(0);
    });
    const end = () => {
      const first = !ended;
      ended = true;
      forget();
      return first;
    };
    // One that is lost leaves the item to the time limit of its acknowledgement.
    const arrives = () => member.connection.sends() && !this.losesAnswer();
    const { subject, sequence, at, headers, payload } = message;
    return {
      subject,
      sequence,
      headers,
      payload,
      at,
      ack: () => {
        if (arrives() && end()) consumer.unacknowledged.delete(message);
      },
      retry: (delayMs) => {
        if (arrives() && end()) again(delayMs);
      },
    };
  }
}
