/** The sender of one endpoint on a virtual clock: tries, pauses, the breaker, and what a crash repeats. */
import t, { type Test } from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type StoredMessage, Unavailable } from "../../../../src/runtime/ports.ts";
import { Deliveries, type Delivery } from "../../../../src/services/outgoing/deliveries.ts";
import { EndpointSender, pauseAfter, TRIES_MAX } from "../../../../src/services/outgoing/endpoint-sender.ts";
import type { Endpoint, Progress } from "../../../../src/services/outgoing/endpoints.ts";
import { OutgoingTally } from "../../../../src/services/outgoing/outgoing-tally.ts";
import type { PostResult } from "../../../../src/services/outgoing/post.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";

const endpoint: Endpoint = {
  id: "whe_1",
  url: "https://shop.example.com/",
  types: ["order.confirmed"],
  createdAt: "",
  secret: "",
  generation: 0,
  from: [0],
};
const message = (sequence: number, order: number): StoredMessage => ({
  subject: "orders.events.0.order.confirmed",
  sequence,
  at: 0,
  headers: {
    "ce-id": `ord_${order}.${sequence}.0`,
    "ce-type": "order.confirmed",
    "ce-subject": `ord_${order}`,
    "ce-time": "2026-11-22T10:00:00.000Z",
  },
  payload: "{}",
});

/** Senders over one store. `answer`: of each request, by the event and how often it was sent. */
function stage(t: Test) {
  const clock = new VirtualClock();
  const tally = new OutgoingTally();
  const stored = new Map<string, string>();
  const progress: Progress[] = [];
  const sent: { readonly id: string; readonly at: number; readonly sequence: number }[] = [];
  const state = {
    answer: (_id: string, _times: number): PostResult => ({ status: 204, error: null }),
    isAway: false,
    mostAtOnce: 0,
  };
  let atOnce = 0;
  const orAway = <T>(value: () => T): Promise<T> =>
    state.isAway ? Promise.reject(new Unavailable("away")) : Promise.resolve(value());
  const deliveries = new Deliveries(
    {
      get: (key) =>
        orAway(() => (stored.has(key) ? { key, value: stored.get(key)!, revision: 1, at: 0 } : undefined)),
      put: (key, value) => orAway(() => stored.set(key, value).size),
    },
    async () => [],
  );
  const start = (change: Partial<Endpoint> = {}, from = [0]): EndpointSender => {
    const sender = new EndpointSender({
      endpoint: { ...endpoint, ...change },
      secrets: [{ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }],
      from,
      endpoints: { advance: (_, one) => orAway(() => void progress.push(one)) },
      deliveries,
      post: async (_, headers, body) => {
        state.mostAtOnce = Math.max(state.mostAtOnce, ++atOnce);
        const { data } = JSON.parse(body) as { data: { sequence: number } };
        const id = headers["webhook-id"]!;
        sent.push({ id, at: clock.monotonic(), sequence: data.sequence });
        await clock.sleep(10);
        atOnce--;
        return state.answer(id, sent.filter((one) => one.id === id).length);
      },
      tally,
      clock,
      log: quietLog,
    });
    t.teardown(async () => {
      const stopped = sender.stop();
      await clock.advance(1_000);
      await stopped;
    });
    return sender;
  };
  const deliveryOf = async (sequence: number, order: number): Promise<Delivery | undefined> =>
    await deliveries.get(endpoint.id, `ord_${order}.${sequence}.0`);
  return { clock, stored, progress, sent, state, start, deliveryOf, tally };
}

const failed = { status: 500, error: "http_500" };

t.test(
  "an event that fails is sent again after growing pauses; later events of its order wait for it",
  async (t) => {
    const { clock, deliveryOf, progress, sent, start, state, tally } = stage(t);
    state.answer = (id, times) => (id === "ord_1.1.0" && times <= 3 ? failed : { status: 204, error: null });
    const sender = start();
    for (const [sequence, order] of [
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 3],
    ] as const)
      await sender.accept(0, message(sequence, order));
    await clock.advance(2_000);
    t.strictSame(
      sent.map(({ sequence }) => sequence),
      [1, 3, 4],
    );
    t.match(await deliveryOf(1, 1), {
      state: "pending",
      attempts: 1,
      status: 500,
      error: "http_500",
      version: 1,
    });
    t.strictSame(progress, [], "the position does not pass the failed event");
    t.match(tally.counts(), { endpoints: { closed: 1, open: 0 }, pending: 2, tries: { retried: 1 } });
    await clock.advance(60_000);
    const times = sent.filter(({ sequence }) => sequence === 1).map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - times[index]! - 10);
    t.strictSame(gaps, [5_000, 10_000, 20_000]);
    t.equal(sent.at(-1)?.sequence, 2);
    t.match(await deliveryOf(1, 1), { state: "delivered", attempts: 4, status: 204, error: null });
    t.match(tally.counts(), { pending: 0, tries: { delivered: 4, retried: 3, failed: 0 } });
    t.strictSame(progress.at(-1), { generation: 0, positions: [4] });
    t.ok(state.mostAtOnce <= 2);
  },
);

t.test(
  "an event that always fails is failed in the end, and the next one of its order is sent",
  async (t) => {
    const { clock, deliveryOf, sent, start, state } = stage(t);
    state.answer = (id) =>
      id === "ord_1.1.0" ? { status: 400, error: "http_400" } : { status: 204, error: null };
    const sender = start();
    await sender.accept(0, message(1, 1));
    await sender.accept(0, message(2, 1));
    await clock.advance(8 * 3_600_000);
    t.match(await deliveryOf(1, 1), { state: "failed", attempts: TRIES_MAX });
    t.match(await deliveryOf(2, 1), { state: "delivered", attempts: 1 });
    t.equal(sent.filter(({ sequence }) => sequence === 1).length, TRIES_MAX);
    t.strictSame([pauseAfter(1), pauseAfter(2), pauseAfter(20)], [5_000, 10_000, 3_600_000]);
  },
);

t.test("an endpoint that does not work gets single tries only, until it works again", async (t) => {
  const { clock, sent, start, state } = stage(t);
  let works = false;
  state.answer = () => (works ? { status: 204, error: null } : { status: null, error: "econnrefused" });
  const sender = start();
  for (let sequence = 1; sequence <= 40; sequence++) await sender.accept(0, message(sequence, sequence));
  await clock.advance(60_000);
  t.ok(sent.length >= 5 && sent.length < 25, `${sent.length} tries within a minute, of 40 events`);
  works = true;
  await clock.advance(120_000);
  t.equal(new Set(sent.map(({ id }) => id)).size, 40);
  t.equal(sent.filter(({ id }) => id === "ord_40.40.0").length, 1);
});

t.test(
  "the next sender sends nothing again that is stored as over, and goes on with its tries",
  async (t) => {
    const { clock, deliveryOf, sent, start, state } = stage(t);
    state.answer = (id) => (id === "ord_1.1.0" ? failed : { status: 204, error: null });
    const first = start();
    for (const order of [1, 2, 3]) await first.accept(0, message(order, order));
    await clock.advance(1_000);
    const stopped = first.stop();
    await clock.advance(1_000);
    await stopped;
    sent.length = 0;
    state.answer = () => ({ status: 204, error: null });
    const second = start();
    for (const order of [1, 2, 3, 4]) await second.accept(0, message(order, order));
    await clock.advance(1_000);
    t.strictSame(
      sent.map(({ sequence }) => sequence),
      [1, 4],
    );
    t.match(await deliveryOf(1, 1), { state: "delivered", attempts: 2 });
    // A replay is another generation: everything again.
    sent.length = 0;
    const third = start({ generation: 1 });
    for (const order of [1, 2, 3, 4]) await third.accept(0, message(order, order));
    await clock.advance(1_000);
    t.strictSame(
      sent.map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
    t.match(await deliveryOf(1, 1), { attempts: 1, generation: 1 });
  },
);

t.test("while the server is away nothing is over, and a message that is no event is left out", async (t) => {
  const { clock, deliveryOf, progress, start, state } = stage(t);
  state.isAway = true;
  const sender = start();
  await sender.accept(0, message(1, 1));
  await sender.accept(0, { ...message(2, 1), headers: {} });
  await sender.accept(0, { ...message(3, 1), headers: { ...message(3, 1).headers, "ce-id": "other" } });
  await clock.advance(5_000);
  t.strictSame(progress, []);
  state.isAway = false;
  await clock.advance(5_000);
  t.match(await deliveryOf(1, 1), { state: "delivered" });
  t.strictSame(progress.at(-1), { generation: 0, positions: [1] });
});
