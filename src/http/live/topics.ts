/** The topics of `GET /v1/stream`: what each sends on a stream of events, and from which position. */
import type { LiveList, LiveOrders } from "../../services/live/contract.ts";
import type { EventStream } from "./event-stream.ts";

/** A topic as a client names it. */
export type Topic = "orders" | "cluster" | "messages" | `order:${string}`;

/** Pattern of a list of topics. */
export const TOPICS =
  "^(?:orders|cluster|messages|order:ord_[A-Za-z0-9_-]{1,64})(?:,(?:orders|cluster|messages|order:ord_[A-Za-z0-9_-]{1,64})){0,9}$";
/** One sequence, or `<stream>.<sequence>` with commas: the position of one topic. */
const POSITION = "\\d{1,15}(?:\\.\\d{1,15}(?:,\\d{1,4}\\.\\d{1,15})*)?";
/** Pattern of an event's id: the positions of the topics that have one, in the order of the request. */
export const POSITIONS = `^${POSITION}(?:~${POSITION}){0,9}$`;

const VIEW_EVERY_MS = 500;
const MEASURES_EVERY_MS = 5_000;

/** What topics are made from. */
export type TopicSources = {
  readonly live: LiveOrders;
  readonly list: LiveList;
  /** Nodes, partitions and workers; and what waits for the workers. */
  readonly cluster: SharedView;
  readonly messages: SharedView;
};

/** Where each topic has come to: a stream's ids name all of them. */
class Positions {
  private readonly topics: readonly Topic[];
  private readonly reached = new Map<Topic, string>();

  /** @param after an id, or one position for all topics; absent: from now on */
  constructor(topics: readonly Topic[], after: string | undefined) {
    this.topics = topics.filter((topic) => topic === "orders" || topic.startsWith("order:"));
    const parts = after?.split("~") ?? [];
    for (const [index, topic] of this.topics.entries()) {
      const part = parts.length === 1 ? parts[0] : parts[index];
      if (part !== undefined) this.reached.set(topic, part);
    }
  }

  of(topic: Topic): string | undefined {
    return this.reached.get(topic);
  }

  /** The id of an event that brings a topic to a position. A topic that has sent nothing begins at its beginning. */
  idAt(topic: Topic, position: string): string | undefined {
    this.reached.set(topic, position);
    const all = this.topics.map((one) => this.reached.get(one));
    // Without a position of each, a client that comes again begins anew with all.
    return all.includes(undefined) ? undefined : all.join("~");
  }
}

/**
 * Begins all topics on a stream. What cannot begin ends the stream with `bye`: the client comes again.
 * @returns ends them; idempotent
 */
export function beginTopics(
  stream: EventStream,
  topics: readonly Topic[],
  after: string | undefined,
  sources: TopicSources,
): () => void {
  const positions = new Positions(topics, after);
  const ends = topics.map((topic) => {
    if (topic === "orders") return beginOrders(stream, positions, sources.list);
    if (topic === "cluster" || topic === "messages")
      return sources[topic].follow((text) => stream.sendText(topic, text));
    return beginOrder(stream, topic, positions, sources.live);
  });
  return () => {
    for (const end of ends) end();
  };
}

function beginOrders(stream: EventStream, positions: Positions, list: LiveList): () => void {
  return list.follow(positions.of("orders"), {
    changed: ({ position, ...rows }) => stream.send("rows", rows, positions.idAt("orders", position)),
    counted: ({ position, ...counts }) =>
      stream.send("counts", { by: "status", ...counts }, positions.idAt("orders", position)),
  });
}

function beginOrder(
  stream: EventStream,
  topic: `order:${string}`,
  positions: Positions,
  live: LiveOrders,
): () => void {
  let stop: (() => void) | undefined;
  let over = false;
  const id = topic.slice("order:".length);
  const after = positions.of(topic);
  const begin = async () => {
    const followed = await live.follow(id, after === undefined ? undefined : Number(after));
    if (followed.status === "not_found")
      return stream.send("reset", { why: "order_not_found", orderId: id }, positions.idAt(topic, "0"));
    if (followed.status !== "found") return stream.end("bye", { why: "unavailable" });
    stop = () => followed.stop();
    if (over) return stop();
    if (followed.positionGone) stream.send("reset", { why: "position_gone", orderId: id });
    followed.begin({
      commit: ({ item, order }) =>
        stream.send("record", { item, order }, positions.idAt(topic, String(item.sequence))),
      ended: () => stream.end("bye", { why: "unavailable" }),
    });
  };
  void begin().catch(() => stream.end("bye", { why: "unavailable" }));
  return () => {
    over = true;
    stop?.();
  };
}

/**
 * What all clients of a topic see alike. While a client looks it is read a few times a second, once for all of them.
 * Owns: who looks.  Does not own: what is read.
 */
export class SharedView {
  private readonly read: () => Promise<object | undefined>;
  private readonly measures: ReadonlySet<string>;
  private readonly looks = new Set<(text: string) => void>();
  private timer: NodeJS.Timeout | undefined;
  private text = "";
  /** The view without its measures, as it was passed on last, and when. */
  private passed = "";
  private passedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param read undefined: it cannot be read now
   * @param measures names of members that change all the time: they alone are passed on every few seconds only
   */
  constructor(read: () => Promise<object | undefined>, measures: readonly string[] = []) {
    this.read = read;
    this.measures = new Set(measures);
  }

  /** Passes JSON on, now and after each change. @returns ends it; idempotent */
  follow(pass: (text: string) => void): () => void {
    this.looks.add(pass);
    this.timer ??= setInterval(() => void this.look(), VIEW_EVERY_MS).unref();
    if (this.text === "") void this.look();
    else pass(this.text);
    return () => {
      this.looks.delete(pass);
      if (this.looks.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
      this.text = "";
      this.passed = "";
    };
  }

  private async look(): Promise<void> {
    // What cannot be read now is read again.
    const view = await this.read().catch(() => undefined);
    if (view === undefined || this.looks.size === 0) return;
    const text = JSON.stringify(view);
    if (text === this.text) return;
    const steady = JSON.stringify(view, (name, value: unknown) =>
      this.measures.has(name) ? undefined : value,
    );
    const now = performance.now();
    if (steady === this.passed && now - this.passedAt < MEASURES_EVERY_MS) return;
    this.text = text;
    this.passed = steady;
    this.passedAt = now;
    for (const pass of this.looks) pass(text);
  }
}
