/** A reading of many messages is complete, or it fails. */
import type { Subscription, SubscriptionOptions } from "@nats-io/transport-node";
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { lastTogether } from "../../src/adapters/nats/direct-get.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { ReplicaLagging, Unavailable } from "../../src/runtime/ports.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { mustStore } from "./expect.ts";

const COUNT = 300;
const CUT_AT = 100_000;
const wanted = Array.from({ length: COUNT }, (_, index) => subjects.record(1, `order-${index}`));

const server = await startNatsServer(t);
const link = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 5_000 });
t.teardown(() => link.close());
await ensureStreams(link, { replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
const end = await mustStore(
  natsJournal(link, subjects.stream(0)),
  wanted.map((subject) => ({ subject, payload: "x".repeat(1_000) })),
);

type Query = { readonly up_to_seq?: number };

/**
 * A connection that loses the message with this number of every answer; 0: none. Counts the requests.
 * @param change of the request: the server splits an answer at 64 MB by itself, and at `max_bytes`
 */
function lossy(lost: number, change: (query: Query) => Query = (query) => query) {
  let asked = 0;
  const nc = new Proxy(link.nc, {
    get(target, name) {
      if (name === "publish")
        return (subject: string, query: string, options: object) => {
          asked++;
          target.publish(subject, JSON.stringify(change(JSON.parse(query) as Query)), options);
        };
      if (name === "subscribe")
        return (subject: string, { callback }: SubscriptionOptions): Subscription => {
          let received = 0;
          return target.subscribe(subject, {
            callback: (error, msg) => {
              received++;
              if (received !== lost) void callback?.(error, msg);
            },
          });
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
  const lossyLink: NatsLink = { ...link, nc };
  return { link: lossyLink, asked: () => asked };
}

const cut = (query: Query): Query & { readonly max_bytes: number } => ({ ...query, max_bytes: CUT_AT });

t.test("an answer that the server splits is read to its end, as of one point", async (t) => {
  const whole = lossy(0, cut);
  const { last, through } = await lastTogether(whole.link, subjects.stream(0), wanted, end);
  t.ok(whole.asked() > 2, `${whole.asked()} pages`);
  t.equal(through, end);
  t.strictSame([...last.keys()].toSorted(), wanted.toSorted());
});

for (const lost of [1, 2, 7])
  t.test(`an answer whose message ${lost} is lost in transit is refused`, async (t) => {
    await t.rejects(lastTogether(lossy(lost).link, subjects.stream(0), wanted.slice(0, 7), end), Unavailable);
  });

t.test("the rest of an answer from a lagging replica is refused", async (t) => {
  // The answer of such a replica: its log ends before the requested point.
  for (const reaches of [end - 1, 1]) {
    const lagging = lossy(0, (query) =>
      query.up_to_seq === undefined ? cut(query) : { ...query, up_to_seq: reaches },
    );
    await t.rejects(lastTogether(lagging.link, subjects.stream(0), wanted, end), ReplicaLagging);
    t.equal(lagging.asked(), 2);
  }
});
