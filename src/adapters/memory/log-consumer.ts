/** Consumes a log in memory in order and without gaps, across lost connections. */
import type { StoredMessage, Subscription } from "../../runtime/ports.ts";
import { compileFilters } from "../jetstream/append-rules.ts";
import type { MemoryLink } from "./link.ts";
import type { MemoryLog } from "./log.ts";

/** What to consume. */
export type LogConsumeOptions = {
  readonly filters: readonly string[];
  /** A sequence, or `"last"`: the last message of each subject first, and once more after an interruption. */
  readonly from: number | "last";
  /** Called once, after the messages that were there at the start. */
  readonly onCaughtUp?: () => void;
};

/** Starts at once; the first message comes later. A callback that rejects ends the process. */
export function consumeLog(
  link: MemoryLink,
  log: MemoryLog,
  options: LogConsumeOptions,
  onMessage: (message: StoredMessage) => void | Promise<void>,
): Subscription {
  const consumer = new LogConsumer(link, log, options, onMessage);
  consumer.wake();
  return consumer;
}

class LogConsumer implements Subscription {
  private readonly link: MemoryLink;
  private readonly log: MemoryLog;
  private readonly options: LogConsumeOptions;
  private readonly matches: (subject: string) => boolean;
  private readonly onMessage: (message: StoredMessage) => void | Promise<void>;
  private readonly forget: (() => void)[];
  /** Last messages of subjects, to be delivered before the later ones of the log. */
  private present: StoredMessage[];
  /** Sequence from which on the log is read. */
  private next: number;
  private caughtUp = false;
  private busy = false;
  private stopped = false;

  constructor(
    link: MemoryLink,
    log: MemoryLog,
    options: LogConsumeOptions,
    onMessage: (message: StoredMessage) => void | Promise<void>,
  ) {
    this.link = link;
    this.log = log;
    this.options = options;
    this.matches = compileFilters(options.filters);
    this.onMessage = onMessage;
    this.present = this.lastOnes();
    this.next = options.from === "last" ? log.lastSequence + 1 : options.from;
    this.forget = [
      log.onStored(() => this.wake()),
      link.onChange((state) => {
        if (state === "up") this.restart();
      }),
    ];
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const forget of this.forget) forget();
  }

  /** Delivers the next message, if there is one, after the latency of the network. */
  wake(): void {
    if (this.busy || this.stopped) return;
    this.busy = true;
    const { clock, node, server } = this.link;
    clock.after(server.latencyMs() + server.deliveryDelayMs(node), () => void this.deliver());
  }

  /** A callback that rejects is a programmer fault: the rejection is left unhandled, which ends the process. */
  private async deliver(): Promise<void> {
    while (!this.stopped && this.link.hears()) {
      const message = this.take();
      if (message === undefined) {
        this.reachEnd();
        break;
      }
      const handled = this.onMessage(message);
      if (handled !== undefined) await handled;
      if (this.present.length === 0 && this.options.from === "last") this.reachEnd();
    }
    this.busy = false;
    // A message was stored while the last callback ran and found this busy.
    if (this.link.hears() && this.log.next(this.next, this.matches) !== undefined) this.wake();
  }

  private take(): StoredMessage | undefined {
    const present = this.present.shift();
    if (present !== undefined) return present;
    const message = this.log.next(this.next, this.matches);
    // Messages that were read and do not match are not read again.
    this.next = (message?.sequence ?? this.log.lastSequence) + 1;
    return message;
  }

  private reachEnd(): void {
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.options.onCaughtUp?.();
  }

  private restart(): void {
    if (this.options.from === "last") {
      this.present = this.lastOnes();
      this.next = this.log.lastSequence + 1;
    }
    this.wake();
  }

  private lastOnes(): StoredMessage[] {
    if (this.options.from !== "last") return [];
    const found = this.options.filters.flatMap((filter) => this.log.lastPerSubject(filter));
    return found.toSorted((a, b) => a.sequence - b.sequence);
  }
}
