/** Schedules: durable timers of orders, in memory and on real servers alike. */
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { type Message, ServerCode } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId, mustStore, outcome, storeAtLast } from "./expect.ts";
import { inEveryWorld } from "./worlds.ts";

/** Server codes: a schedule armed twice in one batch; an impossible target; a cancellation of another message. */
const Code = { armedTwice: 10111, target: 10190, scheduler: 10212 } as const;
const SOON_MS = 150;

const timer = (id: string, generation: number) =>
  subjects.timer(1, id, "payment", "xstate.after.1", generation);

const arm = (id: string, generation: number, afterMs = SOON_MS): Message => ({
  subject: timer(id, generation),
  payload: String(generation),
  headers: { "Orderly-Commit": `c-${generation}` },
  schedule: { at: Date.now() + afterMs, target: subjects.inbox(1, id) },
});

const record = (id: string, sequence: number): Message => {
  const subject = subjects.record(1, id);
  return { subject, payload: "{}", fence: { subject, sequence } };
};

const cancel = (message: Message, id: string, generation: number): Message => ({
  ...message,
  cancels: timer(id, generation),
});

await inEveryWorld(t, async (t, world) => {
  const { journal } = await world.join();
  const fired = async (id: string) => {
    const messages = await journal.readAll(subjects.inbox(1, id));
    return messages.map((message) => message.payload);
  };
  /** A schedule armed now for a later time than earlier ones: when it fires, their time is over. */
  const laterOnes = async () => {
    const id = freshId();
    await mustStore(journal, [arm(id, 1, 2 * SOON_MS)]);
    await waitUntil("the later schedule fires", async () => (await fired(id)).length === 1);
  };

  await t.test(
    "a schedule fires once, into its target, with its own headers and without its message id",
    async (t) => {
      const id = freshId();
      const messageId = freshId();
      const armedAt = Date.now();
      await mustStore(journal, [record(id, 0), { ...arm(id, 1), messageId }]);
      await waitUntil("the schedule fires", async () => (await fired(id)).length > 0);
      const message = await journal.readLast(subjects.inbox(1, id));
      t.ok((message?.at ?? 0) >= armedAt + SOON_MS - 5, "not too early");
      t.strictSame(message?.headers, { "Orderly-Commit": "c-1" });
      t.equal(await journal.readLast(timer(id, 1)), undefined, "the schedule itself was deleted");
      await mustStore(journal, [{ subject: subjects.inbox(1, id), payload: "x" }]);
      await laterOnes();
      t.strictSame(await fired(id), ["1", "x"]);
    },
  );

  await t.test("a schedule that is due already fires at once", async (t) => {
    const id = freshId();
    await mustStore(journal, [record(id, 0), arm(id, 1, -60_000)]);
    await waitUntil("the schedule fires", async () => (await fired(id)).length === 1);
    t.pass();
  });

  await t.test("a schedule that a batch cancels never fires", async (t) => {
    const id = freshId();
    const sequence = await mustStore(journal, [arm(id, 1), record(id, 0)]);
    await mustStore(journal, [cancel(record(id, sequence), id, 1)]);
    const other = freshId();
    await mustStore(journal, [arm(other, 1), record(other, 0)]);
    const last = await journal.readLast(subjects.record(1, other));
    await mustStore(journal, [cancel(record(other, last!.sequence), other, 1), record(freshId(), 0)]);
    t.equal(await journal.readLast(timer(other, 1)), undefined);
    await laterOnes();
    t.strictSame(await fired(id), []);
    t.strictSame(await fired(other), []);
  });

  await t.test(
    "armed again under the next generation in the batch that cancels, only the new schedule fires",
    async (t) => {
      const id = freshId();
      const sequence = await mustStore(journal, [arm(id, 1), record(id, 0)]);
      await mustStore(journal, [cancel(record(id, sequence), id, 1), arm(id, 2)]);
      await waitUntil("the new one fires", async () => (await fired(id)).length > 0);
      await laterOnes();
      t.strictSame(await fired(id), ["2"]);
    },
  );

  await t.test(
    "armed again under the next generation at the moment in which the former one fires, no schedule is lost",
    async (t) => {
      // Under the same subject one in a hundred would be lost: acknowledged, and removed with the old one.
      const ids = Array.from({ length: 60 }, freshId);
      await mustStore(
        journal,
        ids.map((id) => arm(id, 1, 100)),
      );
      await Promise.all(
        ids.map(async (id, n) => {
          await new Promise((resolve) => setTimeout(resolve, 100 + 5 * n));
          // 10164 between batches of one node that arm at the same time passes.
          await storeAtLast(journal, [{ ...arm(id, 2, 50), cancels: timer(id, 1) }]);
        }),
      );
      await waitUntil("every new one has fired", async () => {
        const seen = await Promise.all(ids.map(fired));
        return seen.every((payloads) => payloads.at(-1) === "2");
      });
      t.pass();
    },
  );

  await t.test("a batch that arms a schedule twice is refused whole", async (t) => {
    const id = freshId();
    t.equal(await outcome(journal, [record(id, 0), arm(id, 1), arm(id, 1)]), Code.armedTwice);
    t.equal(await journal.readLast(subjects.record(1, id)), undefined);
  });

  await t.test("a cancellation after the arming in one batch removes the new schedule too", async (t) => {
    const id = freshId();
    await mustStore(journal, [arm(id, 1), cancel(record(id, 0), id, 1)]);
    t.equal(await journal.readLast(timer(id, 1)), undefined);
    await laterOnes();
    t.strictSame(await fired(id), []);
  });

  await t.test("a cancellation without a schedule is stored and has no effect", async (t) => {
    const id = freshId();
    await mustStore(journal, [cancel(record(id, 0), id, 1)]);
    t.not(await journal.readLast(subjects.record(1, id)), undefined);
  });

  await t.test("a refused batch neither arms nor cancels", async (t) => {
    const [id, other] = [freshId(), freshId()];
    await mustStore(journal, [arm(id, 1), record(id, 0)]);
    t.equal(
      await outcome(journal, [cancel(record(id, 1), id, 1), arm(other, 1)]),
      ServerCode.wrongLastSequence,
    );
    await waitUntil("the first one fires", async () => (await fired(id)).length > 0);
    await laterOnes();
    t.strictSame(await fired(other), []);
  });

  await t.test(
    "a schedule carries the check of a lock, and fires without it after the lock has moved",
    async (t) => {
      const lock = { subject: subjects.lock(`partition.${freshId()}`), payload: "{}" };
      const epoch = await mustStore(journal, [lock]);
      const id = freshId();
      const checking = (generation: number, sequence: number): Message => ({
        ...arm(id, generation, 2 * SOON_MS),
        fence: { subject: lock.subject, sequence },
      });
      t.equal(
        await outcome(journal, [record(id, 0), checking(1, epoch - 1)]),
        ServerCode.wrongLastSequence,
        "it is checked",
      );
      t.equal(await journal.readLast(subjects.record(1, id)), undefined, "the whole batch is refused");
      const sequence = await mustStore(journal, [record(id, 0), checking(1, epoch)]);
      await mustStore(journal, [record(id, sequence - 1), checking(2, epoch)]);
      await mustStore(journal, [lock]);
      t.equal(await outcome(journal, [checking(3, epoch)]), ServerCode.wrongLastSequence, "alone too");
      await waitUntil("both fire", async () => (await fired(id)).length === 2);
      t.strictSame((await fired(id)).toSorted(), ["1", "2"]);
    },
  );

  await t.test("a target outside the stream, or the schedule's own subject, is refused", async (t) => {
    const id = freshId();
    const at = Date.now() + SOON_MS;
    for (const target of ["elsewhere.1", timer(id, 1)]) {
      const message = { ...arm(id, 1), schedule: { at, target } };
      t.equal(await outcome(journal, [message]), Code.target);
      t.equal(await outcome(journal, [message, record(id, 0)]), Code.target);
    }
  });

  await t.test("a cancellation of a message that is not a schedule is refused", async (t) => {
    const id = freshId();
    await mustStore(journal, [record(id, 0)]);
    const message = { ...record(freshId(), 0), cancels: subjects.record(1, id) };
    t.equal(await outcome(journal, [message]), Code.scheduler);
    t.equal(await outcome(journal, [message, record(freshId(), 0)]), Code.scheduler);
    t.not(await journal.readLast(subjects.record(1, id)), undefined);
  });

  await t.test("a schedule survives a restart of the server, and fires late rather than never", async (t) => {
    const id = freshId();
    const lock = { subject: subjects.lock(`partition.${freshId()}`), payload: "{}" };
    const fence = { subject: lock.subject, sequence: await mustStore(journal, [lock]) };
    await mustStore(journal, [record(id, 0), arm(id, 1, 200), { ...arm(id, 2, 1_500), fence }]);
    await mustStore(journal, [lock]);
    await world.restart();
    await waitUntil("both fire", async () => (await fired(id)).length === 2, { timeoutMs: 20_000 });
    await waitUntil("it can be written again", async () => {
      await mustStore(journal, [arm(freshId(), 1)]);
      return true;
    });
    await laterOnes();
    t.strictSame(await fired(id), ["1", "2"]);
  });
});
