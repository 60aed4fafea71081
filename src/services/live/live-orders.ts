/**
 * Follows single orders by their journal: each watch has a consumer of its own at the server, which delivers in
 * order and without gaps. The order is shown as of each record, from the record and its facts, without its owner.
 * Owns: the consumers of its watches.  Does not own: connections to clients.
 * Invariants
 *   live.L1. A watch gets each record of its order above its position once, in the order of the journal.
 *   live.L2. After `stop`, or after `ended`, a watch receives nothing more.
 * Proved by: test/integration/services/live-orders.test.ts, test/fault/order-stream.test.ts
 */
import { readRecord } from "../../runtime/actor/record-decoding.ts";
import { readFacts, type Facts, type Snapshot, type StoredSnapshot } from "../../runtime/actor/snapshot.ts";
import { type Journal, type StoredMessage, type Subscription, Unavailable } from "../../runtime/ports.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import type { UnreadableEntries } from "../../runtime/unreadable.ts";
import { historyItem } from "../orders/history.ts";
import { type OpensPersonal, shownPersonal } from "../orders/personal.ts";
import { orderView } from "../orders/view.ts";
import { subjects } from "../subjects.ts";
import { unavailable } from "../unavailable.ts";
import type { CommitListener, LiveOrders } from "./contract.ts";

/** What following needs of its node. */
export type LiveOrdersOptions = {
  /** The stream of a partition. */
  readonly journalOf: (
    partition: number,
  ) => Pick<Journal, "readLast" | "readLastTogether" | "readAll" | "state" | "consume">;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  /** The state in memory of a stored one. @throws where this program cannot read it */
  readonly restore: (stored: StoredSnapshot, facts: Facts | undefined) => Snapshot;
  readonly open: OpensPersonal;
  /** Where records are named that cannot be read. */
  readonly unreadable?: UnreadableEntries;
};

/** Makes what follows orders by their journal. */
export function liveOrders(options: LiveOrdersOptions): LiveOrders {
  return {
    follow: async (id, after) => {
      const partition = partitionOf(id, options.partitions);
      const journal = options.journalOf(partition);
      const record = subjects.record(partition, id);
      const facts = subjects.factsOf(partition, id);
      try {
        const newest = await journal.readLast(record);
        if (newest === undefined) return { status: "not_found" };
        const { lastSequence } = await journal.state();
        const positionGone = after !== undefined && after > lastSequence;
        const from = after === undefined || positionGone ? newest.sequence : after + 1;
        const watch = new OrderWatch(id, record, options);
        const { last } = await journal.readLastTogether([facts], 0);
        for (const subject of last.keys())
          for (const message of await journal.readAll(subject)) watch.learn(message);
        const begin = (listener: CommitListener) =>
          void watch.begin(listener, (onMessage) =>
            journal.consume({ filters: [record, facts], fromSequence: from }, onMessage),
          );
        return { status: "found", positionGone, begin, stop: () => watch.stop() };
      } catch (error) {
        if (error instanceof Unavailable) return unavailable(error.message);
        throw error;
      }
    },
  };
}

type Consume = (onMessage: (message: StoredMessage) => Promise<void>) => Promise<Subscription>;

/** One watch of one order. */
class OrderWatch {
  private readonly id: string;
  private readonly subject: string;
  private readonly options: LiveOrdersOptions;
  private readonly facts = new Map<number, Facts>();
  /** A record whose facts come next: they are after it in its batch. */
  private waiting: StoredMessage | undefined;
  private listener: CommitListener | undefined;
  private consumer: Subscription | undefined;
  private over = false;

  constructor(id: string, subject: string, options: LiveOrdersOptions) {
    this.id = id;
    this.subject = subject;
    this.options = options;
  }

  async begin(listener: CommitListener, consume: Consume): Promise<void> {
    this.listener = listener;
    try {
      this.consumer = await consume((message) => this.take(message));
    } catch (error) {
      this.end(reasonOf(error));
    }
    if (this.over) void this.consumer?.stop();
  }

  /** Idempotent. */
  stop(): void {
    this.over = true;
    void this.consumer?.stop();
  }

  private async take(message: StoredMessage): Promise<void> {
    if (this.over) return;
    if (message.subject === this.subject) {
      if (this.waiting === undefined) return await this.pass(message);
      return this.end(`record ${this.waiting.sequence} has no facts`);
    }
    this.learn(message);
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) await this.pass(waiting);
  }

  /** Facts go with the records that name their version. */
  learn({ payload, sequence, subject }: StoredMessage): void {
    const facts = readFacts(payload);
    if (facts) this.facts.set(facts.version, facts);
    else this.options.unreadable?.passed("record", subject, sequence, "an order's stream is without it");
  }

  private async pass(message: StoredMessage): Promise<void> {
    const record = readRecord(message);
    const item = historyItem(message);
    if (record === undefined || item === undefined) {
      const { sequence, subject } = message;
      this.options.unreadable?.passed("record", subject, sequence, "an order's stream is without it");
      return;
    }
    const { facts } = record.snapshot;
    const known = facts === undefined ? undefined : this.facts.get(facts.version);
    if (facts !== undefined && known === undefined) {
      this.waiting = message;
      return;
    }
    try {
      const snapshot = this.options.restore(record.snapshot, known);
      const shown = await shownPersonal(this.id, snapshot, this.options.open);
      if (!this.over) this.listener?.commit({ item, order: orderView(this.id, snapshot, shown) });
    } catch (error) {
      this.end(reasonOf(error));
    }
  }

  private end(why: string): void {
    if (this.over) return;
    this.stop();
    this.listener?.ended(why);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
