/** What an operator does about a parked actor while other things happen: refusals, races, and old readings. */
import t from "tap";
import { readParking } from "../../../../src/runtime/actor/parking-record.ts";
import { readRecord } from "../../../../src/runtime/actor/record-decoding.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, fixedDiary, notes, record } from "./tenure-stage.ts";
import { type Hand, INFINITE, withDiary } from "./hand-stage.ts";

const parkings = (stage: Hand): string[] =>
  stage.log
    .all(subjects.parked(0, "d"))
    .map(({ payload }) => (JSON.parse(payload) as { status: string }).status);
const lastParking = (stage: Hand): Record<string, unknown> =>
  JSON.parse(stage.log.last(subjects.parked(0, "d"))?.payload ?? "{}") as Record<string, unknown>;
const id = (stage: Hand): string => String(lastParking(stage)["id"]);
/** Actor `d`, parked by an inbox input after one note. */
async function parked(definition = diary()): Promise<Hand> {
  const stage = withDiary(definition);
  stage.deliver("note.1");
  stage.one("stored");
  stage.deliver("poison");
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.clock.advance(1);
  return stage;
}

t.test("a parking states its cause, and the last good state with the sequence of its record", async (t) => {
  const stage = await parked();
  const inboxes = stage.log.all(subjects.inbox(0, "d"));
  t.match(lastParking(stage), {
    status: "parked",
    actor: "d",
    name: "inbox:poison",
    inbox: inboxes.at(-1)?.sequence,
    version: 2,
    record: stage.log.last(record("d"))?.sequence,
  });
});

t.test(
  "a parking that was not stored is stored again under another id, after the newest message",
  async (t) => {
    const stage = withDiary();
    stage.deliver("poison");
    await stage.clock.advance(1);
    const first = stage.writeSets[0];
    t.same(first?.preconditions, [{ subject: subjects.parked(0, "d"), sequence: 0 }]);
    // Another writer was there before.
    const other = stage.put(
      subjects.parked(0, "d"),
      JSON.stringify({ status: "resumed", parking: "p", actor: "d", at: 1 }),
    );
    stage.one("fenced");
    await stage.clock.advance(251);
    const second = stage.writeSets[0];
    t.not(second?.commit, first?.commit);
    t.same(second?.preconditions, [{ subject: subjects.parked(0, "d"), sequence: other }]);
    t.same(second?.locks, first?.locks);
    stage.one("stored");
    await stage.clock.advance(1);
    t.equal(id(stage), second?.commit, "the stored id is the commit's");
    t.equal(stage.tenure.checkpoint(INFINITE).parkedAt, stage.log.last(subjects.parked(0, "d"))?.sequence);
  },
);

t.test(
  "while a parking is being stored the operator is asked to wait, and the actor is listed as open",
  async (t) => {
    const stage = withDiary();
    const input = stage.deliver("poison");
    await stage.clock.advance(1);
    const parkingNow = { status: "unavailable", reason: /being parked/ };
    t.match(await stage.done(stage.tenure.resume("d")), parkingNow);
    t.match(await stage.done(stage.tenure.skip("d", "x")), parkingNow);
    const state = stage.tenure.checkpoint(INFINITE);
    t.same([state.open, state.through], [["d"], input - 1]);
    stage.one("stored");
    await stage.clock.advance(1);
    t.same(stage.tenure.checkpoint(INFINITE).open, []);
  },
);

t.test(
  "an input for a parked actor is done at once; its sequence is remembered for the resume",
  async (t) => {
    const stage = await parked(diary());
    const later = stage.deliver("note.2");
    t.equal(stage.tenure.backlog(), 0);
    t.equal(stage.tenure.checkpoint(INFINITE).through, later);
    t.match(stage.command("note.3"), [{ status: "refused", code: "actor_parked" }]);
  },
);

t.test("two operations on one actor do not run at once; the same one twice is one", async (t) => {
  const stage = await parked();
  const resumes = [stage.tenure.resume("d"), stage.tenure.resume("d")];
  const skip = stage.tenure.skip("d", id(stage));
  t.match(await stage.done(skip), { status: "unavailable", reason: /another operator/ });
  await stage.clock.advance(1);
  t.equal(stage.writeSets.length, 1);
  stage.one("fenced");
  t.match(await stage.done(Promise.all(resumes)), [{ status: "unavailable" }, { status: "unavailable" }]);
  const again = stage.tenure.skip("d", id(stage));
  await stage.clock.advance(1);
  t.equal(stage.writeSets.length, 1, "the first one has ended");
  stage.one("stored");
  await stage.quiet();
  t.equal((await stage.done(again)).status, "ok");
});

t.test("two skips of different parkings are two operations", async (t) => {
  const stage = await parked();
  const first = stage.tenure.skip("d", id(stage));
  t.match(await stage.done(stage.tenure.skip("d", "other")), { status: "unavailable" });
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.quiet();
  t.equal((await stage.done(first)).status, "ok");
});

t.test("a resume ends exactly the parking that it has read", async (t) => {
  const stage = await parked();
  const parking = stage.log.last(subjects.parked(0, "d"));
  void stage.tenure.resume("d");
  await stage.clock.advance(1);
  const writeSet = stage.writeSets[0];
  t.same(writeSet?.preconditions, [{ subject: subjects.parked(0, "d"), sequence: parking?.sequence }]);
  t.match(JSON.parse(writeSet?.messages[0]?.payload ?? ""), {
    status: "resumed",
    parking: id(stage),
    actor: "d",
  });
});

t.test("a skip ends the parking and passes over the input in one write set", async (t) => {
  const stage = await parked();
  const parking = stage.log.last(subjects.parked(0, "d"));
  const last = stage.log.last(record("d"));
  const poison = stage.log.all(subjects.inbox(0, "d")).at(-1);
  void stage.tenure.skip("d", id(stage));
  await stage.clock.advance(1);
  const writeSet = stage.writeSets[0];
  t.same(writeSet?.preconditions, [
    { subject: record("d"), sequence: last?.sequence },
    { subject: subjects.parked(0, "d"), sequence: parking?.sequence },
  ]);
  t.match(JSON.parse(writeSet?.messages[0]?.payload ?? ""), {
    input: "skip:inbox:poison",
    snapshot: { inbox: poison?.sequence, version: 3 },
  });
  t.match(JSON.parse(writeSet?.messages[1]?.payload ?? ""), { status: "skipped", parking: id(stage) });
});

t.test("an older reading of the parking ends nothing", async (t) => {
  const stage = await parked();
  const before = stage.log.last(subjects.parked(0, "d"))?.sequence ?? 0;
  for (const act of [() => stage.tenure.resume("d"), () => stage.tenure.skip("d", id(stage))]) {
    let left = 1;
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === subjects.parked(0, "d") && left-- > 0
        ? { staleBy: stage.log.lastSequence - before + 1 }
        : undefined,
    );
    t.match(await stage.done(act()), { status: "unavailable" });
  }
  t.same(stage.writeSets, []);
});

t.test("a skip does not decide on a record that is older than the parking's", async (t) => {
  const stage = await parked();
  stage.next();
  const parking = stage.log.last(subjects.parked(0, "d"));
  stage.tenure.knowsParking(parking?.sequence ?? 0);
  stage.tenure.foundParked(
    JSON.parse(parking?.payload ?? "") as Parameters<typeof stage.tenure.foundParked>[0],
    parking?.sequence ?? 0,
  );
  // A fault of the log itself: the last record of the actor is gone.
  stage.forge({ last: () => [] });
  t.match(await stage.done(stage.tenure.skip("d", id(stage))), { status: "unavailable" });
  t.same(stage.writeSets, []);
});

t.test("after a skip the actor is not read as it was before it", async (t) => {
  const stage = await parked();
  const before = stage.log.lastSequence;
  const skipped = stage.tenure.skip("d", id(stage));
  await stage.clock.advance(1);
  stage.one("stored");
  let left = 3;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && left-- > 0
      ? { staleBy: stage.log.lastSequence - before }
      : undefined,
  );
  await stage.quiet();
  const reply = await stage.done(skipped);
  const versions = [reply, await stage.read()].map((each) => each.status === "ok" && each.snapshot.version);
  t.same(
    versions.filter(Boolean).every((version) => version === 3),
    true,
    "the skip's own record, or no answer",
  );
});

t.test(
  "an operation after the end of the tenure is answered at once; one under way ends with it",
  async (t) => {
    const stage = await parked();
    const resumed = stage.tenure.resume("d");
    await stage.clock.advance(1);
    stage.tenure.end();
    stage.one("stored");
    t.match(await stage.done(resumed), { status: "unavailable", reason: /own/ });
    t.match(await stage.done(stage.tenure.resume("d")), { status: "unavailable" });
    t.match(await stage.done(stage.tenure.skip("d", "x")), { status: "unavailable" });
    await stage.clock.advance(1000);
    t.same(stage.writeSets, [], "nothing is taken up");
  },
);

t.test("an operator who comes after the end of the tenure ends no parking", async (t) => {
  const stage = await parked();
  stage.tenure.end();
  const own = { status: "unavailable", reason: /own/ };
  t.match(await stage.done(stage.tenure.resume("d"), 100), own);
  t.match(await stage.done(stage.tenure.skip("d", id(stage)), 100), own);
  t.same(stage.writeSets, []);
});

t.test("a resume of an actor that is not parked shows its state, also while it catches up", async (t) => {
  const stage = withDiary();
  const reply = await stage.done(stage.tenure.resume("d"));
  t.match(reply, { status: "ok", snapshot: { version: 1 } });
  t.same(parkings(stage), []);
  t.match(await stage.done(stage.tenure.skip("d", "x")), { code: "not_parked" });
});

t.test("an actor that is resumed runs its open effects under their keys, once", async (t) => {
  const keys: string[] = [];
  const stage = withDiary(
    fixedDiary(({ key }) => {
      keys.push(key);
      return keys.length === 1 ? new Promise(() => {}) : Promise.resolve(key);
    }),
  );
  stage.command("work");
  stage.one("stored");
  await stage.clock.advance(1);
  stage.next();
  stage.park({});
  await stage.done(stage.tenure.takeUp("d", undefined));
  t.equal(keys.length, 1, "not while it is parked");
  const reply = stage.tenure.resume("d");
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.done(reply, 1000);
  await stage.quiet();
  t.same(keys, ["d:diary.job:2000", "d:diary.job:2000"]);
  t.same(stage.generations(), []);
});

t.test("the newest message about a parking never goes back in the checkpoint", async (t) => {
  const stage = withDiary();
  stage.tenure.knowsParking(50);
  stage.tenure.knowsParking(20);
  t.equal(stage.tenure.checkpoint(INFINITE).parkedAt, 50);
});

t.test("an inbox that lacks the input which parked the actor is not the whole inbox", async (t) => {
  const stage = withDiary(fixedDiary());
  const before = stage.log.lastSequence;
  const inbox = stage.put(
    subjects.inbox(0, "d"),
    JSON.stringify({ kind: "event", machine: "diary", event: { type: "poison" }, id: "e" }),
  );
  stage.next();
  stage.park({ inbox });
  // The proof of a reading is taken away, so that only the parking names the input.
  let old = 2;
  stage.forge({
    all: (subject) => (old-- > 0 ? stage.log.all(subject, before) : undefined),
    last: (asked) => (asked[0] === subjects.inbox(0, "d") ? [] : undefined),
  });
  const resumed = stage.tenure.resume("d");
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.quiet();
  t.ok(old <= 0, "old readings were given");
  const reply = await stage.done(resumed);
  t.same(reply.status === "ok" && notes(reply.snapshot), ["poison"]);
});

t.test("a parking that an earlier owner has stored is the one that an operator ends", async (t) => {
  const stage = withDiary(fixedDiary());
  stage.next();
  const at = stage.park({ inbox: 0 });
  t.equal(stage.tenure.checkpoint(INFINITE).parkedAt, at);
  const resumed = stage.tenure.resume("d");
  await stage.clock.advance(1);
  t.same(stage.writeSets[0]?.preconditions, [{ subject: subjects.parked(0, "d"), sequence: at }]);
  stage.one("stored");
  await stage.quiet();
  const reply = await stage.done(resumed);
  t.same(reply.status === "ok" && notes(reply.snapshot), []);
  t.equal(stage.tenure.checkpoint(INFINITE).parkedAt, stage.log.last(subjects.parked(0, "d"))?.sequence);
});

/** Stores what the operator has asked for, and gives the reply. */
async function carriedOut<T>(stage: Hand, reply: Promise<T>): Promise<T> {
  await stage.clock.advance(1);
  if (stage.writeSets.length > 0) stage.one("stored");
  await stage.quiet();
  return await stage.done(reply);
}
const asked = { by: { kind: "staff", id: "u1" }, reason: "repaired" };

t.test(
  "who resumes or skips, and why, is stored with the end of the parking and with the skip",
  async (t) => {
    const resumed = await parked();
    await carriedOut(resumed, resumed.tenure.resume("d", asked));
    const ends = resumed.log.all(subjects.parked(0, "d")).flatMap((entry) => readParking(entry) ?? []);
    t.match(ends[1], { status: "resumed", ...asked });
    const skipped = await parked();
    await carriedOut(skipped, skipped.tenure.skip("d", id(skipped), asked));
    t.match(lastParking(skipped), { status: "skipped", ...asked });
    t.match(readRecord(skipped.log.all(record("d")).at(-1)!), { input: "skip:inbox:poison", ...asked });
  },
);

t.test(
  "a key skips one input, also when the order is parked again since, and at the next owner",
  async (t) => {
    const stage = await parked();
    const how = { commandId: "key/1~a" };
    t.equal((await carriedOut(stage, stage.tenure.skip("d", "", how))).status, "ok");
    stage.deliver("poison", { id: "another" });
    await stage.clock.advance(1);
    stage.one("stored");
    await stage.clock.advance(1);
    const second = id(stage);
    for (let times = 0; times < 2; times++) {
      const again = await carriedOut(stage, stage.tenure.skip("d", "", how));
      t.match(again, { status: "refused", code: "actor_parked" }, "as the order is now");
      const other = await carriedOut(stage, stage.tenure.skip("d", "", { commandId: "key/1~b" }));
      t.match(other, { status: "request_mismatch" });
      t.equal(id(stage), second, "nothing was skipped");
      if (times === 0) {
        const parking = readParking(stage.log.last(subjects.parked(0, "d")));
        if (parking?.status !== "parked") throw new Error("not parked");
        stage.next().foundParked(parking, stage.log.last(subjects.parked(0, "d"))?.sequence ?? 0);
      }
    }
    t.match(parkings(stage), ["parked", "skipped", "parked"]);
  },
);

t.test("an operator who names another version changes nothing", async (t) => {
  const stage = await parked();
  const before = stage.log.lastSequence;
  for (const act of [
    () => stage.tenure.resume("d", { ifVersions: [1] }),
    () => stage.tenure.skip("d", id(stage), { ifVersions: [1] }),
  ])
    t.match(await carriedOut(stage, act()), { status: "version_changed", snapshot: { version: 2 } });
  t.equal(stage.log.lastSequence, before);
  await carriedOut(stage, stage.tenure.resume("d", { ifVersions: [2] }));
  t.match(parkings(stage).slice(0, 2), ["parked", "resumed"]);
});
