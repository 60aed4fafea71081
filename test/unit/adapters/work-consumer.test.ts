/** Where the consumer of a worker's new version starts: no event that its predecessors have left is skipped. */
import t from "tap";
import { consumerName, ensureConsumer } from "../../../src/adapters/nats/work-consumer.ts";
import { type Sent, scriptedLink } from "./scripted-link.ts";

/** The server's clock; this machine's shows another time. */
const SERVER_MS = Date.parse("2031-05-30T00:00:00.000Z");

type Predecessor = { readonly filters: readonly string[]; readonly acknowledged: number };

/** The definition with which the consumer of these filters is made. */
async function made(filters: readonly string[], predecessors: readonly Predecessor[]): Promise<unknown> {
  const named = predecessors.map((one) => ({ ...one, name: consumerName({ name: "mail", ...one }) }));
  const scripted = scriptedLink(({ subject }: Sent) => {
    if (subject.includes("CONSUMER.NAMES"))
      return { total: named.length, consumers: named.map(({ name }) => name) };
    const one = named.find(({ name }) => subject === `$JS.API.CONSUMER.INFO.ORDERS.${name}`);
    if (one !== undefined)
      return {
        name: one.name,
        config: { filter_subjects: one.filters },
        ack_floor: { stream_seq: one.acknowledged },
      };
    return subject.includes("CONSUMER.INFO") ? { error: { code: 404, err_code: 10014 } } : {};
  });
  const options = { name: "mail", filters, maxInFlight: 1, ackWaitMs: 1_000 };
  await ensureConsumer(scripted.link, "ORDERS", options, SERVER_MS);
  const create = scripted.requests.find(({ body }) => (body as { action?: string }).action === "create");
  return (create?.body as { config: unknown } | undefined)?.config;
}

t.test("a successor of two predecessors starts after the one that has acknowledged least", async (t) => {
  const config = await made(
    ["a", "b"],
    [
      { filters: ["a"], acknowledged: 70 },
      { filters: ["b"], acknowledged: 20 },
    ],
  );
  t.match(config, { deliver_policy: "by_start_sequence", opt_start_seq: 21 });
});

t.test("of two predecessors with the same filter, the one that was used last counts", async (t) => {
  const config = await made(
    ["a", "c"],
    [
      { filters: ["a"], acknowledged: 70 },
      { filters: ["a", "b"], acknowledged: 20 },
    ],
  );
  t.match(config, { deliver_policy: "by_start_sequence", opt_start_seq: 71 });
});

t.test("a filter that no predecessor had does not change the start", async (t) => {
  t.match(await made(["a", "new"], [{ filters: ["a"], acknowledged: 70 }]), { opt_start_seq: 71 });
  t.match(await made(["new"], [{ filters: ["a"], acknowledged: 70 }]), { opt_start_seq: 71 });
});

t.test("a first consumer starts with events of the last 29 days, by the server's clock", async (t) => {
  t.match(await made(["a"], []), {
    deliver_policy: "by_start_time",
    opt_start_time: "2031-05-01T00:00:00.000Z",
  });
});

t.test("a successor of a predecessor that has acknowledged nothing starts by time", async (t) => {
  const config = await made(
    ["a", "b"],
    [
      { filters: ["a"], acknowledged: 70 },
      { filters: ["b"], acknowledged: 0 },
    ],
  );
  t.match(config, { deliver_policy: "by_start_time" });
});
