/** Follows a log in memory in order and without gaps, over lost connections. */
import type { StoredMessage, Subscription } from "../../runtime/ports.ts";
import { compileFilters } from "../jetstream/append-rules.ts";
import type { MemoryLink } from "./link.ts";
import type { MemoryLog } from "./log.ts";

export type MemoryFollowOptions = {
  readonly filters: readonly string[];
  /** A sequence, or `"last"`: the last message of each subject first; once more after an interruption. */
  readonly from: number | "last";
  /** Called once, behind the messages that were there at the start. */
  readonly onCaughtUp?: () => void;
};

/** Starts at once; the first message comes later. */
export function follow(
  link: MemoryLink,
  log: MemoryLog,
  options: MemoryFollowOptions,
  onMessage: (message: StoredMessage) => void | Promise<void>,
): Subscription {
  const follower = new MemoryFollower(link, log, options, onMessage);
  follower.wake();
  return follower;
}

class MemoryFollower implements Subscription {
  private readonly link: MemoryLink;
  private readonly log: MemoryLog;
  private readonly options: MemoryFollowOptions;
  private readonly matches: (subject: string) => boolean;
  private readonly onMessage: (message: StoredMessage) => void | Promise<void>;
  private readonly forget: (() => void)[];
  /** Last messages of subjects, to be delivered before the log is followed. */
  private present: StoredMessage[];
  /** Sequence from which on the log is looked at. */
  private next: number;
  private caughtUp = false;
  private busy = false;
  private stopped = false;

  constructor(
    link: MemoryLink,
    log: MemoryLog,
    options: MemoryFollowOptions,
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

  /** Delivers the next message after one way through the network, if there is one. */
  wake(): void {
    if (this.busy || this.stopped) return;
    this.busy = true;
    this.link.clock.after(this.link.server.latencyMs(), () => void this.deliver());
  }

  /** A callback that rejects is a programmer fault: the rejection is left unhandled, which ends the process. */
  private async deliver(): Promise<void> {
    while (!this.stopped && this.link.state === "up") {
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
    // Something was stored while the last callback ran and found this busy.
    if (this.link.state === "up" && this.log.next(this.next, this.matches) !== undefined) this.wake();
  }

  private take(): StoredMessage | undefined {
    const present = this.present.shift();
    if (present !== undefined) return present;
    const message = this.log.next(this.next, this.matches);
    // What was looked at and does not match is not looked at again.
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
