/**
 * The page's one connection for live changes. It follows the topics that mounted components ask for.
 * Owns: the `EventSource`, and what each topic has reached.  Does not own: what a page does with an event.
 * Invariants
 *   stream.T1. At most one `EventSource` is open.
 *   stream.T2. Components learn of a `gap` whenever events may be missing: they read again what they show.
 * Proved by: test/unit/console/live.test.ts, test/browser/console.ts
 */
import { addressOf } from "../api/client.ts";
import { idle, type LiveEvent, type LiveState, nextLive, retryAfterMs, type Topic } from "./live-state.ts";
import { reachedBy, resumeAt } from "./positions.ts";

/** What a component gets: an event of its topic, or `gap` when events may be missing. */
export type LiveMessage = { readonly event: string; readonly data: unknown };
/** Takes the events of one topic. */
export type LiveHandler = (message: LiveMessage) => void;

const EVENTS = { rows: "orders", counts: "orders", cluster: "cluster", messages: "messages" } as const;
/** A tab that is not seen for so long gives its place on the node to others. */
const HIDDEN_MS = 30_000;
/** Topics of a page that is drawn are collected for so long: one connection, not one for each component. */
const COLLECT_MS = 20;

/** One connection; a page has one. */
export class LiveConnection {
  private readonly handlers = new Map<Topic, Set<LiveHandler>>();
  private readonly listeners = new Set<() => void>();
  private state: LiveState = idle;
  private source: EventSource | undefined;
  private topics: readonly Topic[] = [];
  private reached: ReadonlyMap<Topic, string> = new Map();
  private timer: number | undefined;
  private hiddenTimer: number | undefined;
  private hidden = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.seen(!document.hidden));
  }

  /** Follows a topic. @returns ends it; idempotent */
  follow(topic: Topic, handler: LiveHandler): () => void {
    const those = this.handlers.get(topic) ?? new Set();
    this.handlers.set(topic, those.add(handler));
    this.collect();
    return () => {
      those.delete(handler);
      if (those.size === 0 && this.handlers.get(topic) === those) this.handlers.delete(topic);
      this.collect();
    };
  }

  /** Nothing is received until `resume`; what came stays. */
  pause(): void {
    this.close();
    this.change({ type: "paused", at: Date.now() });
  }

  /** Goes on where it stopped. */
  resume(): void {
    this.change({ type: "resumed" });
    this.connect();
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The present state; the same object until it changes. */
  readonly snapshot = (): LiveState => this.state;

  private collect(): void {
    const followed = [...this.handlers.keys()].toSorted();
    if (followed.join() === this.topics.join()) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      const now = [...this.handlers.keys()].toSorted();
      if (now.join() === this.topics.join()) return;
      this.topics = now;
      this.reached = new Map([...this.reached].filter(([topic]) => now.includes(topic)));
      this.connect();
    }, COLLECT_MS);
  }

  private connect(): void {
    this.close();
    if (this.state.phase === "paused" || this.hidden) return;
    if (this.topics.length === 0) return this.change({ type: "unfollowed" });
    this.change({ type: "followed", at: Date.now() });
    const after = resumeAt(this.topics, this.reached);
    const source = new EventSource(addressOf("/v1/stream", { topics: this.topics.join(","), after }));
    this.source = source;
    source.addEventListener("open", () => {
      this.change({ type: "opened" });
      if (after === undefined) this.tell(this.topics, { event: "gap", data: undefined });
    });
    // The node ends the stream, or the network does: this object plans the next try, not the browser.
    source.addEventListener("error", () => this.retry());
    source.addEventListener("bye", () => this.retry());
    for (const [event, topic] of Object.entries(EVENTS)) this.listen(source, event, () => topic);
    this.listen(source, "record", (data) => `order:${(data as { order: { id: string } }).order.id}`);
    this.listen(source, "bulk", (data) => `bulk:${(data as { id: string }).id}`);
    source.addEventListener("reset", (message: MessageEvent<string>) => {
      const { bulkId, orderId } = JSON.parse(message.data) as { bulkId?: string; orderId?: string };
      const one =
        bulkId === undefined ? orderId && (`order:${orderId}` as const) : (`bulk:${bulkId}` as const);
      const topics = one ? [one] : this.topics;
      this.reached = new Map([...this.reached].filter(([topic]) => !topics.includes(topic)));
      this.tell(topics, { event: "gap", data: undefined });
    });
  }

  private listen(source: EventSource, event: string, topicOf: (data: unknown) => Topic): void {
    source.addEventListener(event, (message: MessageEvent<string>) => {
      const data = JSON.parse(message.data) as unknown;
      this.reached = reachedBy(this.topics, message.lastEventId, this.reached);
      this.tell([topicOf(data)], { event, data });
    });
  }

  private tell(topics: readonly Topic[], message: LiveMessage): void {
    for (const topic of topics) for (const handler of this.handlers.get(topic) ?? []) handler(message);
  }

  private retry(): void {
    this.close();
    this.change({ type: "failed", at: Date.now() });
    const delay = retryAfterMs(this.state.failures, Math.random());
    this.timer = window.setTimeout(() => this.connect(), delay);
  }

  private close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  private seen(visible: boolean): void {
    window.clearTimeout(this.hiddenTimer);
    if (!visible) {
      this.hiddenTimer = window.setTimeout(() => {
        this.hidden = true;
        this.close();
      }, HIDDEN_MS);
    } else if (this.hidden) {
      this.hidden = false;
      this.connect();
    }
  }

  private change(event: LiveEvent): void {
    const next = nextLive(this.state, event);
    if (next === this.state) return;
    this.state = next;
    for (const listener of this.listeners) listener();
  }
}
