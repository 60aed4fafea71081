/**
 * Near timers are fired by the owner, and by the server's schedule when the owner has not: whichever of the two comes
 * first, a timer acts once, in its time, and none is lost (ADR 14). Those that have no schedule: unscheduled.test.ts.
 */
import t from "tap";
import { limits } from "../../../src/runtime/limits.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { gates, HOUR_MS, LATE_MS, timerStage } from "./timer-stage.ts";
import { NOW } from "./tenure/tenure-stage.ts";

/** Near, and late enough for a schedule. */
const LOCK_AFTER_MS = limits.unscheduledMs + 5_000;

const stage = (options: Parameters<typeof timerStage>[1] = {}) => timerStage(LOCK_AFTER_MS, options);

t.test(
  "the owner fires a near timer in its time, cancels its schedule, and no message is written",
  async (t) => {
    const world = await stage();
    const { dueAt, schedule } = await world.open();
    t.ok(world.isStored(schedule), "the server would fire it");
    const firedAt = await world.firedAt();
    t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
    t.notOk(world.isStored(schedule));
    await world.ends();
    t.same([world.messages(), world.records().length], [0, 1]);
    t.equal(world.records()[0]?.timers, undefined, "a fired timer is not canceled");
  },
);

t.test("the owner fires the timer of an actor that has left memory", async (t) => {
  const world = await stage({ idleActors: 1 });
  const { dueAt } = await world.open();
  for (let n = 0; n < 20; n++)
    world.ok(await world.done(world.one.actors.start(`other${n}`, { lockAfterMs: 1 }, NOW)));
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
  await world.ends();
  t.equal(world.messages(), 0);
});

t.test("a timer that is due late is fired by the server, in its time and without the grace", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open("g", limits.nearTimerMs + 10_000);
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
  await world.ends();
  t.same([world.messages(), world.records().length], [1, 1]);
});

t.test("a timer that is left before its time is fired neither by the owner nor by the server", async (t) => {
  const world = await stage();
  await world.open();
  const push = { commandId: "push", waitMs: 0 };
  world.ok(await world.done(world.one.actors.command("g", "turnstile", { type: "push" }, push)));
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 0]);
});

t.test(
  "the owner dies before the timer is due: the server fires it a grace later, for the next owner",
  async (t) => {
    const world = await stage();
    const { dueAt } = await world.open();
    world.one.kill();
    await world.start("two", gates);
    const firedAt = await world.firedAt();
    const graceMs = limits.timerGraceMs;
    t.ok(firedAt >= dueAt + graceMs && firedAt <= dueAt + graceMs + LATE_MS, `${firedAt - dueAt} ms after`);
    await world.ends();
    t.same([world.messages(), world.records().length], [1, 1]);
  },
);

t.test("a next owner that has loaded the actor leaves a timer with a schedule to the server", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  world.one.kill();
  const two = await world.start("two", gates);
  world.ok(await world.done(two.actors.read("g")));
  t.ok((await world.firedAt()) >= dueAt + limits.timerGraceMs);
  await world.ends();
  t.same([world.messages(), world.records().length], [1, 1]);
});

t.test("the owner hands over before the timer is due: as if it had died", async (t) => {
  const world = await stage();
  await world.open();
  await world.start("two", gates);
  await world.done(world.one.node.stop());
  await world.firedAt();
  await world.ends();
  t.same([world.messages(), world.records().length], [1, 1]);
});

for (const when of ["request", "answer"] as const) {
  t.test(
    `the owner dies when it fires, and the ${when} of its batch is lost: the timer acts once`,
    async (t) => {
      const world = await stage();
      const { dueAt } = await world.open();
      let died = false;
      world.faults.push(({ kind, node }) => {
        if (kind !== "append" || node !== "one" || world.serverClock.now() < dueAt) return undefined;
        if (!died) world.clock.after(2, () => world.one.kill());
        died = true;
        return { lose: when };
      });
      await world.until("the owner fires and dies", () => died);
      await world.start("two", gates);
      await world.firedAt();
      await world.ends();
      t.equal(world.records().length, 1);
      t.equal(world.messages(), when === "request" ? 1 : 0);
    },
  );
}

t.test("the answer of the batch that fires is lost: it is sent again, and the timer acts once", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  let lost = 0;
  world.faults.push(({ kind }) =>
    kind === "append" && world.serverClock.now() >= dueAt && lost++ < 2 ? { lose: "answer" } : undefined,
  );
  await world.firedAt();
  await world.ends();
  t.ok(lost > 2);
  t.same([world.messages(), world.records().length], [0, 1]);
});

t.test("the batch that fires is stored after the grace: the fired message meets an old timer", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  world.faults.push(({ kind }) => {
    const now = world.serverClock.now();
    const isStuck = now >= dueAt && now < dueAt + limits.timerGraceMs + 1000;
    return kind === "append" && isStuck ? { lose: "request" } : undefined;
  });
  await world.firedAt();
  await world.ends();
  t.same([world.messages(), world.records().length], [1, 1]);
});

t.test("a frozen owner that was deposed fires its timer in vain", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  world.one.clock.pause();
  await world.start("two", gates);
  await world.firedAt();
  t.ok(world.serverClock.now() > dueAt);
  world.one.clock.resume();
  await world.ends();
  t.same([world.messages(), world.records().length], [1, 1]);
});

t.test("a frozen owner that has kept its partition fires late, and once", async (t) => {
  const world = await stage();
  await world.open();
  world.one.clock.pause();
  await world.clock.advance(LOCK_AFTER_MS + limits.timerGraceMs + 500);
  t.same([world.messages(), world.records().length], [1, 0], "the server has fired it meanwhile");
  world.one.clock.resume();
  await world.firedAt();
  await world.ends();
  t.equal(world.records().length, 1);
});

t.test("the server's clock goes forward: the server fires the timer, and it acts once", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  world.serverClock.set(HOUR_MS);
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt, "not before its time by the server's clock");
  await world.ends();
  t.equal(world.records().length, 1);
});

t.test("the server's clock goes back: the owner waits, and the timer acts once", async (t) => {
  const world = await stage();
  await world.open();
  world.serverClock.set(-60_000);
  await world.clock.advance(LOCK_AFTER_MS + limits.timerGraceMs - 500);
  t.same(world.records(), [], "its time is not over by the server's clock");
  await world.firedAt();
  await world.ends();
  await world.clock.advance(60_000);
  // The schedules of the server in memory do not move with its clock: here it fires first.
  t.same([world.messages(), world.records().length], [1, 1]);
});

t.test(
  "an owner without near timers, as before this version, serves what this version has armed",
  async (t) => {
    const world = await stage();
    const { dueAt, schedule } = await world.open();
    world.one.kill();
    // All that such an owner knows of a timer is the message that the server puts into the inbox.
    await world.until("the server fires", () => world.messages() === 1);
    t.notOk(world.isStored(schedule));
    t.match(world.logOf(0).last(subjects.inbox(0, "g")), { payload: /"kind":"timer"/u });
    t.ok(world.serverClock.now() >= dueAt + limits.timerGraceMs);
    await world.start("two", gates);
    await world.firedAt();
    await world.ends();
    t.same([world.messages(), world.records().length], [1, 1]);
  },
);
