/** Actors whose inbox the checkpoint has passed: what is read, in which order it is decided, and when it is done. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { ActivationCache } from "../../../../src/runtime/tenure/activation-cache.ts";
import { ActivationFault } from "../../../../src/runtime/tenure/activation.ts";
import { CatchUps, type CatchUpsOptions } from "../../../../src/runtime/tenure/catch-up.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { fixedDiary, notes, record } from "./tenure-stage.ts";
import { type Hand, handTenure, INFINITE, withDiary } from "./hand-stage.ts";

const inbox = subjects.inbox(0, "d");
const lagging = (stage: Hand): string[] => [...stage.tenure.checkpoint(INFINITE).lagging];
const parkings = (stage: Hand): string[] =>
  stage.log
    .all(subjects.parked(0, "d"))
    .map(({ payload }) => (JSON.parse(payload) as { status: string }).status);

/** An input in the inbox that the consumer does not hand over: it is below the lock entry. */
const early = (stage: Hand, type: string, id = `${type}!`): number =>
  stage.put(inbox, JSON.stringify({ kind: "event", machine: "diary", event: { type }, id }));

t.test(
  "what waits in the inbox is decided in order, before a command that came while it was read",
  async (t) => {
    const stage = withDiary();
    for (const type of ["note.1", "note.2", "note.3"]) early(stage, type);
    stage.next();
    stage.tenure.catchUp("d");
    const replies = stage.command("note.4");
    t.same(lagging(stage), ["d"]);
    await stage.quiet();
    t.equal(replies.length, 1);
    const snapshot = stage.stored();
    t.same(snapshot && notes(snapshot), ["note.1", "note.2", "note.3", "note.4"]);
    t.same(lagging(stage), []);
    t.equal(stage.tenure.backlog(), 0);
  },
);

t.test("an actor lags until the last input of its inbox is acknowledged", async (t) => {
  const stage = withDiary();
  early(stage, "note.1");
  early(stage, "note.2");
  stage.next();
  stage.tenure.catchUp("d");
  await stage.clock.advance(10);
  t.equal(stage.writeSets.length, 2);
  t.equal(stage.tenure.backlog(), 2);
  stage.one("stored");
  t.same(lagging(stage), ["d"], "the second one is not stored");
  t.equal(stage.tenure.backlog(), 1);
  stage.one("stored");
  t.same(lagging(stage), []);
});

t.test("a catch-up of an empty inbox ends, and resumes the actor's open effects", async (t) => {
  const stage = withDiary();
  stage.command("work");
  stage.one("stored");
  stage.next();
  stage.tenure.catchUp("d");
  await stage.clock.advance(10);
  t.same(lagging(stage), []);
  t.equal(stage.writeSets.length, 1, "the outcome of the effect");
});

t.test("inputs that were evaluated before are passed over and are done", async (t) => {
  const stage = withDiary();
  const first = early(stage, "note.1");
  stage.ask({ kind: "event", machine: "diary", event: { type: "note.1" }, id: "note.1!" }, { inbox: first });
  stage.one("stored");
  early(stage, "note.2");
  stage.next();
  stage.tenure.catchUp("d");
  await stage.quiet();
  const snapshot = stage.stored();
  t.same(snapshot && notes(snapshot), ["note.1", "note.2"]);
  t.same([lagging(stage), stage.tenure.backlog()], [[], 0]);
});

t.test("an unreadable message in the inbox is passed over", async (t) => {
  const stage = withDiary();
  stage.put(inbox, "no json");
  early(stage, "note.1");
  stage.next();
  stage.tenure.catchUp("d");
  await stage.quiet();
  const snapshot = stage.stored();
  t.same([snapshot && notes(snapshot), lagging(stage)], [["note.1"], []]);
});

t.test(
  "an input that the consumer hands over while the inbox is read is decided once, in its place",
  async (t) => {
    const stage = withDiary();
    early(stage, "note.1");
    stage.next();
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === inbox ? { delayMs: 50 } : undefined,
    );
    stage.tenure.catchUp("d");
    const live = stage.deliver("note.2");
    await stage.clock.advance(40);
    t.equal(stage.tenure.backlog(), 1);
    t.equal(stage.tenure.checkpoint(INFINITE).through, live - 1, "it holds the checkpoint back as any other");
    await stage.quiet();
    const snapshot = stage.stored();
    t.same(snapshot && notes(snapshot), ["note.1", "note.2"]);
    t.equal(snapshot?.version, 3);
    t.same([lagging(stage), stage.tenure.backlog()], [[], 0]);
    t.equal(stage.tenure.checkpoint(INFINITE).through, live);
  },
);

t.test("an input that was read is not counted twice when the consumer hands it over later", async (t) => {
  const stage = withDiary();
  const sequence = early(stage, "note.1");
  stage.next();
  stage.tenure.catchUp("d");
  await stage.clock.advance(10);
  stage.ask(
    { kind: "event", machine: "diary", event: { type: "note.1" }, id: "note.1!" },
    { inbox: sequence },
  );
  t.equal(stage.tenure.backlog(), 1);
  await stage.quiet();
  t.same([lagging(stage), stage.tenure.backlog(), stage.records().length], [[], 0, 2]);
});

t.test(
  "an inbox that cannot be read is read again after a pause, and the actor lags meanwhile",
  async (t) => {
    const stage = withDiary();
    early(stage, "note.1");
    stage.next();
    let refuse = 2;
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === inbox && refuse-- > 0 ? { lose: "request" } : undefined,
    );
    stage.tenure.catchUp("d");
    await stage.clock.advance(2100);
    t.same(lagging(stage), ["d"]);
    await stage.clock.advance(10_000);
    t.ok(refuse <= 0);
    await stage.quiet();
    const snapshot = stage.stored();
    t.same([snapshot && notes(snapshot), lagging(stage)], [["note.1"], []]);
  },
);

t.test("a reading of the inbox that lacks its last message is rejected", async (t) => {
  const stage = withDiary();
  early(stage, "note.1");
  const before = stage.log.lastSequence;
  early(stage, "note.2");
  stage.next();
  // The last message is read right, the whole inbox from a replica that lags.
  let read = 0;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === inbox && ++read === 2
      ? { staleBy: stage.log.lastSequence - before }
      : undefined,
  );
  stage.tenure.catchUp("d");
  await stage.clock.advance(100);
  t.same(stage.writeSets, [], "the partly old reading decides nothing");
  await stage.quiet();
  const snapshot = stage.stored();
  t.same(snapshot && notes(snapshot), ["note.1", "note.2"]);
});

t.test("a resume rejects a reading of the inbox that lacks an input which was released", async (t) => {
  const stage = withDiary(fixedDiary());
  stage.next();
  stage.park({});
  const before = stage.log.lastSequence;
  stage.deliver("note.1");
  // Both readings of the first try are from before the input.
  let stale = 2;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === inbox && stale-- > 0
      ? { staleBy: stage.log.lastSequence - before }
      : undefined,
  );
  const resumed = stage.tenure.resume("d");
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.quiet();
  const reply = await stage.done(resumed);
  t.ok(stale <= 0);
  t.same(reply.status === "ok" && notes(reply.snapshot), ["note.1"]);
});

t.test(
  "an end of the tenure releases what waits for a catch-up, and nothing is submitted after it",
  async (t) => {
    const stage = withDiary(fixedDiary());
    early(stage, "note.1");
    stage.next();
    stage.park({});
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === inbox ? { delayMs: 100 } : undefined,
    );
    const resumed = stage.tenure.resume("d");
    await stage.clock.advance(1);
    stage.one("stored");
    await stage.clock.advance(10);
    stage.tenure.end();
    t.equal((await stage.done(resumed)).status, "unavailable");
    await stage.clock.advance(1000);
    t.same(stage.writeSets, []);
    t.same([stage.tenure.counts().actors, stage.tenure.backlog()], [0, 0], "what was read is dropped");
  },
);

t.test("an actor that is found unreadable while its inbox is read lags, and nothing is stored", async (t) => {
  const stage = handTenure();
  stage.put(record("d"), "no record");
  early(stage, "note.1");
  stage.next();
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === inbox ? { delayMs: 100 } : undefined,
  );
  stage.tenure.catchUp("d");
  t.match(await stage.read(), { status: "unavailable", unreadable: "unreadable" });
  t.same(lagging(stage), ["d"], "once");
  await stage.clock.advance(300);
  await stage.quiet();
  t.same([parkings(stage), stage.writeSets], [[], []]);
  t.same([lagging(stage), stage.tenure.backlog()], [["d"], 0]);
  t.match(stage.tenure.counts(), { parked: 0, unreadable: 1 });
});

t.test(
  "an actor whose parking is not stored yet lags until it is, with all that its inbox holds",
  async (t) => {
    const stage = withDiary();
    early(stage, "poison");
    early(stage, "note.1");
    stage.next();
    stage.tenure.catchUp("d");
    await stage.clock.advance(300);
    t.equal(stage.writeSets.length, 1, "one parking, which has no answer");
    t.same(lagging(stage), ["d"], "the next owner reads its inbox if this one ends now");
    t.equal(stage.tenure.backlog(), 2);
    await stage.quiet();
    t.same([parkings(stage), lagging(stage), stage.tenure.backlog()], [["parked"], [], 0]);
  },
);

t.test("a catch-up that is not allowed leaves no actor that lags", async (t) => {
  const activations = new ActivationCache(10);
  activations.activation("d").introduce();
  const catchUps = new CatchUps({ activations } as CatchUpsOptions);
  t.throws(() => void catchUps.start("d", 0), ActivationFault);
  t.same([...catchUps.actors()], []);
  let done = false;
  void catchUps.done("d").then(() => (done = true));
  await Promise.resolve();
  await Promise.resolve();
  t.ok(done, "nothing is to be waited for");
});

t.test(
  "an operator who resumes an actor that catches up waits for the end of it, and not less",
  async (t) => {
    const stage = withDiary();
    early(stage, "note.1");
    stage.next();
    stage.tenure.catchUp("d");
    const replies: ActorReply[] = [];
    void stage.tenure.resume("d").then((reply) => replies.push(reply));
    await stage.clock.advance(1000);
    t.same(replies, [], "the input is not stored yet");
    stage.one("stored");
    await stage.clock.advance(1);
    t.same(
      replies.map((reply) => reply.status === "ok" && notes(reply.snapshot)),
      [["note.1"]],
    );
  },
);

t.test(
  "an operator who resumes an actor waits for an input that the consumer had handed over before",
  async (t) => {
    const stage = withDiary();
    stage.next();
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === inbox ? { delayMs: 50 } : undefined,
    );
    stage.tenure.catchUp("d");
    stage.deliver("note.1");
    const replies: ActorReply[] = [];
    void stage.tenure.resume("d").then((reply) => replies.push(reply));
    await stage.clock.advance(1000);
    t.same(replies, [], "the inbox is read, and the input is not stored yet");
    t.same(lagging(stage), ["d"]);
    stage.one("stored");
    await stage.clock.advance(1);
    t.same(
      replies.map((reply) => reply.status === "ok" && notes(reply.snapshot)),
      [["note.1"]],
    );
    t.same(lagging(stage), []);
  },
);
