/** When a tenure that is handed over counts as idle: at once when nothing is under way, else with the last of it. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, record } from "./tenure-stage.ts";
import { type Hand, handTenure, outcomes, withDiary } from "./hand-stage.ts";

const watch = (stage: Hand): { over: boolean } => {
  const seen = { over: false };
  void stage.tenure.idle().then(() => (seen.over = true));
  return seen;
};
const unreadable = (stage: Hand, times: number): void => {
  let left = times;
  stage.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && left-- > 0 ? { lose: "request" } : undefined,
  );
};

t.test("a tenure without work is idle at once, also with open effects", async (t) => {
  const stage = withDiary(diary(() => new Promise(() => {})));
  stage.command("work");
  stage.one("stored");
  const idle = watch(stage);
  await stage.clock.advance(0);
  t.ok(idle.over);
  t.equal(stage.effects.count(), 0, "the next owner resumes them");
});

t.test("a tenure is idle once its last write set ends, however it ends", async (t) => {
  for (const how of outcomes) {
    const stage = withDiary();
    stage.deliver("note.1");
    stage.command("note.2");
    const idle = watch(stage);
    await stage.clock.advance(1000);
    t.notOk(idle.over, how);
    stage.one("stored");
    await stage.clock.advance(1000);
    t.notOk(idle.over, `${how}: the second one is not resolved`);
    stage.one(how);
    await stage.quiet();
    t.ok(idle.over, how);
  }
});

t.test("a tenure is idle once the callers of a load that failed are answered", async (t) => {
  const stage = withDiary();
  stage.next();
  unreadable(stage, 100);
  const replies = stage.command("note.1");
  const idle = watch(stage);
  await stage.clock.advance(1000);
  t.notOk(idle.over, "the command waits for the load");
  await stage.clock.advance(1500);
  t.match(replies, [{ status: "unavailable" }]);
  t.ok(idle.over, "nothing is under way any more");
});

t.test(
  "a tenure with an inbox input that waits for a load is idle only after a load that succeeds",
  async (t) => {
    const stage = withDiary();
    stage.next();
    unreadable(stage, 1);
    stage.deliver("unknown");
    const idle = watch(stage);
    await stage.clock.advance(2100);
    t.notOk(idle.over, "the first load has failed");
    await stage.clock.advance(1000);
    t.equal(stage.tenure.backlog(), 0);
    t.ok(idle.over);
  },
);

t.test("a tenure is idle once a read has loaded an actor whose load was put off", async (t) => {
  const stage = withDiary();
  stage.next();
  unreadable(stage, 1);
  stage.deliver("unknown");
  const idle = watch(stage);
  await stage.clock.advance(2001);
  t.notOk(idle.over, "the load failed and is put off");
  await stage.read();
  await stage.clock.advance(1);
  t.equal(stage.tenure.backlog(), 0, "the read has decided the input");
  t.ok(idle.over);
});

t.test("a tenure is idle once the actor that its last input is for is set apart", async (t) => {
  const stage = handTenure();
  const version = {
    version: 2,
    machines: {},
    inbox: 0,
    commands: [],
    effects: [],
    timers: [],
    definition: 9,
  };
  stage.put(record("d"), JSON.stringify({ snapshot: version }));
  stage.next();
  const replies = stage.command("note.1");
  const idle = watch(stage);
  await stage.clock.advance(10);
  t.match(replies, [{ status: "unavailable" }]);
  t.equal(stage.newer(), 1);
  t.ok(idle.over);
});

t.test("a tenure is idle once the parking of its last input is stored", async (t) => {
  const stage = withDiary();
  stage.deliver("poison");
  const idle = watch(stage);
  await stage.clock.advance(1);
  t.notOk(idle.over);
  stage.one("fenced");
  await stage.clock.advance(1000);
  t.notOk(idle.over, "the first try was dropped");
  stage.one("stored");
  await stage.clock.advance(1);
  t.ok(idle.over);
  t.equal(stage.log.all(subjects.parked(0, "d")).length, 1);
});

t.test("a tenure that ends while a parking is not stored is idle", async (t) => {
  const stage = withDiary();
  stage.deliver("poison");
  const idle = watch(stage);
  await stage.clock.advance(10);
  t.notOk(idle.over);
  stage.tenure.end();
  await stage.clock.advance(1);
  t.ok(idle.over);
});

t.test("a tenure that ends is idle, and every caller that waits for it is released", async (t) => {
  const stage = withDiary();
  stage.command("note.1");
  const first = watch(stage);
  const second = watch(stage);
  await stage.clock.advance(10);
  t.same([first.over, second.over], [false, false]);
  stage.tenure.end();
  const third = watch(stage);
  await stage.clock.advance(10);
  t.same([first.over, second.over, third.over], [true, true, true]);
});
