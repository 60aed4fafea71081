/** Consuming the journal: in order, without gaps, across all faults of servers and connections. */
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import type { Journal, Message } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId, mustStore, storeAtLast } from "./expect.ts";
import { inEveryWorld } from "./worlds.ts";

const input = (id: string, payload: number): Message => ({
  subject: subjects.inbox(2, id),
  payload: String(payload),
});

const write = async (into: Journal, id: string, from: number, to: number): Promise<number> => {
  let last = 0;
  for (let n = from; n <= to; n += 50) {
    const batch = Array.from({ length: Math.min(50, to - n + 1) }, (_, k) => input(id, n + k));
    last = await mustStore(into, batch);
  }
  return last;
};

const numbers = (to: number, from = 1) => Array.from({ length: to - from + 1 }, (_, n) => String(from + n));

await inEveryWorld(t, async (t, world) => {
  const { journal } = await world.join();
  const writer = await world.join();

  await t.test(
    "every message from the given sequence on comes once and in order, then later ones",
    async (t) => {
      const id = freshId();
      const third = (await write(writer.journal, id, 1, 3)) ?? 0;
      await write(writer.journal, id, 4, 120);
      const got: string[] = [];
      const sequences: number[] = [];
      const subscription = await journal.consume(
        { filters: [subjects.inbox(2, id)], fromSequence: third },
        (message) => {
          got.push(message.payload);
          sequences.push(message.sequence);
        },
      );
      await waitUntil("the old ones came", () => got.length === 118);
      await write(writer.journal, id, 121, 200);
      await waitUntil("the new ones came", () => got.length >= 198);
      t.strictSame(got, numbers(200, 3));
      t.strictSame(
        sequences,
        sequences.toSorted((a, b) => a - b),
      );
      await subscription.stop();
    },
  );

  await t.test("only messages that match one of the filters come", async (t) => {
    const id = freshId();
    const lock = subjects.lock(`partition.${id}`);
    const got: string[] = [];
    const subscription = await journal.consume(
      { filters: [subjects.inboxes(7), subjects.records(7), lock], fromSequence: 1 },
      (message) => void got.push(message.subject),
    );
    const wanted = [subjects.inbox(7, id), subjects.record(7, id), lock];
    const others = [subjects.inbox(8, id), subjects.event(7, "x"), subjects.lock(`partition.${id}0`)];
    await mustStore(
      writer.journal,
      [...others, ...wanted].map((subject) => ({ subject, payload: "" })),
    );
    await waitUntil("they came", () => got.length >= 3);
    t.strictSame(got, wanted);
    await subscription.stop();
  });

  await t.test("the next message waits for the promise of the one before", async (t) => {
    const id = freshId();
    await write(writer.journal, id, 1, 10);
    let running = 0;
    let most = 0;
    const got: string[] = [];
    const subscription = await journal.consume(
      { filters: [subjects.inbox(2, id)], fromSequence: 1 },
      async (message) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        got.push(message.payload);
      },
    );
    await waitUntil("all came", () => got.length === 10);
    t.equal(most, 1);
    t.strictSame(got, numbers(10));
    await subscription.stop();
  });

  await t.test("a stopped consumer delivers nothing, also when a callback has stopped it", async (t) => {
    const id = freshId();
    await write(writer.journal, id, 1, 20);
    const got: string[] = [];
    const started = Promise.withResolvers<{ stop(): Promise<void> }>();
    const subscription = await journal.consume(
      { filters: [subjects.inbox(2, id)], fromSequence: 1 },
      async (message) => {
        got.push(message.payload);
        if (got.length === 5) await (await started.promise).stop();
      },
    );
    started.resolve(subscription);
    await waitUntil("five came", () => got.length >= 5);
    const marker = freshId();
    const seen: string[] = [];
    const second = await journal.consume(
      { filters: [subjects.inbox(2, id), subjects.inbox(2, marker)], fromSequence: 1 },
      (message) => void seen.push(message.subject),
    );
    await write(writer.journal, marker, 1, 1);
    await waitUntil("another consumer has the marker", () => seen.includes(subjects.inbox(2, marker)));
    t.strictSame(got, numbers(5));
    await second.stop();
  });

  await t.test(
    "more messages than a server sends unacknowledged wait for a slow callback, and come in order",
    async (t) => {
      const id = freshId();
      const gate = Promise.withResolvers<void>();
      const got: string[] = [];
      const subscription = await journal.consume(
        { filters: [subjects.inbox(2, id)], fromSequence: 1 },
        async (message) => {
          got.push(message.payload);
          if (got.length === 1) await gate.promise;
        },
      );
      await write(writer.journal, id, 1, 1_500);
      await waitUntil("the first came", () => got.length === 1);
      gate.resolve();
      await waitUntil("all came", () => got.length === 1_500);
      t.strictSame(got, numbers(1_500));
      await subscription.stop();
    },
  );

  await t.test("a fired schedule comes under its target", async (t) => {
    const id = freshId();
    const got: string[] = [];
    const subscription = await journal.consume(
      { filters: [subjects.inbox(2, id)], fromSequence: 1 },
      (message) => void got.push(message.payload),
    );
    const schedule = { at: Date.now() + 50, target: subjects.inbox(2, id) };
    await mustStore(writer.journal, [
      { subject: subjects.timer(2, id, "m", "t", 1), payload: "fired", schedule },
      { subject: subjects.event(2, "x"), payload: "" },
    ]);
    await waitUntil("it came", () => got.length > 0);
    t.strictSame(got, ["fired"]);
    await subscription.stop();
  });

  await t.test("nothing is lost, repeated or out of order when servers and connections die", async (t) => {
    const id = freshId();
    const filters = [subjects.inbox(2, id)];
    const followers = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const got: string[] = [];
        const sequences: number[] = [];
        const subscription = await journal.consume({ filters, fromSequence: 1 }, async (message) => {
          got.push(message.payload);
          sequences.push(message.sequence);
          // Some are slow, so that many messages are in flight when the connection breaks.
          if (index % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        });
        return { got, sequences, subscription };
      }),
    );
    let written = 0;
    const interruption = { over: false };
    const writing = (async () => {
      while (!interruption.over || written < 300) {
        // Unanswered ones are repeated under the same sequence of numbers; the stream's content is the truth.
        await storeAtLast(writer.journal, [input(id, ++written), input(id, ++written)]);
      }
    })();
    await world.interrupt();
    interruption.over = true;
    await writing;
    const truth = (await writer.journal.readAll(subjects.inbox(2, id))).map((message) => message.payload);
    t.ok(truth.length >= 300);
    for (const { got, sequences, subscription } of followers) {
      await waitUntil("everything came", () => got.length >= truth.length, { timeoutMs: 30_000 });
      t.strictSame(got, truth);
      t.strictSame(
        sequences,
        sequences.toSorted((a, b) => a - b),
      );
      await subscription.stop();
    }
  });
});
