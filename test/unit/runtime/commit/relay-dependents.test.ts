/** What is dropped with an order: dependents, through whichever subject, in the order of submission. */
import t from "tap";
import { FOREIGN, dependent, hold, orderStage, record } from "./order-stage.ts";
import { holdOnly, writeSetOf } from "./relay-stage.ts";

t.test("a dropped order frees its subjects: the next decision names its own sequences", async (t) => {
  const world = orderStage();
  const [foreignRecord, foreignHold] = [world.store(record("a"), FOREIGN), world.store(hold("a"), FOREIGN)];
  world.order("a1");
  world.order("a2", { ...dependent, hold: dependent });
  await world.resolved(2);
  world.order("a3", { sequence: foreignRecord, hold: { sequence: foreignHold } });
  world.order("a4", { ...dependent, hold: dependent });
  await world.resolved(4);
  t.same(world.statuses("a1", "a2", "a3", "a4"), ["fenced", "fenced", "stored", "stored"]);
  t.same(world.holds("a"), [FOREIGN, "a3", "a4"]);
});

t.test(
  "outcomes of one order are reported in its order, whatever each of its write sets was dropped for",
  async (t) => {
    const world = orderStage();
    // Loaded before a0 was stored: fenced by the record. Its dependent also has the lock that has moved.
    world.note("a0");
    await world.clock.advance(1);
    world.note("a1");
    world.order("a2", dependent);
    world.note("a3", dependent);
    world.store(world.inventory.subject, FOREIGN);
    await world.resolved(4);
    t.same(world.statuses("a0", "a1", "a2", "a3"), ["stored", "fenced", "lock_moved", "fenced"]);
    t.same(world.resolvedOrder, ["a0", "a1", "a2", "a3"]);
  },
);

t.test("what was submitted before a dropped order is no dependent of it", async (t) => {
  for (const waits of ["a first record", "a dependent"]) {
    const world = orderStage();
    if (waits === "a dependent") {
      world.note("a0");
      await world.clock.advance(1);
    }
    world.note("a1", waits === "a dependent" ? dependent : {});
    world.note("a2", dependent);
    world.order("a3", dependent);
    world.note("a4", dependent);
    world.store(world.inventory.subject, FOREIGN);
    await world.resolved(waits === "a dependent" ? 5 : 4);
    t.same(
      world.statuses("a1", "a2", "a3", "a4"),
      ["stored", "stored", "lock_moved", "fenced"],
      `the first is ${waits}`,
    );
    t.same(world.stored("a").slice(-2), ["a1", "a2"]);
  }
});

t.test("a hold that was overtaken drops what depends on the order's record too, in its order", async (t) => {
  const world = orderStage();
  world.store(hold("a"), FOREIGN);
  world.order("a1");
  world.note("a2", dependent);
  world.order("a3", { ...dependent, hold: dependent });
  world.note("a4", dependent);
  world.submitWriteSet(
    holdOnly({ commit: "h", actor: "a", sequence: 0, hold: dependent, locks: [world.inventory] }),
  );
  await world.resolved(5);
  t.same(world.statuses("a1", "a2", "a3", "a4", "h"), ["fenced", "fenced", "fenced", "fenced", "fenced"]);
  t.same(world.resolvedOrder, ["a1", "a2", "a3", "a4", "h"]);
  t.same([world.stored("a"), world.holds("a")], [[], [FOREIGN]]);
});

t.test("what depends on an order through its hold alone is dropped with it", async (t) => {
  const world = orderStage();
  world.store(record("a"), FOREIGN);
  world.order("a1");
  const ended = { sequence: 0, hold: dependent, locks: [world.inventory] };
  world.submitWriteSet(holdOnly({ commit: "h1", actor: "a", ...ended }));
  await world.clock.advance(1);
  world.submitWriteSet(holdOnly({ commit: "h2", actor: "a", ...ended }));
  await world.resolved(3);
  t.same(world.statuses("a1", "h1", "h2"), ["fenced", "fenced", "fenced"]);
  t.same(world.holds("a"), []);
});

t.test("dependents of dependents are dropped, also through another subject", async (t) => {
  const world = orderStage();
  world.store(record("a"), FOREIGN);
  world.note("a1");
  await world.clock.advance(0);
  world.order("a2", dependent);
  const ended = { sequence: 0, hold: dependent, locks: [world.inventory] };
  world.submitWriteSet(holdOnly({ commit: "h1", actor: "a", ...ended }));
  world.note("b1");
  await world.resolved(4);
  t.same(world.statuses("a1", "a2", "h1", "b1"), ["fenced", "fenced", "fenced", "stored"]);
});

t.test("a write set depends through any of its subjects, also one that is not its first", async (t) => {
  const world = orderStage();
  world.store(record("a"), FOREIGN);
  world.order("a1");
  const { messages } = holdOnly({ commit: "b1", actor: "a", sequence: 0, hold: dependent, locks: [] });
  const own = writeSetOf({ commit: "b1", actor: "b", sequence: 0, locks: world.both });
  world.submitWriteSet({
    ...own,
    messages: [...own.messages, ...messages],
    preconditions: [...own.preconditions, { subject: hold("a"), sequence: undefined }],
  });
  world.note("b2", dependent);
  await world.clock.advance(5);
  t.same(world.statuses("a1", "b1", "b2"), ["fenced", "fenced", "fenced"]);
  t.same([world.stored("b"), world.holds("a")], [[], []]);
});

t.test(
  "a write set that names its own sequences does not depend on a dropped one, nor what follows it",
  async (t) => {
    const world = orderStage();
    const now = world.store(record("a"), FOREIGN);
    world.order("a1");
    await world.clock.advance(0);
    world.order("a2", { sequence: now, hold: { sequence: 0 } });
    world.note("a3", dependent);
    await world.resolved(3);
    t.same(world.statuses("a1", "a2", "a3"), ["fenced", "stored", "stored"]);
    t.same(world.resolvedOrder, ["a1", "a2", "a3"]);
  },
);

t.test(
  "a dependent of a write set that is resolved is a fault of the program, for record and hold",
  async (t) => {
    for (const more of [dependent, { hold: dependent }]) {
      const world = orderStage();
      world.order("a1");
      await world.resolved(1);
      world.order("a2", { sequence: world.last("a"), hold: { sequence: world.lastHold("a") }, ...more });
      await t.rejects(world.clock.advance(10), /no expected sequence/u);
    }
  },
);
