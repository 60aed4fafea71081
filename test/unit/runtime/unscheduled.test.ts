/**
 * Timers without a schedule: the owner fires them, and so does the next owner, which finds them in the checkpoint's
 * list or in the records after it. A timer acts once, not before its time, and none is lost (ADR 17).
 */
import t from "tap";
import { setup } from "xstate";
import { limits } from "../../../src/runtime/limits.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryCluster } from "./memory-cluster.ts";
import { NOW } from "./tenure/tenure-stage.ts";
import { gates, HOUR_MS, LATE_MS, timerStage } from "./timer-stage.ts";

const LOCK_AFTER_MS = 8_000;
/** Write sets after which a partition is marked, so that its checkpoint passes them. */
const MANY = 80;

const stage = (options: Parameters<typeof timerStage>[1] = {}) => timerStage(LOCK_AFTER_MS, options);
type Stage = Awaited<ReturnType<typeof stage>>;

/** The checkpoint passes everything so far. */
async function passed(world: Stage, node = world.one): Promise<void> {
  const { lastSequence } = world.logOf(0);
  for (let n = 0; n < MANY; n++)
    world.ok(await world.done(node.actors.start(`other${n}`, { lockAfterMs: 1 }, NOW)));
  await world.until("the checkpoint is ahead", () => (world.checkpoint(0)?.through ?? 0) > lastSequence);
}

t.test("the owner fires a timer in its time, and the stream never has a message for it", async (t) => {
  const world = await stage();
  const before = world.logOf(0).lastSequence;
  const { dueAt, schedule } = await world.open();
  t.notOk(world.isStored(schedule));
  t.match(world.recordsOf("g").at(-1)?.snapshot.timers, [{ unscheduled: true, dueAt }]);
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 1]);
  const stored = Array.from({ length: world.logOf(0).lastSequence - before }, (_, n) =>
    world.logOf(0).at(before + 1 + n),
  );
  t.notOk(stored.some((message) => message?.subject.includes(".timers.")));
  t.notOk(stored.some((message) => message && JSON.stringify(message.headers).includes("Schedule")));
});

t.test(
  "an actor that waits for such a timer stays in memory and in the checkpoint until it acts",
  async (t) => {
    const world = await stage({ idleActors: 1 });
    const { dueAt } = await world.open();
    await passed(world);
    t.match(world.checkpoint(0)?.open, ["g"]);
    const firedAt = await world.firedAt();
    t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
    await world.until("the list is empty", () => world.checkpoint(0)?.open.length === 0);
    await world.ends();
  },
);

t.test("a timer that is left before its time is fired by no owner", async (t) => {
  const world = await stage();
  await world.open();
  const push = { commandId: "push", waitMs: 0 };
  world.ok(await world.done(world.one.actors.command("g", "turnstile", { type: "push" }, push)));
  world.one.kill();
  await world.start("two", gates);
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 0]);
});

for (const isListed of [false, true]) {
  const where = isListed ? "the checkpoint lists its actor" : "its record is after the checkpoint";
  t.test(
    `the owner dies before the timer is due and ${where}: the next one fires it in its time`,
    async (t) => {
      const world = await stage();
      const { dueAt } = await world.open();
      if (isListed) await passed(world);
      world.one.kill();
      await world.start("two", gates);
      t.same(world.records(), [], "not before its time");
      const firedAt = await world.firedAt();
      t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, `${firedAt - dueAt} ms after its time`);
      await world.ends();
      t.same([world.messages(), world.records().length], [0, 1]);
    },
  );
}

t.test("no node runs when the timer is due: the next owner fires it at once", async (t) => {
  const world = await stage();
  await world.open();
  await passed(world);
  world.one.kill();
  await world.clock.advance(HOUR_MS);
  await world.start("two", gates);
  await world.settled();
  await world.until("it acts", () => world.records().length > 0, LATE_MS);
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 1]);
});

t.test("a partition that is handed over often keeps the timer, which acts once", async (t) => {
  const world = await stage();
  const { dueAt } = await world.open();
  await passed(world);
  let owner = world.one;
  for (const name of ["two", "three", "four"]) {
    const next = await world.start(name, gates);
    await world.done(owner.node.stop());
    owner = next;
  }
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt, "not before its time");
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 1]);
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
      t.same([world.messages(), world.records().length], [0, 1]);
    },
  );
}

t.test("a frozen owner that was deposed fires in vain", async (t) => {
  const world = await stage();
  await world.open();
  world.one.clock.pause();
  await world.start("two", gates);
  await world.firedAt();
  world.one.clock.resume();
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 1]);
});

t.test(
  "the server's clock goes back: owner and next owner wait for the time of the timer by it",
  async (t) => {
    const world = await stage();
    const { dueAt } = await world.open();
    world.serverClock.set(-60_000);
    await world.clock.advance(LOCK_AFTER_MS + 2_000);
    world.one.kill();
    await world.start("two", gates);
    await world.clock.advance(10_000);
    t.same(world.records(), []);
    const firedAt = await world.firedAt();
    t.ok(firedAt >= dueAt && firedAt <= dueAt + 1_000, `${firedAt - dueAt} ms after its time`);
    await world.ends();
    t.equal(world.records().length, 1);
  },
);

t.test("the server's clock goes forward: the timer acts once, and no later than it would have", async (t) => {
  const world = await stage();
  await world.open();
  const before = world.clock.monotonic();
  world.serverClock.set(HOUR_MS);
  await world.firedAt();
  t.ok(world.clock.monotonic() - before <= LOCK_AFTER_MS + LATE_MS);
  await world.ends();
  t.equal(world.records().length, 1);
});

t.test("while a node of an earlier version is present, timers have schedules", async (t) => {
  const world = await stage();
  const entry = { id: "old", boot: "b", startedAt: 1, held: [] };
  await world.done(world.one.nodes.put("old", JSON.stringify(entry)));
  await world.clock.advance(100);
  const { dueAt, schedule } = await world.open();
  t.ok(world.isStored(schedule));
  t.equal(world.recordsOf("g").at(-1)?.snapshot.timers[0]?.unscheduled, undefined);
  const firedAt = await world.firedAt();
  t.ok(firedAt >= dueAt && firedAt <= dueAt + LATE_MS, "fired by its owner");
  t.notOk(world.isStored(schedule), "and the schedule is canceled");
  await world.clock.advance(10_000);
  const later = await world.open("h");
  t.notOk(world.isStored(later.schedule), "that node is gone");
  await world.ends();
  t.same([world.messages(), world.records().length], [0, 1]);
});

t.test("the timer parks its actor: it fires again when an operator resumes the actor", async (t) => {
  const world = await poisonStage();
  const [parking] = await world.parkedByTimer();
  world.poison.on = false;
  await world.clock.advance(20_000);
  t.equal(world.records(0, "p").length, 1, "nothing is applied to a parked actor");
  t.match(parking?.input, { kind: "timer" });
  t.match(await world.done(world.one().parked.resume("p")), { status: "ok" });
  await world.until("it acts", () => world.records(0, "p").length === 2);
  await world.ends();
  t.equal(world.records(0, "p").length, 2);
});

t.test("the timer parks its actor, and the next owner resumes it", async (t) => {
  const world = await poisonStage();
  await world.parkedByTimer();
  world.one().kill();
  world.poison.on = false;
  const two = await world.start("two", world.definition);
  await world.settled();
  t.equal(world.records(0, "p").length, 1, "a takeover fires nothing of a parked actor");
  t.match(await world.done(two.parked.resume("p")), { status: "ok" });
  await world.until("it acts", () => world.records(0, "p").length === 2);
  await world.ends();
});

t.test("a timer that an operator skips never fires", async (t) => {
  const world = await poisonStage();
  const [parking] = await world.parkedByTimer();
  world.poison.on = false;
  t.match(await world.done(world.one().parked.skip("p", parking?.id ?? "")), { status: "ok" });
  world.one().kill();
  await world.start("two", world.definition);
  await world.ends();
  const records = world.records(0, "p");
  t.equal(records.length, 2);
  t.match(records[1]?.input, /^skip:timer:/u);
  t.same(records[1]?.snapshot.timers, []);
});

/** An actor whose timer is poisonous while `poison.on`. */
async function poisonStage() {
  const poison = { on: true };
  const machine = setup({
    guards: {
      mayPass: () => {
        if (poison.on) throw new Error("poisonous");
        return true;
      },
    },
  }).createMachine({
    id: "m",
    initial: "waiting",
    states: { waiting: { after: { [LOCK_AFTER_MS]: { guard: "mayPass", target: "over" } } }, over: {} },
  });
  const definition: ActorDefinition = {
    machines: { m: { machine, version: 1 } },
    listens: {},
    effects: {},
    settled: () => true,
  };
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", definition);
  await cluster.settled();
  return {
    ...cluster,
    poison,
    definition,
    one: () => one,
    async parkedByTimer() {
      cluster.ok(await cluster.done(one.actors.start("p", {}, NOW)));
      const isParked = () => cluster.logOf(0).last(subjects.parked(0, "p")) !== undefined;
      await cluster.until("it is parked", isParked);
      return await cluster.done(one.parked.list());
    },
    async ends() {
      await cluster.clock.advance(limits.unscheduledMs + 10_000);
      for (const node of cluster.running) node.kill();
    },
  };
}
