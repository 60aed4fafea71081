/** The topics of `GET /v1/stream`: what each sends on a stream of events, and from which position. */
import type { Bulk } from "../../services/bulk/contract.ts";
import type { LiveList, LiveOrders } from "../../services/live/contract.ts";
import type { EventStream } from "./event-stream.ts";
import { SharedView } from "./shared-view.ts";

/** A topic as a client names it. */
export type Topic = "orders" | "cluster" | "messages" | `order:${string}` | `bulk:${string}`;

const TOPIC = "(?:orders|cluster|messages|order:ord_[A-Za-z0-9_-]{1,64}|bulk:blk_[a-z0-9]{26})";

/** Pattern of a list of topics. */
export const TOPICS = `^${TOPIC}(?:,${TOPIC}){0,9}$`;
/** One sequence, or `<stream>.<sequence>` with commas: the position of one topic. */
const POSITION = "\\d{1,15}(?:\\.\\d{1,15}(?:,\\d{1,4}\\.\\d{1,15})*)?";
/** Pattern of an event's id: the positions of the topics that have one, in the order of the request. */
export const POSITIONS = `^${POSITION}(?:~${POSITION}){0,9}$`;

/** What topics are made from. */
export type TopicSources = {
  readonly live: LiveOrders;
  readonly list: LiveList;
  /** Nodes, partitions and workers; and what waits for the workers. */
  readonly cluster: SharedView;
  readonly messages: SharedView;
  readonly bulks: SharedBulks;
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
    if (topic.startsWith("bulk:")) return beginBulk(stream, topic.slice("bulk:".length), sources.bulks);
    return beginOrder(stream, topic as `order:${string}`, positions, sources.live);
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

type WatchedBulk = {
  readonly view: SharedView;
  watchers: number;
  /** What is shown from now on: the operation has ended, or there is none. */
  last?: object;
};

/** Bulk operations that clients watch: each is read once for all of them, until it has ended. */
export class SharedBulks {
  private readonly bulk: Pick<Bulk, "get">;
  private readonly watched = new Map<string, WatchedBulk>();

  constructor(bulk: Pick<Bulk, "get">) {
    this.bulk = bulk;
  }

  /** Passes the operation on as JSON, now and after each change. @returns ends it; idempotent */
  follow(id: string, pass: (text: string) => void): () => void {
    const watched = this.watched.get(id) ?? this.begin(id);
    watched.watchers++;
    const end = watched.view.follow(pass);
    let over = false;
    return () => {
      end();
      if (over) return;
      over = true;
      if (--watched.watchers === 0) this.watched.delete(id);
    };
  }

  private begin(id: string): WatchedBulk {
    const watched: WatchedBulk = { view: new SharedView(() => this.read(id, watched)), watchers: 0 };
    this.watched.set(id, watched);
    return watched;
  }

  /** Undefined: it cannot be read now. */
  private async read(id: string, watched: WatchedBulk): Promise<object | undefined> {
    if (watched.last) return watched.last;
    const found = await this.bulk.get(id);
    if (found.status === "not_found") return (watched.last = NO_BULK);
    if (found.status !== "found") return undefined;
    const { status } = found.bulk;
    if (status !== "running" && status !== "stopping") watched.last = found.bulk;
    return found.bulk;
  }
}

const NO_BULK = { why: "bulk_not_found" };

function beginBulk(stream: EventStream, id: string, bulks: SharedBulks): () => void {
  return bulks.follow(id, (text) => {
    if (text === JSON.stringify(NO_BULK)) stream.send("reset", { ...NO_BULK, bulkId: id });
    else stream.sendText("bulk", text);
  });
}
