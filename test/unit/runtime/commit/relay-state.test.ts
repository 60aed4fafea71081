/** What the relay does besides publishing: rows of the store, its state, its stop, the marks of locks, a full disk. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { MARK_AFTER, MARK_AFTER_MESSAGES } from "../../../../src/runtime/commit/lock-marks.ts";
import {
  FOREIGN,
  IN_FLIGHT,
  SILENT,
  TOO_LARGE,
  dependent,
  orderStage,
  record,
  type OrderStage,
} from "./order-stage.ts";

t.test(
  "an outbox that was written but not published leaves its rows where a restart finds them",
  async (t) => {
    const world = orderStage();
    for (let n = 0; n < 5; n++) world.answers.push(SILENT);
    world.order("a1");
    world.order("b1");
    await world.clock.advance(50);
    t.same(world.outbox.leftover(), ["a1", "b1"]);
    t.same(world.trace.slice(0, 2), ["write a1 b1", "send a1 b1"], "written before it is sent");
    t.same(world.resolvedOrder, []);
  },
);

t.test(
  "rows leave the outbox before their callers are answered, and the next batch is sent first",
  async (t) => {
    const world = orderStage();
    world.order("a1");
    await world.clock.advance(0);
    world.order("b1");
    await world.resolved(2);
    t.same(world.trace, [
      "write a1",
      "send a1",
      "write b1",
      "send b1",
      "remove a1",
      "resolve a1",
      "remove b1",
      "resolve b1",
    ]);
  },
);

t.test(
  "many new write sets are written while a batch is in flight, and few wait for its answer",
  async (t) => {
    for (const [count, early] of [
      [15, false],
      [16, true],
    ] as const) {
      const world = orderStage();
      world.faults.push(({ kind }) => (kind === "append" ? { delayMs: 40 } : undefined));
      world.note("a1");
      await world.clock.advance(1);
      for (let n = 0; n < count; n++) world.note(`b${n}`, { actor: `b${n}` });
      await world.clock.advance(10);
      t.equal(world.outbox.depth(), early ? 17 : 1, `${count}`);
      await world.resolved(1 + count);
      t.equal(world.appended.length, 2, `${count}`);
    }
  },
);

t.test("the state counts what is unresolved, its age, and what was stored", async (t) => {
  const world = orderStage();
  t.match(world.relay.state(), { depth: 0, oldestMs: 0, answered: true, batches: 0, writeSets: 0 });
  for (let n = 0; n < 4; n++) world.answers.push(SILENT);
  world.order("a1");
  await world.clock.advance(30);
  world.order("b1");
  world.note("a2", dependent);
  t.match(world.relay.state(), { depth: 3, oldestMs: 30, answered: false, batches: 0, writeSets: 0 });
  await world.resolved(1);
  const age = world.relay.state().oldestMs;
  t.ok(age > 0 && age < world.clock.monotonic() - 20, "the oldest that is left was submitted later");
  t.match(world.relay.state(), { depth: 2, answered: true, batches: 1, writeSets: 1 });
  await world.resolved(3);
  t.match(world.relay.state(), { depth: 0, oldestMs: 0, answered: true, batches: 2, writeSets: 3 });
});

t.test("what an earlier attempt stored counts as write sets, and a rejection is an answer", async (t) => {
  const world = orderStage();
  world.loseAnswer();
  world.order("a1");
  await world.clock.advance(105);
  t.equal(world.relay.state().answered, false);
  await world.resolved(1);
  t.match(world.relay.state(), { depth: 0, answered: true, writeSets: 1 });
});

t.test("commits up to a sequence are resolved: the last stored batch while others wait", async (t) => {
  const world = orderStage();
  t.equal(world.relay.resolvedThrough(), Number.POSITIVE_INFINITY);
  world.order("a1");
  t.equal(world.relay.resolvedThrough(), 0, "nothing is stored yet");
  await world.clock.advance(0);
  world.order("b1");
  await world.resolved(1);
  t.equal(
    world.relay.resolvedThrough(),
    world.lastHold("a") + 2,
    "the batch of a1, its lock checks included",
  );
  await world.resolved(2);
  t.equal(world.relay.resolvedThrough(), Number.POSITIVE_INFINITY);
});

t.test("a relay that is stopped resolves nothing and sends nothing, whatever arrives then", async (t) => {
  const cases: Readonly<Record<string, (world: OrderStage) => void>> = {
    stored: () => {},
    fenced: ({ store }) => void store(record("a"), FOREIGN),
    "lock moved": ({ store, inventory }) => void store(inventory.subject, FOREIGN),
    refused: ({ answers }) => void answers.push(TOO_LARGE),
    silent: ({ answers }) => void answers.push(SILENT),
    "a check in flight": ({ answers }) => void answers.push(IN_FLIGHT),
  };
  for (const [what, bring] of Object.entries(cases)) {
    // Before the answer, and for a rejection between the answer and the reading.
    for (const afterMs of [0, 1, 2.5]) {
      const world = orderStage();
      bring(world);
      world.order("a1");
      await world.clock.advance(afterMs);
      if (world.resolvedOrder.length > 0) continue;
      world.order("b1");
      world.relay.stop();
      const sent = world.appended.length;
      world.order("c1");
      await world.clock.advance(5000);
      const title = `${what}, stopped after ${afterMs} ms`;
      t.same(world.resolvedOrder, [], title);
      t.equal(world.appended.length, sent, `${title}: nothing more is sent`);
      t.ok(
        world.outbox.leftover().every((commit) => commit === "a1"),
        `${title}: the row stays`,
      );
      t.equal(world.outbox.depth(), sent, title);
      t.same(world.moved, [], title);
    }
  }
});

t.test(
  "a relay that is stopped before it has written what was submitted neither writes nor sends it",
  async (t) => {
    const world = orderStage();
    world.order("a1");
    world.relay.stop();
    await world.clock.advance(1000);
    t.same([world.appended.length, world.outbox.depth(), world.resolvedOrder], [0, 0, []]);
  },
);

t.test("a write set without a precondition is a programmer fault, and counts for nothing", async (t) => {
  const world = orderStage();
  const writeSet = { commit: "x", locks: world.both, messages: [], preconditions: [], resolved: () => {} };
  t.throws(() => world.relay.submit(writeSet), /x has no precondition/);
  t.match(world.relay.state(), { depth: 0 });
  await world.clock.advance(100);
  t.equal(world.appended.length, 0);
});

t.test(
  "a partition is marked after many write sets, also in a batch with events; inventory never",
  async (t) => {
    const world = orderStage({ markEveryMs: 1000 });
    const marks = (resource: string): number => world.under(subjects.fence(resource)).length;
    let resolved = 0;
    const write = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const commit = `o${resolved}`;
        world.order(commit, { actor: commit, events: 2 });
        await world.resolved(++resolved);
      }
    };
    await write(MARK_AFTER - 1);
    await world.clock.advance(1000);
    t.equal(marks("partition.0"), 0, "few write sets need no mark");
    await write(1);
    t.equal(marks("partition.0"), 1);
    await write(MARK_AFTER);
    t.equal(marks("partition.0"), 1, "the interval is not over");
    await world.clock.advance(1000);
    await write(1);
    t.equal(marks("partition.0"), 2);
    t.equal(marks("inventory.0"), 0);
  },
);

t.test("a partition that writes rarely is marked once the log has grown", async (t) => {
  const world = orderStage({ markEveryMs: 1000 });
  const marks = (): number => world.under(subjects.fence("partition.0")).length;
  world.note("a1", { events: 1 });
  await world.resolved(1);
  for (let n = 0; n < MARK_AFTER_MESSAGES; n++) world.store("orders.events.1.said");
  await world.clock.advance(1000);
  // The relay learns of the growth from the answer to its own batch.
  world.note("b1", { events: 1 });
  await world.resolved(2);
  t.equal(marks(), 0);
  world.note("c1", { events: 1 });
  await world.resolved(3);
  world.note("d1", { events: 1 });
  await world.resolved(4);
  t.equal(marks(), 1, "once");
});

t.test("a batch without events always carries the lock's check, whether a mark is due or not", async (t) => {
  const world = orderStage();
  world.note("a1");
  await world.resolved(1);
  world.store(world.partition.subject, FOREIGN);
  world.note("b1");
  await world.resolved(2);
  t.equal(world.status("b1"), "lock_moved");
  t.same(world.stored("b"), []);
});

t.test(
  "a full disk after the batch was stored: the orders count as stored, and their rows go later",
  async (t) => {
    const world = orderStage();
    world.order("a1");
    await world.clock.advance(1);
    world.outbox.failWith("disk full");
    await world.resolved(1);
    t.equal(world.status("a1"), "stored");
    world.order("b1");
    await world.clock.advance(10);
    t.equal(world.status("b1"), "store_unavailable");
    t.same(world.outbox.leftover(), ["a1"]);
    t.equal(world.appended.length, 1, "what the store refused is never sent");
    world.outbox.failWith(undefined);
    await world.clock.advance(1000);
    t.same(world.outbox.leftover(), []);
    world.order("b2");
    await world.resolved(3);
    t.equal(world.status("b2"), "stored");
  },
);

t.test(
  "a full disk while orders are queued: they are published, and only new ones are refused",
  async (t) => {
    const world = orderStage();
    world.faults.push(({ kind }) => (kind === "append" ? { delayMs: 20 } : undefined));
    world.note("a1");
    await world.clock.advance(1);
    for (let n = 0; n < 16; n++) world.note(`q${n}`, { actor: `q${n}` });
    await world.clock.advance(1);
    t.equal(world.outbox.depth(), 17, "written early");
    world.outbox.failWith("disk full");
    for (let n = 0; n < 16; n++) world.note(`r${n}`, { actor: `r${n}` });
    await world.clock.advance(2);
    t.equal(world.status("r0"), "store_unavailable");
    world.note("s");
    await world.clock.advance(300);
    t.same([world.status("a1"), world.status("q15"), world.status("s")], ["stored", "stored", "unresolved"]);
    world.outbox.failWith(undefined);
    await world.clock.advance(1000);
    t.equal(world.status("s"), "stored", "what waited is written when the store accepts it");
    t.match(world.relay.state(), { depth: 0, storeRefuses: false, writeSets: 18 });
  },
);

t.test("a disk that is full again refuses again: the pause of the first time does not last", async (t) => {
  const world = orderStage();
  for (const round of [1, 2]) {
    world.outbox.failWith("disk full");
    world.order(`a${round}`);
    await world.clock.advance(10);
    t.equal(world.status(`a${round}`), "store_unavailable", `round ${round}`);
    world.outbox.failWith(undefined);
    await world.clock.advance(1000);
  }
  t.equal(world.appended.length, 0);
});
