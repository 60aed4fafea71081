/** When a worker asks the server for items, and for how many. */
import t from "tap";
import { PullLoop } from "../../../src/adapters/nats/pull-loop.ts";
import { natsWorkQueue } from "../../../src/adapters/nats/work-queue.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { scriptedLink } from "./scripted-link.ts";

t.test("an idle worker asks again on every new connection", async (t) => {
  const scripted = scriptedLink();
  const loop = new PullLoop(scripted.link, {
    stream: "ORDERS",
    consumer: "mail-1",
    maxInFlight: 5,
    onItem: async () => undefined,
    onConsumerGone: async () => undefined,
  });
  loop.start();
  t.equal(scripted.published.length, 1);
  scripted.connect(false);
  t.strictSame(scripted.inboxes(), [], "a request of the lost connection has ended");
  scripted.connect(true);
  t.equal(scripted.published.length, 2);
  t.match(scripted.published[1], { subject: "$JS.API.CONSUMER.MSG.NEXT.ORDERS.mail-1", body: { batch: 5 } });
  t.strictSame(scripted.inboxes(), [scripted.published[1]?.reply]);
  await loop.stop();
});

t.test("all places of a worker are shared by the streams, those that do not divide included", async (t) => {
  const scripted = scriptedLink(({ subject }) => {
    if (subject.includes("CONSUMER.INFO")) return { error: { code: 404, err_code: 10014 } };
    return subject.includes("CONSUMER.NAMES") ? { total: 0, consumers: null } : {};
  });
  const queue = natsWorkQueue(scripted.link, subjects, Date.now, 3);
  const options = { name: "mail", filters: ["orders.events.*.a"], maxInFlight: 5, ackWaitMs: 1_000 };
  const subscription = await queue.consume(options, async () => undefined);
  const places = subjects.streams(3).map((stream) => {
    const asked = scripted.published.find(({ subject }) => subject.includes(`.NEXT.${stream}.`));
    return (asked?.body as { batch: number } | undefined)?.batch;
  });
  t.strictSame(places, [2, 2, 1]);
  await subscription.stop();
});
