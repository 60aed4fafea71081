/** Reads and first inputs of actors that are not in memory: what they load, start and show, and what they leave. */
import t from "tap";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import type { ActorDefinition, Joined } from "../../../../src/runtime/definition.ts";
import { diary, notes, record } from "./tenure-stage.ts";
import { type Hand, handTenure, INFINITE, withDiary } from "./hand-stage.ts";

/** The next readings of the record show the log as it was at `sequence`. */
const readAsOf = (stage: Hand, sequence: number, times: number): void => {
  let left = times;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && left-- > 0
      ? { staleBy: stage.log.lastSequence - sequence }
      : undefined,
  );
};
/** Readings show the log up to `sequence`, and claim to be whole. The result makes them right again. */
function forgeReadings(stage: Hand, sequence: number): () => void {
  stage.forge({ last: (asked) => asked.flatMap((subject) => stage.log.last(subject, sequence) ?? []) });
  return () => stage.forge({});
}

t.test(
  "a read that names a record rejects an older reading, without any other knowledge of it",
  async (t) => {
    const stage = withDiary();
    const before = stage.log.lastSequence;
    stage.command("note.1");
    stage.one("stored");
    const sequence = stage.log.last(record("d"))?.sequence ?? 0;
    const restore = forgeReadings(stage, before);
    stage.next();
    await t.rejects(stage.done(stage.tenure.read("d", sequence)), Unavailable);
    await t.rejects(stage.done(stage.tenure.takeUp("d", sequence)), Unavailable);
    restore();
    const reply = await stage.done(stage.tenure.read("d", sequence));
    t.same(reply.status === "ok" && notes(reply.snapshot), ["note.1"]);
  },
);

t.test("what a takeover has replayed is known to every read, without a proof of the reading", async (t) => {
  const stage = withDiary();
  const before = stage.log.lastSequence;
  stage.command("note.1");
  stage.one("stored");
  const restore = forgeReadings(stage, before);
  stage.next();
  stage.tenure.knows("d", stage.log.last(record("d"))?.sequence ?? 0);
  await t.rejects(stage.read(), Unavailable);
  restore();
  t.equal((await stage.read()).status, "ok");
});

t.test(
  "a read resumes the open effects of an actor, as ones that may have been started before",
  async (t) => {
    const seen: boolean[] = [];
    const stage = withDiary(
      diary(({ resumed }) => {
        seen.push(resumed);
        return new Promise(() => {});
      }),
    );
    stage.command("work");
    stage.one("stored");
    await stage.clock.advance(1);
    stage.next();
    await stage.read();
    await stage.clock.advance(1);
    t.same(seen, [false, true]);
  },
);

t.test("an effect starts with its own record, although later write sets are pending", async (t) => {
  const stage = withDiary(diary(() => new Promise(() => {})));
  stage.command("work");
  stage.command("note.1");
  t.equal(stage.effects.count(), 0);
  stage.one("stored");
  t.equal(stage.effects.count(), 1);
  stage.one("stored");
  t.equal(stage.effects.count(), 1);
});

t.test("no effect starts before its record is stored, however long that takes", async (t) => {
  const stage = withDiary(diary(() => new Promise(() => {})));
  stage.command("work");
  await stage.clock.advance(60_000);
  t.equal(stage.effects.count(), 0);
  stage.all("fenced");
  t.equal(stage.effects.count(), 0, "and none of a record that was dropped");
});

t.test("a read of a parked actor does not load it, and runs none of its effects", async (t) => {
  let runs = 0;
  const stage = withDiary(
    diary(() => {
      runs++;
      return new Promise(() => {});
    }),
  );
  stage.command("work");
  stage.one("stored");
  await stage.clock.advance(1);
  stage.next();
  stage.park({});
  t.match(await stage.read(), { status: "ok", snapshot: { version: 2 } });
  await stage.clock.advance(10);
  t.same([runs, stage.tenure.counts()], [1, { actors: 0, parked: 1, newer: 0, unreadable: 0 }]);
  stage.tenure.catchUp("d");
  await stage.clock.advance(10);
  t.same(stage.tenure.counts(), { actors: 0, parked: 1, newer: 0, unreadable: 0 }, "nor does a catch-up");
});

t.test("the last good state of a parked actor is not older than what this owner has written", async (t) => {
  const stage = withDiary();
  const before = stage.log.lastSequence;
  stage.deliver("note.1");
  stage.one("stored");
  stage.deliver("poison");
  await stage.quiet();
  const restore = forgeReadings(stage, before);
  await t.rejects(stage.read(), Unavailable);
  restore();
  const reply = await stage.read();
  t.same(reply.status === "ok" && notes(reply.snapshot), ["note.1"]);
});

t.test(
  "reads that find an actor unreadable at the same time set it apart once, and each has its answer",
  async (t) => {
    const stage = handTenure();
    stage.put(record("d"), "no record");
    stage.next();
    const replies = await stage.done(
      Promise.all([stage.tenure.read("d"), stage.tenure.read("d"), stage.tenure.read("d")]),
    );
    for (const reply of replies) t.match(reply, { status: "unavailable", unreadable: "unreadable" });
    await stage.quiet();
    t.match(stage.tenure.counts(), { actors: 0, parked: 0, unreadable: 1 });
    t.same([stage.log.all(subjects.parked(0, "d")), stage.writeSets], [[], []], "a read writes nothing");
  },
);

t.test("a read or an input that meets the end of its tenure is answered as not owned", async (t) => {
  const stage = withDiary();
  stage.next();
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") ? { delayMs: 50 } : undefined,
  );
  const read = stage.tenure.read("d");
  const command = stage.command("note.1");
  await stage.clock.advance(10);
  stage.tenure.end();
  t.match(command, [{ status: "unavailable", reason: /own/ }]);
  t.match(await stage.done(read), { status: "unavailable", reason: /own/ });
  t.match(stage.command("note.2"), [{ status: "unavailable", reason: /own/ }], "and one that comes later");
  await stage.clock.advance(100);
  t.same([stage.tenure.counts().actors, stage.writeSets], [0, []]);
});

t.test("an actor without a record is not found, by a read and by a command", async (t) => {
  const stage = handTenure();
  t.equal((await stage.read("none")).status, "not_found");
  const replies = stage.command("note.1", { actor: "none" });
  await stage.clock.advance(10);
  t.match(replies, [{ status: "not_found" }]);
  const other = stage.command("note.1", { actor: "other" });
  await stage.clock.advance(10);
  t.match(other, [{ status: "not_found" }]);
});

t.test("a start that may be a repeat reads the actor first; one that is new does not", async (t) => {
  const stage = handTenure();
  stage.start({ request: "r" });
  t.equal(stage.writeSets.length, 1, "decided at once");
  stage.one("stored");
  stage.next();
  const again = stage.start({ request: "r", mayExist: true });
  t.same([again, stage.writeSets], [[], []]);
  await stage.clock.advance(10);
  t.match(again, [{ status: "ok", repeated: true, snapshot: { version: 1 } }]);
  const fresh = stage.start({ actor: "e", mayExist: true });
  await stage.clock.advance(10);
  stage.one("stored");
  t.match(fresh, [{ status: "ok", repeated: false }]);
});

t.test("a start does not overtake what waits for the same actor", async (t) => {
  const stage = handTenure();
  const command = stage.command("note.1");
  const start = stage.start();
  t.same(stage.writeSets, [], "the actor is being read");
  await stage.clock.advance(10);
  stage.all("stored");
  t.match([...command, ...start], [{ status: "not_found" }, { status: "ok" }]);
});

t.test("a repeat is answered as a repeat, and the first as the first", async (t) => {
  const stage = withDiary();
  const first = stage.command("note.1");
  stage.one("stored");
  const second = stage.command("note.1");
  const third = stage.command("note.2", { repeated: true });
  t.match([...first, ...second, ...third], [{ repeated: false }, { repeated: true }, { repeated: true }]);
});

t.test("an inbox input that changes nothing moves the inbox offset of the next record", async (t) => {
  const stage = withDiary();
  const unknown = stage.deliver("unknown");
  t.equal(stage.tenure.backlog(), 0);
  stage.command("note.1");
  stage.one("stored");
  t.equal(stage.stored()?.inbox, unknown);
});

t.test("an illegal command shows the acknowledged state, although a newer one is decided", async (t) => {
  const stage = withDiary();
  stage.command("note.1");
  const illegal = stage.command("stop");
  stage.command("note.2");
  stage.one("stored");
  t.match(illegal, [{ status: "illegal", snapshot: { version: 2 } }]);
});

t.test(
  "a state after which another owner has written is read again before anything is decided",
  async (t) => {
    const stage = withDiary();
    stage.command("note.1");
    const writeSet = stage.writeSets.shift();
    const [message] = writeSet?.messages ?? [];
    if (!message) throw new Error("no message");
    stage.put(record("d"), message.payload);
    const later = message.payload.replaceAll("note.1", "note.9").replace('"version":2', '"version":3');
    stage.put(record("d"), later);
    writeSet?.resolved({ status: "stored", sequences: new Map(), lastSequence: stage.log.lastSequence });
    await stage.clock.advance(1);
    const reply = await stage.read();
    t.same(reply.status === "ok" && notes(reply.snapshot), ["note.9"]);
    stage.command("note.2");
    stage.one("stored");
    t.same(stage.stored()?.version, 4);
  },
);

t.test(
  "a joined decision whose write set is too large is resolved as not stored, and its caller refused",
  async (t) => {
    const resolved: boolean[] = [];
    const joined: Joined = {
      output: "o",
      lock: { subject: subjects.lock("partition.0"), epoch: 1 },
      messages: [{ subject: "$KV.ORDERS.stock.a", payload: "x".repeat(limits.messageBytes + 1) }],
      resolved: (stored) => void resolved.push(stored),
    };
    const { effects } = diary();
    const definition = {
      ...diary(),
      effects: { job: { ...effects["job"], join: { decide: () => joined } } },
    } as unknown as ActorDefinition;
    const stage = withDiary(definition);
    const replies = stage.command("work");
    t.match(replies, [{ status: "refused", code: "input_refused" }]);
    t.same(resolved, [false]);
    t.equal((await stage.read()).status, "ok");
    t.same(stage.writeSets, []);
  },
);

t.test(
  "an effect whose load failed at first is resumed by the next try, also without any input",
  async (t) => {
    const stage = withDiary(diary(() => Promise.resolve("one")));
    stage.command("work");
    stage.one("stored");
    stage.next();
    let lose = 1;
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === record("d") && lose-- > 0 ? { lose: "request" } : undefined,
    );
    stage.tenure.catchUp("d");
    await stage.clock.advance(2100);
    t.same(stage.tenure.checkpoint(INFINITE).open, ["d"], "it is listed although it is not in memory");
    await stage.quiet();
    t.same(stage.generations(), [], "the effect has ended");
  },
);

t.test("a reading that a read rejects is not kept: the next read gets the newest", async (t) => {
  const stage = withDiary();
  const before = stage.log.lastSequence;
  stage.command("note.1");
  stage.one("stored");
  const sequence = stage.log.last(record("d"))?.sequence ?? 0;
  stage.next();
  readAsOf(stage, before, 1);
  const reply = await stage.done(stage.tenure.read("d", sequence));
  t.same(reply.status === "ok" && notes(reply.snapshot), ["note.1"]);
});

t.test("a parking that becomes known while a read finds the actor unreadable is kept", async (t) => {
  const stage = handTenure();
  stage.put(record("d"), "no record");
  stage.next();
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") ? { delayMs: 100 } : undefined,
  );
  const read = stage.tenure.read("d");
  await stage.clock.advance(10);
  stage.park({});
  t.match(await stage.done(read), { status: "refused", code: "actor_parked" });
  t.match(stage.tenure.counts(), { parked: 1, unreadable: 0 });
});
