/** Every way back into a mailbox keeps the order of the inbox, and applies each input once. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, fixedDiary, notes, record, worked } from "./tenure-stage.ts";
import { type Hand, type How, withDiary } from "./hand-stage.ts";

const FIVE = ["note.1", "note.2", "note.3", "note.4", "note.5"];
const noted = (stage: Hand): unknown => {
  const snapshot = stage.stored();
  return snapshot && notes(snapshot);
};
const deliverAll = (stage: Hand, types: readonly string[]): void => {
  for (const type of types) stage.deliver(type);
};
const unreadable = (stage: Hand, times: number): void => {
  let left = times;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && left-- > 0 ? { lose: "request" } : undefined,
  );
};

/** By how the inputs lose their place: brings them back in, with later ones that arrive meanwhile. */
const ways: Record<string, (stage: Hand) => void | Promise<void>> = {
  "all write sets are dropped": (stage) => {
    deliverAll(stage, FIVE.slice(0, 3));
    stage.all("fenced");
    deliverAll(stage, FIVE.slice(3));
  },
  "the outbox refuses the later write sets first": (stage) => {
    deliverAll(stage, FIVE.slice(0, 3));
    stage.newest("store_unavailable");
    stage.newest("store_unavailable");
    deliverAll(stage, FIVE.slice(3));
    stage.all("fenced");
  },
  "the outbox refuses the middle ones and the first is stored": (stage) => {
    deliverAll(stage, FIVE.slice(0, 3));
    stage.newest("store_unavailable");
    stage.newest("store_unavailable");
    stage.one("stored");
    deliverAll(stage, FIVE.slice(3));
  },
  "write sets are dropped again and again": async (stage) => {
    deliverAll(stage, FIVE.slice(0, 2));
    for (let round = 0; round < 12; round++) {
      stage.all("store_unavailable");
      if (round < 3) stage.deliver(FIVE[2 + round] ?? "");
      await stage.clock.advance(300);
    }
  },
  "a record comes as a surprise": async (stage) => {
    deliverAll(stage, FIVE.slice(0, 2));
    // Another owner has written after it: the write set is stored, and its sequence is not known.
    const [writeSet] = stage.writeSets;
    const messages = writeSet?.messages ?? [];
    stage.log.propose(
      messages.map(({ subject, payload }) => ({ subject, payload })),
      () => {},
    );
    stage.writeSets.shift()?.resolved({
      status: "stored",
      sequences: new Map(),
      lastSequence: stage.log.lastSequence,
    });
    deliverAll(stage, FIVE.slice(2));
    stage.all("fenced");
  },
  "the actor cannot be read for a while": async (stage) => {
    stage.next();
    unreadable(stage, 2);
    stage.deliver("note.1");
    await stage.clock.advance(2100);
    deliverAll(stage, FIVE.slice(1, 3));
    await stage.clock.advance(2300);
    deliverAll(stage, FIVE.slice(3));
  },
  "the actor leaves memory in between": async (stage) => {
    stage.deliver("note.1");
    await stage.quiet();
    for (let i = 0; i < 20; i++) {
      stage.start({ actor: `other${i}` });
      stage.one("stored");
    }
    if (stage.tenure.counts().actors > 12) throw new Error("no actor has left memory");
    deliverAll(stage, FIVE.slice(1));
  },
};

for (const [name, act] of Object.entries(ways)) {
  t.test(`inbox inputs keep their order when ${name}`, async (t) => {
    const stage = withDiary();
    await act(stage);
    await stage.quiet();
    t.same(noted(stage), FIVE);
    t.same([stage.tenure.backlog(), stage.tenure.counts().parked], [0, 0]);
  });
}

t.test("inputs that wait for a poisonous one are released in order, and resumed in order", async (t) => {
  const stage = withDiary(diary());
  stage.command("note.0");
  deliverAll(stage, ["note.1", "poison", "note.2", "note.3"]);
  await stage.quiet();
  t.same(noted(stage), ["note.0", "note.1"]);
  t.equal(stage.tenure.counts().parked, 1);
  deliverAll(stage, ["note.4"]);
  t.equal(stage.tenure.backlog(), 0, "the parking is stored: they wait in the stream");
  const [parking] = stage.log.all(subjects.parked(0, "d"));
  const { id, inbox } = JSON.parse(parking?.payload ?? "") as { id: string; inbox: number };
  t.equal(stage.log.all(subjects.inbox(0, "d"))[1]?.sequence, inbox, "the parking names its input");
  const skipped = stage.tenure.skip("d", id);
  await stage.clock.advance(1);
  stage.one("stored");
  await stage.quiet();
  t.equal((await stage.done(skipped)).status, "ok");
  t.same(noted(stage), ["note.0", "note.1", "note.2", "note.3", "note.4"]);
});

t.test("a poisonous input whose head is dropped is decided again before the later ones", async (t) => {
  for (const how of ["fenced", "store_unavailable", "refused"] satisfies How[]) {
    const stage = withDiary();
    stage.command("note.0");
    deliverAll(stage, ["poison", "note.1"]);
    stage.all(how);
    await stage.quiet();
    t.same([stage.tenure.counts().parked, stage.tenure.backlog()], [1, 0], how);
    const parked = JSON.parse(stage.log.last(subjects.parked(0, "d"))?.payload ?? "") as { name: string };
    t.equal(parked.name, "inbox:poison", how);
    t.notOk((noted(stage) as string[]).includes("note.1"), `${how}: the later one waits`);
  }
});

t.test("an outcome that waits in the mailbox is decided, and its effect is not run again", async (t) => {
  let runs = 0;
  const first = Promise.withResolvers<string>();
  const stage = withDiary(diary(() => (++runs === 1 ? first.promise : Promise.resolve("second"))));
  stage.command("work");
  stage.one("stored");
  stage.command("note.1");
  stage.newest("store_unavailable");
  // The activation is being replaced when the outcome arrives.
  first.resolve("first");
  await stage.quiet();
  const snapshot = stage.stored();
  t.same([snapshot && worked(snapshot), runs], [["first"], 1]);
});

t.test("a caller's command is decided again up to eight times, an inbox input without end", async (t) => {
  const stage = withDiary(fixedDiary());
  const replies = stage.command("note.1");
  let tries = 0;
  while (replies.length === 0 && tries < 50) {
    tries++;
    stage.all("fenced");
    await stage.clock.advance(600);
  }
  t.match(replies, [{ status: "unavailable", reason: "ownership is changing" }]);
  t.equal(tries, 8);
  stage.deliver("note.2");
  for (let round = 0; round < 30; round++) {
    t.equal(stage.writeSets.length, 1, `round ${round}`);
    stage.all("fenced");
    await stage.clock.advance(600);
  }
  await stage.quiet();
  t.same(noted(stage), ["note.2"]);
});

t.test("a decision that is made again is made at once the first time, then after a pause", async (t) => {
  const stage = withDiary();
  stage.deliver("note.1");
  stage.all("fenced");
  await stage.clock.advance(1);
  t.equal(stage.writeSets.length, 1);
  stage.all("fenced");
  await stage.clock.advance(249);
  t.equal(stage.writeSets.length, 0);
  await stage.clock.advance(1);
  t.equal(stage.writeSets.length, 1);
});

t.test(
  "an input that is decided again after the end of the tenure is answered, and not submitted",
  async (t) => {
    const stage = withDiary();
    const replies = stage.command("note.1");
    const illegal = stage.command("stop");
    stage.tenure.end();
    stage.one("fenced");
    await stage.clock.advance(1000);
    t.match([...replies, ...illegal], [{ status: "unavailable" }, { status: "unavailable" }]);
    t.same(stage.writeSets, []);
  },
);
