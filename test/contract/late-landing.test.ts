/**
 * A batch that was never answered: it may be stored later, after its repetition, or not at all. In memory and on real
 * servers alike, which are stopped (SIGSTOP) while the batch is in flight.
 */
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { type Journal, type Message, ServerCode } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId, mustStore, outcome } from "./expect.ts";
import { inEveryWorld, STALL_MS } from "./worlds.ts";

/** Shorter than a stall. */
const IMPATIENT_MS = 250;

const record = (id: string, sequence: number): Message => {
  const subject = subjects.record(6, id);
  return { subject, payload: "{}", fence: { subject, sequence }, headers: { "Orderly-Commit": `c-${id}` } };
};
const event = (id: string): Message => ({ subject: subjects.event(6, id), payload: "" });

/** An append without an answer, repeated like the relay repeats it: until there is one. */
async function settle(journal: Journal, messages: readonly Message[]): Promise<number | string> {
  let last: number | string = "";
  await waitUntil(
    "there is an answer",
    async () => {
      last = await outcome(journal, messages);
      return last !== "unanswered" && last !== ServerCode.subjectInFlight;
    },
    { timeoutMs: 30_000 },
  );
  return last;
}

/** True once every message sent before the end of a stall has landed or is lost. */
function arrived(): () => boolean {
  const startedAt = performance.now();
  return () => performance.now() - startedAt > STALL_MS;
}

await inEveryWorld(t, async (t, world) => {
  const { journal } = await world.join();
  const { journal: other } = await world.join();
  /** One server accepts messages in the order of sending; the one in memory delivers late, after the repetition. */
  const landsFirst = world.name === "one server";
  /** A cluster that was frozen may have lost messages in flight. */
  const mayBeLost = world.name === "three servers";
  /** Sends while the servers are frozen; none of the messages is answered. */
  const unanswered = async (...sent: (readonly Message[])[]): Promise<void> => {
    const resume = world.stall();
    try {
      for (const messages of sent) {
        t.equal((await journal.append(messages, IMPATIENT_MS)).status, "unanswered");
      }
    } finally {
      resume();
    }
  };

  await t.test(
    "a batch without an answer lands later: its repetition is refused, and the stored record is its own",
    async (t) => {
      const id = freshId();
      const batch = [record(id, 0), event(id)];
      await unanswered(batch);
      const answer = await settle(journal, batch);
      if (landsFirst) t.equal(answer, ServerCode.wrongLastSequence);
      else t.ok(answer === ServerCode.wrongLastSequence || answer === "stored", String(answer));
      const stored = await journal.readLast(subjects.record(6, id));
      t.equal(stored?.headers["Orderly-Commit"], `c-${id}`);
      t.equal((await journal.readAll(subjects.event(6, id))).length, 1);
    },
  );

  await t.test(
    "sent twice before any of it landed, a batch with a precondition on a subject that it writes is stored once",
    async (t) => {
      const id = freshId();
      const batch = [record(id, 0), event(id)];
      await unanswered(batch, batch);
      await settle(journal, batch);
      if (!landsFirst) await waitUntil("every message in flight has arrived", arrived());
      t.equal((await journal.readAll(subjects.record(6, id))).length, 1);
      t.equal((await journal.readAll(subjects.event(6, id))).length, 1);
    },
  );

  await t.test("a batch that lands after another write is refused whole", async (t) => {
    const id = freshId();
    const batch = [record(id, 0), event(id)];
    const resume = world.stall();
    const late = journal.append(batch, IMPATIENT_MS);
    t.equal((await late).status, "unanswered");
    resume();
    const rival = { ...record(id, 0), headers: { "Orderly-Commit": "rival" } };
    const answer = await settle(other, [rival]);
    const [first, ...more] = await journal.readAll(subjects.record(6, id));
    t.same(more, [], "never both");
    const ours = first?.headers["Orderly-Commit"] === `c-${id}`;
    t.equal(ours, answer === ServerCode.wrongLastSequence);
    t.equal((await journal.readAll(subjects.event(6, id))).length, ours ? 1 : 0);
  });

  await t.test("a batch that checks a lock but no subject that it writes is stored twice", async (t) => {
    // The reason why every write set has a precondition: the lock's fence accepts the second landing like the first.
    const lock = subjects.lock(`partition.${freshId()}`);
    const epoch = await mustStore(journal, [
      { subject: lock, payload: "me", fence: { subject: lock, sequence: 0 } },
    ]);
    const id = freshId();
    const batch = [{ ...event(id), fence: { subject: lock, sequence: epoch } }, event(id)];
    await unanswered(batch);
    await settle(journal, batch);
    const times = async () => (await journal.readAll(subjects.event(6, id))).length / batch.length;
    if (mayBeLost) t.ok([1, 2].includes(await times()));
    else await waitUntil("it is there twice", async () => (await times()) === 2);
  });

  await t.test(
    "a batch of many partitions is refused whole when one lock has moved, and the rest fits",
    async (t) => {
      const run = freshId();
      const partitions = Array.from({ length: 12 }, (_, n) => subjects.lock(`partition.${run}-${n}`));
      const epochs = await Promise.all(
        partitions.map((subject) =>
          mustStore(journal, [{ subject, payload: "me", fence: { subject, sequence: 0 } }]),
        ),
      );
      const id = (n: number) => `${run}-${n}`;
      const batchOf = (numbers: readonly number[]) =>
        numbers.flatMap((n) => [
          record(id(n), 0),
          { ...event(id(n)), fence: { subject: partitions[n]!, sequence: epochs[n]! } },
        ]);
      const all = partitions.map((_, n) => n);
      const taken = partitions[7]!;
      await mustStore(other, [
        { subject: taken, payload: "other", fence: { subject: taken, sequence: epochs[7]! } },
      ]);
      t.equal(await outcome(journal, batchOf(all)), ServerCode.wrongLastSequence);
      for (const n of all) t.equal(await journal.readLast(subjects.record(6, id(n))), undefined);
      const rest = all.filter((n) => n !== 7);
      await mustStore(journal, batchOf(rest));
      const stored = await Promise.all(all.map((n) => journal.readLast(subjects.record(6, id(n)))));
      t.same(
        stored.map((message) => message !== undefined),
        all.map((n) => n !== 7),
      );
    },
  );
});
