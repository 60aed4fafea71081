/**
 * Follows one order stream and folds its messages into a store, some at a time.
 * Owns: the messages that are received and not folded yet.  Does not own: the store, which streams there are.
 * Invariants
 *   feed.F1. Messages are folded in the order of the stream; none is left out.
 *   feed.F2. A record and the facts that were stored with it are folded together: no reader sees one without the other.
 *   feed.F3. While the store refuses writes, no message is dropped, and the stream is read no further.
 * Proved by: test/unit/services/projection/feed.test.ts
 * A crash leaves the position of the last fold; the next feed begins after it.
 */
import type { Clock, Log, LogState, StoredMessage, Subscription } from "../../runtime/ports.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import { folded } from "./fold.ts";
import type { OrderStore } from "./store.sqlite.ts";

/** An order stream, as far as a projection reads it. */
export type OrderLog = {
  state(): Promise<LogState>;
  readAt(sequence: number): Promise<StoredMessage | undefined>;
  /** As `Journal.consume`. `onPassed`: every message that matches, up to this sequence, has been delivered. */
  consume(
    options: {
      readonly filters: readonly string[];
      readonly fromSequence: number;
      readonly onPassed?: (sequence: number) => void;
    },
    onMessage: (message: StoredMessage) => void | Promise<void>,
  ): Promise<Subscription>;
};

/** What a feed needs. */
export type FeedOptions = {
  /** Number of the stream. */
  readonly stream: number;
  readonly log: OrderLog;
  /** Id of the stream's log; null when it has none. */
  readonly logId: string | null;
  readonly store: OrderStore;
  readonly subjects: Pick<Subjects, "prefix">;
  readonly clock: Pick<Clock, "monotonic" | "after" | "soon">;
  readonly reports: Log;
  /** Something was folded, or the stream was found to have nothing more. */
  readonly onProgress: () => void;
  /** Whether a caller waits: what comes is folded at once. */
  readonly isAwaited: () => boolean;
  /** The store refuses writes. Returns after a pause, or never when the feed must not go on. */
  readonly onRefused: (error: unknown) => Promise<void>;
};

/** Messages that are folded at once; more would keep queries waiting. */
const FOLD_MAX = 1_000;
/** How long a message waits for others, ms. Of an order that changes again meanwhile, one record is read. */
const GATHER_MS = 200;
/** A record and its facts are in one atomic batch, which has fewer messages than that. */
const BATCH_MAX = 1_000;
/** Facts that are not there after this time were lost, ms. */
const FACTS_MS = 5_000;

/** See the top of the file. `start` once, `stop` once. */
export class Feed {
  private readonly options: FeedOptions;
  private buffer: StoredMessage[] = [];
  private position: number;
  /** Server time of the newest message that is folded, ms since the epoch. */
  private knownAt: number;
  private passed = 0;
  private subscription: Subscription | undefined;
  private cancel: (() => void) | undefined;
  /** Monotonic ms since when a record waits for its facts. */
  private heldSince: number | undefined;
  private underWay: Promise<void> | undefined;
  private stopped = false;
  folded = 0;
  unreadable = 0;

  constructor(options: FeedOptions) {
    this.options = options;
    const position = options.store.position(options.stream);
    this.position = position?.sequence ?? 0;
    this.knownAt = position?.markedAt ?? 0;
  }

  /** @throws Unavailable (retryable) */
  async start(): Promise<void> {
    const { log, subjects } = this.options;
    const filters = ["journal", "facts", "parked"].map((kind) => `${subjects.prefix}.${kind}.>`);
    this.subscription = await log.consume(
      { filters, fromSequence: this.position + 1, onPassed: (sequence) => this.hasPassed(sequence) },
      (message) => this.take(message),
    );
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.subscription?.stop();
    await this.underWay;
  }

  /** Everything up to this sequence is known. */
  known(): number {
    const [first] = this.buffer;
    return first ? this.position : Math.max(this.position, this.passed);
  }

  /** Server time of the newest message that is known, ms since the epoch; 0 before the first. */
  at(): number {
    return this.knownAt;
  }

  /** A caller waits: what was received is folded now. */
  hurry(): void {
    if (this.buffer.length > 0) this.later(0);
  }

  private hasPassed(sequence: number): void {
    if (this.stopped || sequence <= this.passed) return;
    this.passed = sequence;
    this.options.onProgress();
  }

  private take(message: StoredMessage): void | Promise<void> {
    if (this.stopped || message.sequence <= this.position) return;
    this.buffer.push(message);
    if (this.buffer.length < FOLD_MAX || this.heldSince !== undefined) {
      if (this.buffer.length < FOLD_MAX + BATCH_MAX)
        return this.later(this.options.isAwaited() ? 0 : GATHER_MS);
    }
    return this.fold();
  }

  private later(delayMs: number): void {
    if (delayMs === 0) this.cancel?.();
    else if (this.cancel) return;
    this.cancel = this.options.clock.after(delayMs, () => {
      this.cancel = undefined;
      void this.fold();
    });
  }

  /** One at a time; ends when there is room again. */
  private fold(): Promise<void> {
    this.underWay ??= this.foldSome().finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  private async foldSome(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    while (this.buffer.length > 0 && !this.stopped) {
      try {
        const isHeld = !this.foldNow();
        if (isHeld && this.buffer.length < FOLD_MAX + BATCH_MAX) {
          this.later(GATHER_MS);
          break;
        }
      } catch (error) {
        await this.options.onRefused(error);
      }
      // Queries have their turn.
      await new Promise<void>((resolve) => this.options.clock.soon(resolve));
    }
  }

  /** @returns false: what is left waits for facts. @throws SqliteError */
  private foldNow(): boolean {
    const { logId, onProgress, store, stream } = this.options;
    const some = this.buffer.slice(0, FOLD_MAX + BATCH_MAX);
    const { changes, count, unreadable } = this.complete(some);
    const last = some[count - 1];
    if (!last) return false;
    store.apply(stream, changes, {
      sequence: last.sequence,
      log: logId,
      mark: last.sequence,
      markedAt: last.at,
    });
    this.buffer = this.buffer.slice(count);
    this.position = last.sequence;
    this.knownAt = last.at;
    this.folded += count;
    this.report(unreadable);
    onProgress();
    return count === some.length;
  }

  /** The fold of as many messages as have their facts. */
  private complete(messages: readonly StoredMessage[]) {
    const { clock, store } = this.options;
    const newest = messages.at(-1)?.sequence ?? 0;
    let count = messages.length;
    for (;;) {
      const { changes, incomplete, unreadable } = folded(messages.slice(0, count), (id) => store.factsOf(id));
      const waits = incomplete !== undefined && newest - incomplete < BATCH_MAX;
      if (!waits) {
        if (count === messages.length) this.heldSince = undefined;
        return { changes, count, unreadable };
      }
      this.heldSince ??= clock.monotonic();
      if (clock.monotonic() - this.heldSince > FACTS_MS) {
        this.heldSince = undefined;
        return { changes, count, unreadable };
      }
      count = messages.findIndex(({ sequence }) => sequence >= incomplete);
    }
  }

  private report(unreadable: readonly StoredMessage[]): void {
    this.unreadable += unreadable.length;
    for (const { sequence, subject } of unreadable)
      this.options.reports.warn(
        { subject, sequence },
        "the list of orders is without a message: it cannot be read",
      );
  }
}
