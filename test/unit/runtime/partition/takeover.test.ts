/** What a new owner finds before it serves: the edges of the replay, and lists of an earlier owner that are old. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, fixedDiary, notes, record, worked } from "../tenure/tenure-stage.ts";
import { type PartitionStage, partitionStage } from "./partition-stage.ts";

const PARKED_LIST = subjects.parkedActors(0);
const park = (stage: PartitionStage, actor: string, more: object = {}): number =>
  stage.put(
    subjects.parked(0, actor),
    JSON.stringify({
      status: "parked",
      id: `p-${actor}`,
      actor,
      since: 1,
      reason: "r",
      name: null,
      input: null,
      inbox: 0,
      version: 1,
      record: 0,
      ...more,
    }),
  );
const unpark = (stage: PartitionStage, actor: string): number =>
  stage.put(
    subjects.parked(0, actor),
    JSON.stringify({ status: "resumed", parking: `p-${actor}`, actor, at: 1 }),
  );
/** The next reading of the subject shows the log as it was at `sequence`. */
const readOnceAsOf = (stage: PartitionStage, subject: string, sequence: number): void => {
  let left = 1;
  stage.faults.push(({ kind, subject: read }) =>
    kind === "read" && read === subject && left-- > 0
      ? { staleBy: stage.log.lastSequence - sequence }
      : undefined,
  );
};
/** Stored actors, and no owner. */
async function stored(actors: readonly string[], definition = diary()): Promise<PartitionStage> {
  const stage = partitionStage({ definition });
  await stage.open();
  for (const actor of actors) await stage.start(actor);
  stage.partition.revoke();
  return stage;
}
const noted = async (stage: PartitionStage, actor = "d"): Promise<unknown> => {
  const reply = await stage.read(actor);
  return reply.status === "ok" ? notes(reply.snapshot) : reply.status;
};

t.test("a list of parked actors that has some of them and not the newest is rejected", async (t) => {
  const stage = await stored(["a", "b"]);
  const first = park(stage, "a");
  const newest = park(stage, "b");
  stage.state({ through: stage.log.lastSequence, parkedAt: newest });
  readOnceAsOf(stage, PARKED_LIST, first);
  const epoch = stage.acquireLock();
  await t.rejects(stage.done(stage.partition.acquire(epoch)), Unavailable);
  t.notOk(stage.partition.isOpen());
  await stage.open();
  t.equal(stage.partition.counts().parked, 2);
  await stage.done(stage.partition.writeCheckpoint());
  t.equal(stage.checkpoint()?.parkedAt, newest, "the next owner needs it as well");
  for (const actor of ["a", "b"]) {
    t.match(await stage.command("note.1", { actor }), { code: "actor_parked" }, actor);
  }
});

t.test(
  "a list of parked actors is taken when it has exactly the newest that the checkpoint knows",
  async (t) => {
    const stage = await stored(["a", "b"]);
    const first = park(stage, "a");
    stage.state({ through: stage.log.lastSequence, parkedAt: first });
    await stage.open();
    t.equal(stage.partition.counts().parked, 1);
    t.same(await noted(stage, "b"), []);
  },
);

t.test("a list that is older than the replay does not hide what the replay has found", async (t) => {
  const stage = await stored(["a", "b"], fixedDiary());
  const first = park(stage, "a");
  stage.state({ through: stage.log.lastSequence, parkedAt: first });
  stage.inbox("note.1", "e1", "a");
  park(stage, "b");
  unpark(stage, "a");
  readOnceAsOf(stage, PARKED_LIST, first);
  await stage.open();
  t.equal(stage.partition.counts().parked, 1);
  t.match(await stage.command("note.9", { actor: "b" }), { code: "actor_parked" }, "parked after the list");
  t.match(
    await stage.command("note.9", { actor: "a" }),
    { status: "ok" },
    "its parking ended after the list",
  );
  t.same(await noted(stage, "a"), ["note.1", "note.9"]);
});

t.test(
  "an actor whose parking has just ended reads its inbox, also what the checkpoint has passed",
  async (t) => {
    const stage = await stored(["d"]);
    park(stage, "d");
    stage.inbox("note.1");
    const through = stage.log.lastSequence;
    const ending = unpark(stage, "d");
    stage.state({ through, parkedAt: ending });
    await stage.open();
    await stage.clock.advance(10);
    t.same(await noted(stage), ["note.1"]);
  },
);

t.test("an actor whose parking ended before the checkpoint does not read its inbox", async (t) => {
  const stage = await stored(["d"]);
  park(stage, "d");
  const ending = unpark(stage, "d");
  stage.state({ through: ending, parkedAt: ending });
  let read = 0;
  stage.faults.push(({ kind, subject }) => {
    if (kind === "read" && subject === subjects.inbox(0, "d")) read++;
    return undefined;
  });
  await stage.open();
  await stage.clock.advance(100);
  t.equal(read, 0);
});

t.test("an actor that lags reads its inbox; one that is parked as well does not", async (t) => {
  const stage = await stored(["a", "b"]);
  stage.inbox("note.1", "e1", "a");
  stage.inbox("note.1", "e2", "b");
  const at = park(stage, "b");
  stage.state({ through: stage.log.lastSequence, parkedAt: at, behind: ["a", "b"] });
  await stage.open();
  await stage.clock.advance(10);
  t.same(await noted(stage, "a"), ["note.1"]);
  t.same(await noted(stage, "b"), [], "its last good state");
});

t.test("an actor that lags and is open resumes its effect only when its inbox is read", async (t) => {
  let runs = 0;
  let unreadable = true;
  const stage = partitionStage({
    definition: diary(() => {
      runs++;
      return new Promise(() => {});
    }),
  });
  await stage.open();
  await stage.start();
  await stage.command("work");
  await stage.clock.advance(10);
  stage.partition.revoke();
  t.equal(stage.effects.count(), 0, "its owner has forgotten the effect");
  runs = 0;
  stage.inbox("note.1");
  stage.state({ through: stage.log.lastSequence, open: ["d"], behind: ["d"] });
  stage.faults.push(({ kind, subject }) =>
    unreadable && kind === "read" && subject === subjects.inbox(0, "d") ? { lose: "request" } : undefined,
  );
  await stage.open();
  t.equal(runs, 0, "the takeover does not resume it");
  unreadable = false;
  await stage.clock.advance(20_000);
  t.equal(runs, 1, "the end of the catch-up does");
  t.same(await noted(stage), ["note.1"]);
});

t.test("the replay begins right after the checkpoint and ends right before the lock entry", async (t) => {
  const stage = await stored(["d"]);
  const passed = stage.inbox("note.0");
  stage.state({ through: passed });
  stage.inbox("note.1");
  stage.inbox("note.2");
  const epoch = stage.acquireLock();
  const after = stage.inbox("note.3");
  t.same([epoch, after], [passed + 3, epoch + 1], "the lock entry has neighbors on both sides");
  await stage.done(stage.partition.acquire(epoch));
  await stage.clock.advance(10);
  t.same(await noted(stage), ["note.1", "note.2", "note.3"]);
  t.same(
    stage.records().map(({ snapshot }) => snapshot.inbox),
    [0, passed + 1, passed + 2, after],
    "each once, and under its own inbox sequence",
  );
});

t.test(
  "a partition without messages is taken over: the lock entry itself is the end of the replay",
  async (t) => {
    const stage = partitionStage();
    const epoch = await stage.open();
    t.equal(epoch, 1);
    t.equal((await stage.start()).status, "ok");
  },
);

t.test("a replay that is interrupted in the middle goes on, and the takeover misses nothing", async (t) => {
  const stage = await stored(["d"]);
  for (let i = 1; i <= 5; i++) stage.inbox(`note.${i}`);
  const release = stage.hold("replay");
  const epoch = stage.acquireLock();
  const acquired = stage.partition.acquire(epoch);
  await stage.clock.advance(1000);
  stage.link.disconnect();
  release();
  await stage.clock.advance(3000);
  t.notOk(stage.partition.isOpen(), "half of the messages are not read");
  stage.link.reconnect();
  await stage.done(acquired);
  await stage.clock.advance(10);
  t.same(await noted(stage), ["note.1", "note.2", "note.3", "note.4", "note.5"]);
});

t.test("every actor with an open effect is resumed, however many there are", async (t) => {
  const count = 2 * limits.partitionLoads + 3;
  let hang = true;
  const stage = partitionStage({
    definition: diary(({ key }) => (hang ? new Promise(() => {}) : Promise.resolve(key))),
  });
  await stage.open();
  const actors = Array.from({ length: count }, (_, i) => `d${i}`);
  for (const actor of actors) {
    await stage.start(actor);
    await stage.command("work", { actor });
  }
  stage.partition.revoke();
  hang = false;
  // Half of them are known to the checkpoint alone, the others to the replay alone.
  const half = Math.floor(count / 2);
  const through = stage.log.last(record(`d${half - 1}`))?.sequence ?? 0;
  stage.state({ through, open: actors.slice(0, half) });
  await stage.open();
  await stage.clock.advance(100);
  for (const actor of actors) {
    const reply = await stage.read(actor);
    if (reply.status !== "ok" || worked(reply.snapshot).length !== 1) t.fail(`${actor} is not resumed`);
  }
  t.equal(stage.effects.count(), 0);
});

t.test(
  "an actor with an open effect is not resumed from a reading that is older than the replay",
  async (t) => {
    let runs = 0;
    const stage = partitionStage({
      definition: diary(({ key }) => (++runs === 1 ? new Promise(() => {}) : Promise.resolve(key))),
    });
    await stage.open();
    await stage.start();
    const before = stage.log.lastSequence;
    await stage.command("work");
    stage.partition.revoke();
    readOnceAsOf(stage, record("d"), before);
    // Ends with the first reading, or reads again.
    const epoch = stage.acquireLock();
    await stage.done(stage.partition.acquire(epoch).catch(() => {}));
    if (!stage.partition.isOpen()) await stage.open();
    await stage.clock.advance(100);
    const reply = await stage.read();
    t.same(reply.status === "ok" && worked(reply.snapshot), ["d:diary.job:2000"]);
  },
);

t.test(
  "an input of the replay is decided after the actor's open effect is resumed, in its own place",
  async (t) => {
    let runs = 0;
    const stage = partitionStage({
      definition: diary(({ key }) => (++runs === 1 ? new Promise(() => {}) : Promise.resolve(key))),
    });
    await stage.open();
    await stage.start();
    await stage.command("work");
    stage.partition.revoke();
    stage.inbox("stop");
    stage.inbox("work");
    await stage.open();
    await stage.clock.advance(100);
    const reply = await stage.read();
    t.same(reply.status === "ok" && worked(reply.snapshot).length, 1, "the second one");
    t.equal(stage.effects.count(), 0);
  },
);

t.test("a record of the replay is known to every later read, without a proof of the reading", async (t) => {
  const stage = partitionStage();
  await stage.open();
  await stage.start();
  const before = stage.log.lastSequence;
  await stage.command("note.1");
  stage.partition.revoke();
  await stage.open();
  stage.forgeReadings(before);
  t.match(await stage.read(), { status: "unavailable" });
  stage.forgeReadings(undefined);
  t.same(await noted(stage), ["note.1"]);
});
