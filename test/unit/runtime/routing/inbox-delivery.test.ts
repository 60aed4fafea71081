/** An input from outside is stored once for its actor, whatever is lost, and never for another one. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type AppendResult, type Message, Unavailable } from "../../../../src/runtime/ports.ts";
import { inboxDelivery } from "../../../../src/runtime/routing/inbox-delivery.ts";
import { partitionOf } from "../../../../src/runtime/subjects.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, NOW } from "../tenure/tenure-stage.ts";

const PARTITIONS = 8;
const STORED: AppendResult = { status: "stored", lastSequence: 1 };
const LOST: AppendResult = { status: "unanswered", reason: "no answer in time" };
const DUPLICATE: AppendResult = { status: "rejected", code: 10201, reason: "duplicate" };
const EVENT = { type: "note.1" };

/** Deliveries whose answers a test scripts; the last one is repeated. */
function stage(...answers: AppendResult[]) {
  const clock = new VirtualClock();
  const sent: { partition: number; message: Message; timeoutMs: number; at: number }[] = [];
  const deliver = inboxDelivery({
    subjects,
    clock,
    partitions: PARTITIONS,
    journalOf: (partition) => ({
      append: async ([message], timeoutMs) => {
        sent.push({ partition, message: message!, timeoutMs, at: clock.monotonic() });
        return answers.length > 1 ? answers.shift()! : answers[0]!;
      },
    }),
  });
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise.finally(() => (isOver = true)).catch(() => {});
    await clock.advanceUntil(() => isOver, 120_000);
    return await promise;
  };
  return { clock, sent, deliver, done };
}

t.test("the message names its actor, its machine, its event and its id", async (t) => {
  const { sent, deliver, done } = stage(STORED);
  const event = { type: "captured", amount: 5 } as { type: string };
  t.equal(await done(deliver("ord_1", "payment", event, "evt_1")), "stored");
  const partition = partitionOf("ord_1", PARTITIONS);
  t.equal(sent.length, 1);
  t.match(sent[0], { partition, message: { subject: subjects.inbox(partition, "ord_1") } });
  t.strictSame(JSON.parse(sent[0]!.message.payload), {
    kind: "event",
    machine: "payment",
    event: { type: "captured", amount: 5 },
    id: "evt_1",
  });
  await done(deliver("ord_1", "payment", EVENT, "evt_2", "digest of it"));
  t.match(JSON.parse(sent[1]!.message.payload), { id: "evt_2", digest: "digest of it" });
});

t.test("the same id about two actors has two message ids, and a repeat has the same one", async (t) => {
  const { sent, deliver, done } = stage(STORED);
  await done(deliver("ord_1", "diary", EVENT, "evt_1"));
  await done(deliver("ord_2", "diary", EVENT, "evt_1"));
  await done(deliver("ord_1", "diary", EVENT, "evt_1"));
  await done(deliver("ord_1", "diary", EVENT, "evt_2"));
  const ids = sent.map(({ message }) => message.messageId);
  t.equal(new Set(ids).size, 3);
  t.equal(ids[0], ids[2]);
});

t.test("a webhook with one id about two actors is applied by both", async (t) => {
  const cluster = memoryCluster({ partitions: 2 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const actors = Array.from({ length: 6 }, (_, n) => `d${n}`);
  for (const actor of actors) await cluster.done(one.actors.start(actor, {}, NOW));
  for (const actor of [...actors, ...actors])
    await cluster.done(one.actors.deliver(actor, "diary", EVENT, "evt_1"));
  await cluster.clock.advance(1000);
  for (const actor of actors) {
    const { snapshot } = cluster.ok(await cluster.done(one.actors.read(actor)));
    t.same(notes(snapshot), ["note.1"], actor);
  }
  one.kill();
});

t.test(
  "an unanswered delivery is repeated with the same message, after pauses that grow to 2 s",
  async (t) => {
    const { sent, deliver, done } = stage(LOST, LOST, LOST, LOST, LOST, LOST, LOST, STORED);
    await done(deliver("ord_1", "diary", EVENT, "evt_1"));
    t.equal(sent.length, 8);
    for (const { message, timeoutMs } of sent) {
      t.strictSame(message, sent[0]?.message);
      t.equal(timeoutMs, 2000);
    }
    t.strictSame(
      sent.slice(1).map(({ at }, n) => at - sent[n]!.at),
      [100, 200, 400, 800, 1600, 2000, 2000],
    );
  },
);

t.test("a message id that the server knows is reported: an input of that id is stored", async (t) => {
  for (const answers of [[DUPLICATE], [LOST, DUPLICATE]]) {
    const { sent, deliver, done } = stage(...answers);
    t.equal(await done(deliver("ord_1", "diary", EVENT, "evt_1")), "known");
    t.equal(sent.length, answers.length);
  }
});

t.test("any other refusal ends the delivery at once and is not retryable", async (t) => {
  for (const code of [10071, 10054]) {
    const { sent, deliver, done } = stage({ status: "rejected", code, reason: "too large" });
    const failed = done(deliver("ord_1", "diary", EVENT, "evt_1"));
    await t.rejects(failed, { message: /refused the message: too large/u, name: "Error" });
    t.equal(sent.length, 1);
  }
});

t.test("ten tries without an answer are unavailable, within about half a minute", async (t) => {
  const { clock, sent, deliver, done } = stage(LOST);
  await t.rejects(done(deliver("ord_1", "diary", EVENT, "evt_1")), Unavailable);
  t.equal(sent.length, 10);
  t.ok(clock.monotonic() <= 15_000);
});
