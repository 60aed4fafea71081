/**
 * Consumes a stream in order and without gaps, across lost messages, reconnects and restarts of servers.
 * The client library's ordered consumer (3.4) usually recovers at once. But it waits half a minute when its first
 * attempt after a reconnect fails, and stops permanently when it never received a message and 30 attempts failed. This
 * one makes a fresh consumer, after the last message received, at every sign of a fault.
 * Owns: the server-side consumer, its subscription, what was received and not delivered yet.
 * Invariants
 *   consumer.O1. Messages are delivered one at a time, each after the promise of the one before, with strictly
 *                ascending stream sequences.
 *   consumer.O2. A message is taken only from the current consumer and only when it is the consumer's next one.
 *   consumer.O3. After `stop` no further message is delivered.
 * The server's flow control bounds the queue: its requests are answered only after the messages before them.
 * Proved by: test/contract/journal.test.ts, consume.test.ts, outage.test.ts
 */
import { type Msg, nuid, type Subscription as NatsSubscription } from "@nats-io/transport-node";
import { type StoredMessage, type Subscription, Unavailable } from "../../runtime/ports.ts";
import { ApiCode, ApiError, apiRequest } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { readDelivery } from "./stored-message.ts";

/** What to consume. */
export type OrderedConsumerOptions = {
  readonly stream: string;
  readonly filters: readonly string[];
  /**
   * A sequence: every message from it on. `"last"`: the last message of each subject, then later messages; after an
   * interruption the last ones come again.
   */
  readonly from: number | "last";
  /** Called after the message that was the newest one when the consumer was made, or at once. Once per consumer. */
  readonly onCaughtUp?: () => void;
  /** Called after the messages up to a sequence: none that matches is missing up to there. About once a second. */
  readonly onPassed?: (sequence: number) => void;
  /** Called before the next attempt when the server does not know the stream; may make it again. */
  readonly onStreamGone?: () => Promise<void>;
};

type Queued =
  | { readonly message: StoredMessage; readonly caughtUp: boolean }
  | { readonly flowReply: string }
  | { readonly passed: number }
  | { readonly caughtUp: true };

const HEARTBEAT_MS = 1_000;
/** Two heartbeats and some lateness. */
const SILENCE_MS = 2_500;
const NANOS_PER_MS = 1_000_000;
/** How long the server keeps a consumer without a subscriber, ms. */
const INACTIVE_MS = 10_000;
const CREATE_TIMEOUT_MS = 5_000;
const RETRY_MS = { first: 50, most: 1_000 } as const;

/**
 * Starts to consume. A callback that rejects ends the process.
 * @throws Unavailable (the first consumer cannot be made), ApiError (no such stream)
 */
export async function consumeLog(
  link: NatsLink,
  options: OrderedConsumerOptions,
  onMessage: (message: StoredMessage) => void | Promise<void>,
): Promise<Subscription> {
  const consumer = new OrderedConsumer(link, options, onMessage);
  await consumer.start();
  return consumer;
}

class OrderedConsumer implements Subscription {
  private readonly link: NatsLink;
  private readonly options: OrderedConsumerOptions;
  private readonly onMessage: (message: StoredMessage) => void | Promise<void>;
  /** Received, not delivered yet; the oldest is at `head`. */
  private queue: Queued[] = [];
  private head = 0;
  private pumping = false;
  private stopped = false;
  /** Stream sequence of the newest message received; 0 before the first. */
  private received = 0;
  /**
   * The server has examined everything up to here, and a fresh consumer begins after it: the stream may have grown by
   * millions of messages that do not match. The value is that of the consumer's last heartbeat but one. It has been
   * stored for a second, and with `sync_interval: always` a server that dies now gives its sequences to no other
   * message.
   */
  private passed = 0;
  /** The value of the last heartbeat. */
  private reported = 0;
  /** Consumer sequence of the newest message of the current consumer. */
  private delivered = 0;
  private caughtUp = false;
  private consumer: string | undefined;
  private subscription: NatsSubscription | undefined;
  /** Monotonic ms of the latest message or heartbeat of the current consumer. */
  private heardAt = 0;
  private making = false;
  private readonly watchdog: NodeJS.Timeout;
  private readonly forget: () => void;

  constructor(
    link: NatsLink,
    options: OrderedConsumerOptions,
    onMessage: (message: StoredMessage) => void | Promise<void>,
  ) {
    this.link = link;
    this.options = options;
    this.onMessage = onMessage;
    this.watchdog = setInterval(() => this.checkAlive(), HEARTBEAT_MS).unref();
    this.forget = link.onChange((connected) => {
      if (connected) void this.remake();
    });
  }

  async start(): Promise<void> {
    this.making = true;
    try {
      await this.make();
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      this.making = false;
    }
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.watchdog);
    this.forget();
    this.queue = [];
    this.head = 0;
    this.drop();
  }

  private checkAlive(): void {
    if (!this.link.connected() || this.making) return;
    if (performance.now() - this.heardAt > SILENCE_MS) void this.remake();
  }

  /** Makes consumers until one exists; pauses grow up to a second. */
  private async remake(): Promise<void> {
    if (this.making || this.stopped) return;
    this.making = true;
    this.drop();
    let pauseMs: number = RETRY_MS.first;
    while (!this.stopped && this.link.connected()) {
      try {
        await this.make();
        break;
      } catch (error) {
        this.drop();
        if (error instanceof ApiError && error.code === ApiCode.streamNotFound) {
          await this.options.onStreamGone?.().catch(() => {});
        }
        const waitMs = pauseMs;
        await new Promise<void>((resolve) => setTimeout(resolve, waitMs).unref());
        pauseMs = Math.min(2 * pauseMs, RETRY_MS.most);
      }
    }
    this.making = false;
  }

  private async make(): Promise<void> {
    if (!this.link.connected() || this.link.nc.isClosed()) throw new Unavailable("not connected to NATS");
    const name = nuid.next();
    const inbox = this.link.newInbox();
    this.consumer = name;
    this.delivered = 0;
    this.reported = 0;
    this.caughtUp = false;
    this.heardAt = performance.now();
    this.subscription = this.link.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error === null && this.consumer === name) this.receive(msg);
      },
    });
    const info = await apiRequest<{ num_pending?: number }>(
      this.link,
      `CONSUMER.CREATE.${this.options.stream}.${name}`,
      { stream_name: this.options.stream, config: this.config(name, inbox), action: "create" },
      CREATE_TIMEOUT_MS,
    );
    // Made while `stop` was called: no other code would delete it.
    if (this.stopped) return this.drop();
    if ((info.num_pending ?? 0) === 0 && this.delivered === 0) this.reachEnd();
  }

  private config(name: string, inbox: string): object {
    const from = this.options.from;
    const position =
      from === "last"
        ? { deliver_policy: "last_per_subject" }
        : {
            deliver_policy: "by_start_sequence",
            opt_start_seq: Math.max(from, this.received + 1, this.passed + 1),
          };
    return {
      name,
      ...position,
      deliver_subject: inbox,
      filter_subjects: this.options.filters,
      ack_policy: "none",
      replay_policy: "instant",
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS,
      inactive_threshold: INACTIVE_MS * NANOS_PER_MS,
      mem_storage: true,
      num_replicas: 1,
    };
  }

  /** Ends the current consumer. If the request is lost, the server deletes it after `INACTIVE_MS`. */
  private drop(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    if (this.consumer !== undefined && this.link.connected() && !this.link.nc.isDraining()) {
      this.link.nc.publish(`$JS.API.CONSUMER.DELETE.${this.options.stream}.${this.consumer}`);
    }
    this.consumer = undefined;
  }

  private receive(msg: Msg): void {
    this.heardAt = performance.now();
    const delivery = readDelivery(msg);
    if (delivery === undefined) return this.receiveStatus(msg);
    if (delivery.consumerSequence !== this.delivered + 1) return void this.remake();
    this.delivered = delivery.consumerSequence;
    const { message } = delivery;
    const isNew = this.options.from === "last" || message.sequence > this.received;
    if (isNew) {
      this.received = message.sequence;
      this.enqueue({ message, caughtUp: delivery.pending === 0 });
    }
  }

  private receiveStatus(msg: Msg): void {
    const code = msg.headers?.code ?? 0;
    if (code !== 100) return void this.remake();
    // A heartbeat states what was delivered; a request for flow control has a reply subject.
    if (msg.reply !== undefined && msg.reply !== "") return this.enqueue({ flowReply: msg.reply });
    const stalled = msg.headers?.get("Nats-Consumer-Stalled") ?? "";
    if (stalled !== "") this.enqueue({ flowReply: stalled });
    const delivered = msg.headers?.get("Nats-Last-Consumer") ?? "";
    if (delivered !== "" && Number(delivered) !== this.delivered) return void this.remake();
    this.passed = Math.max(this.passed, this.reported);
    this.reported = Number(msg.headers?.get("Nats-Last-Stream") ?? 0);
    if (this.options.onPassed && this.reported > 0) this.enqueue({ passed: this.reported });
  }

  private reachEnd(): void {
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.enqueue({ caughtUp: true });
  }

  private enqueue(item: Queued): void {
    if (this.stopped) return;
    this.queue.push(item);
    if (!this.pumping) void this.pump();
  }

  /** A callback that rejects is a programmer fault: the rejection is left unhandled, which ends the process. */
  private async pump(): Promise<void> {
    this.pumping = true;
    while (this.head < this.queue.length) {
      const item = this.queue[this.head++]!;
      if (this.head === this.queue.length || this.head === 4096) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
      if ("flowReply" in item) {
        if (this.link.connected()) this.link.nc.publish(item.flowReply);
        continue;
      }
      if ("passed" in item) {
        this.options.onPassed?.(item.passed);
        continue;
      }
      if ("message" in item) {
        const handled = this.onMessage(item.message);
        if (handled !== undefined) await handled;
      }
      if (item.caughtUp && !this.stopped) this.options.onCaughtUp?.();
    }
    this.pumping = false;
  }
}
