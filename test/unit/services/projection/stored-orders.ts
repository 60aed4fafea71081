/** Orders as their streams hold them: records and facts, and a log in memory that delivers them. */
import type { LogState, StoredMessage } from "../../../../src/runtime/ports.ts";
import type { OrderLog } from "../../../../src/services/projection/feed.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "../orders/order-world.ts";

export const NOW = Date.UTC(2026, 10, 22);

/** A message at a sequence; its time grows with the sequence. */
export const messageAt = (sequence: number, subject: string, content: object | string): StoredMessage => ({
  subject,
  sequence,
  at: NOW + sequence,
  headers: {},
  payload: typeof content === "string" ? content : JSON.stringify(content),
});

/** The record of the order's present state, in partition 1. */
export function recordOf(world: OrderWorld, sequence: number): StoredMessage {
  const { facts, ...snapshot } = world.snapshot;
  const stored = facts ? { ...snapshot, facts: { version: facts.version } } : snapshot;
  const record = {
    commit: `c${sequence}`,
    actor: world.id,
    input: "start",
    transitions: [],
    snapshot: stored,
  };
  return messageAt(sequence, `orders.journal.1.${world.id}`, record);
}

/** The facts that go with it. */
export function factsOf(world: OrderWorld, sequence: number, group = "-"): StoredMessage {
  const facts = world.snapshot.facts;
  return messageAt(sequence, `orders.facts.1.${world.id}.${group}`, {
    version: facts?.version,
    facts: { ...facts?.data, ...(group === "-" ? {} : { group }) },
  });
}

/** An order with this id, started. */
export const startedOrder = (orderId: string): OrderWorld =>
  new OrderWorld({ ...orderInput(), orderId }).start();

/** A log whose messages a test stores. Each one is delivered when the one before it was taken. */
export class LogInMemory implements OrderLog {
  id: string | undefined = "log-1";
  readonly messages: StoredMessage[] = [];
  /** Sequences above those of the messages: what matches no filter. */
  end = 0;
  private deliver: ((message: StoredMessage) => void | Promise<void>) | undefined;
  private onPassed: ((sequence: number) => void) | undefined;
  private delivered: Promise<void> = Promise.resolve();

  async state(): Promise<LogState> {
    const last = this.messages.at(-1);
    const lastSequence = Math.max(this.end, last?.sequence ?? 0);
    return { id: this.id, createdAt: NOW, lastSequence, lastAt: NOW + lastSequence };
  }

  async readAt(sequence: number): Promise<StoredMessage | undefined> {
    return this.messages.find((message) => message.sequence === sequence);
  }

  async consume(
    { fromSequence, onPassed }: Parameters<OrderLog["consume"]>[0],
    onMessage: (message: StoredMessage) => void | Promise<void>,
  ): ReturnType<OrderLog["consume"]> {
    this.deliver = onMessage;
    this.onPassed = onPassed;
    for (const message of this.messages) if (message.sequence >= fromSequence) this.pass(message);
    return {
      stop: async () => {
        this.deliver = undefined;
      },
    };
  }

  store(...messages: readonly StoredMessage[]): void {
    this.messages.push(...messages);
    for (const message of messages) this.pass(message);
  }

  /** A heartbeat of the consumer. */
  passTo(sequence: number): void {
    this.end = sequence;
    this.onPassed?.(sequence);
  }

  private pass(message: StoredMessage): void {
    this.delivered = this.delivered.then(() => this.deliver?.(message));
  }
}
