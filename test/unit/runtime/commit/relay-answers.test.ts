/** The server's answers: late, lost, ambiguous, rejections of three kinds, and what happens to the queue after each. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type { AppendResult } from "../../../../src/runtime/ports.ts";
import type { LockRef } from "../../../../src/runtime/commit/write-set.ts";
import { commitsIn, relayStage, type Write } from "./relay-stage.ts";

const record = (actor: string) => subjects.record(0, actor);
const FOREIGN = "another writer";
const dependent = { sequence: undefined };
const IN_FLIGHT: AppendResult = { status: "rejected", code: 10164, reason: "wrong last sequence" };
const WRONG: AppendResult = { status: "rejected", code: 10071, reason: "wrong last sequence" };
const DUPLICATE: AppendResult = { status: "rejected", code: 10201, reason: "duplicate message id" };
const TOO_LARGE: AppendResult = { status: "rejected", code: 10054, reason: "message is too large" };
const SILENT: AppendResult = { status: "unanswered", reason: "no answer in time" };

function stage(options?: Parameters<typeof relayStage>[0]) {
  const world = relayStage(options);
  const partition = world.lock("partition.0");
  const inventory = world.lock("inventory.0");
  const both: readonly LockRef[] = [partition, inventory];
  const order = (commit: string, more: Partial<Write> = {}): void =>
    world.submit({
      commit,
      actor: commit.slice(0, 1),
      sequence: 0,
      hold: { sequence: 0 },
      locks: both,
      ...more,
    });
  const note = (commit: string, more: Partial<Write> = {}): void =>
    world.submit({ commit, actor: commit.slice(0, 1), sequence: 0, locks: [partition], ...more });
  const statuses = (...commits: string[]): string[] => commits.map(world.status);
  let reads = 0;
  world.faults.push(({ kind }) => {
    if (kind === "read") reads++;
    return undefined;
  });
  /** Answers of the next attempts, instead of the server's; `undefined`: the server answers. */
  const answers: (AppendResult | undefined)[] = [];
  world.refusals.push(() => answers.shift());
  return {
    ...world,
    resolvedOrder: world.order,
    partition,
    inventory,
    both,
    order,
    note,
    statuses,
    answers,
    reads: () => reads,
    /** From now on readings are as of the start, when there was nothing, not even a lock. */
    readOld: (): void => {
      const log = world.server.log("KV_ORDERS");
      world.faults.push(({ kind }) => (kind === "read" ? { staleBy: log.lastSequence } : undefined));
    },
  };
}
type Stage = ReturnType<typeof stage>;

t.test("a check in flight repeats the batch unchanged, without reading back, however often", async (t) => {
  const world = stage();
  for (let n = 0; n < 20; n++) world.answers.push(IN_FLIGHT);
  world.order("a1", { events: 1 });
  await world.clock.advance(3000);
  t.equal(world.status("a1"), "unresolved");
  world.order("a2", { ...dependent, hold: dependent });
  await world.resolved(2);
  t.same(world.statuses("a1", "a2"), ["stored", "stored"]);
  t.equal(world.reads(), 0);
  for (const sent of world.appended.slice(1, 21)) t.same(sent, world.appended[0]);
  t.same(commitsIn(world.appended[20] ?? []), ["a1"], "what is submitted meanwhile waits");
});

t.test("a check in flight does not count as a rejection without an explanation", async (t) => {
  const world = stage();
  // The reading is too old, so that nothing is explained; it would be believed after twelve such rejections.
  for (let n = 0; n < 30; n++) world.answers.push(n < 20 ? IN_FLIGHT : WRONG);
  world.readOld();
  world.order("a1");
  await world.clock.advance(60_000);
  t.equal(world.status("a1"), "stored");
  t.same(world.moved, [], "an old reading without any lock was never believed");
});

t.test("an old reading is believed after twelve rejections, not before", async (t) => {
  for (const rejections of [12, 13]) {
    const world = stage();
    for (let n = 0; n < rejections; n++) world.answers.push(WRONG);
    world.readOld();
    world.order("a1");
    await world.clock.advance(60_000);
    t.equal(world.status("a1"), rejections === 12 ? "stored" : "lock_moved", `${rejections}`);
    t.equal(world.appended.length, 13);
  }
});

t.test("rejections of one batch do not count for the next", async (t) => {
  const world = stage();
  world.readOld();
  for (const commit of ["a1", "b1"]) {
    for (let n = 0; n < 10; n++) world.answers.push(WRONG);
    world.order(commit);
    await world.clock.advance(30_000);
  }
  t.same(world.statuses("a1", "b1"), ["stored", "stored"]);
});

t.test("a rejection that nothing explains repeats the batch: an earlier attempt is in flight", async (t) => {
  const world = stage();
  world.answers.push(WRONG, WRONG, WRONG);
  world.order("a1");
  world.order("b1");
  await world.resolved(2);
  t.same(world.statuses("a1", "b1"), ["stored", "stored"]);
  t.equal(world.reads(), 3);
  for (const sent of world.appended) t.same(sent, world.appended[0]);
});

t.test(
  "a message id that is stored already is read back: the order was stored by a lost attempt",
  async (t) => {
    const world = stage();
    let lost = false;
    world.faults.push(({ kind }) => {
      if (kind !== "append" || lost) return undefined;
      lost = true;
      return { lose: "answer" };
    });
    world.answers.push(undefined, DUPLICATE);
    world.order("a1");
    world.order("b1");
    await world.resolved(2);
    t.same(world.statuses("a1", "b1"), ["stored", "stored"]);
    t.equal(world.appended.length, 2);
    t.same([world.stored("a"), world.holds("a"), world.stored("b")], [["a1"], ["a1"], ["b1"]]);
  },
);

t.test("an attempt that lands after its repetition was sent is stored once, record and hold", async (t) => {
  for (const delayMs of [99, 101, 150, 250, 700]) {
    const world = stage();
    let first = true;
    world.faults.push(({ kind }) => {
      if (kind !== "append" || !first) return undefined;
      first = false;
      return { delayMs };
    });
    world.order("a1", { events: 1 });
    world.note("a2", dependent);
    world.order("b1");
    await world.resolved(3);
    await world.clock.advance(2000);
    const title = `${delayMs} ms late`;
    t.same(world.statuses("a1", "a2", "b1"), ["stored", "stored", "stored"], title);
    t.same(world.resolvedOrder, ["a1", "a2", "b1"], title);
    t.same([world.stored("a"), world.holds("a"), world.holds("b")], [["a1", "a2"], ["a1"], ["b1"]], title);
    t.same(world.under(subjects.event(0, "said")), ["a1.0"], title);
  }
});

t.test("an attempt that lands late, when its halves are sent again, counts for both halves", async (t) => {
  for (const delayMs of [110, 150, 200, 300]) {
    const world = stage();
    let first = true;
    world.faults.push(({ kind }) => {
      if (kind !== "append" || !first) return undefined;
      first = false;
      return { delayMs };
    });
    world.answers.push(undefined, TOO_LARGE);
    const commits = ["a1", "b1", "a2", "b2"];
    for (const commit of commits)
      world.order(commit, commit.endsWith("2") ? { ...dependent, hold: dependent } : {});
    await world.resolved(4);
    await world.clock.advance(2000);
    const title = `${delayMs} ms late`;
    t.same(world.statuses(...commits), ["stored", "stored", "stored", "stored"], title);
    t.same(world.resolvedOrder, commits, title);
    t.same(
      [world.stored("a"), world.holds("b")],
      [
        ["a1", "a2"],
        ["b1", "b2"],
      ],
      title,
    );
    t.equal(world.outbox.depth(), 0, title);
  }
});

/** The three outcomes of a write set, each with how it is brought about before `a1` is submitted. */
const outcomes: Readonly<Record<string, (world: Stage) => void>> = {
  stored: () => {},
  fenced: ({ store }) => void store(record("a"), FOREIGN),
  "fenced by the hold": ({ store }) => void store(inventorySubjects.hold("a"), FOREIGN),
  lock_moved: ({ store, inventory }) => void store(inventory.subject, FOREIGN),
  refused: ({ refusals }) =>
    void refusals.push((messages) => (commitsIn(messages).includes("a1") ? TOO_LARGE : undefined)),
};

t.test(
  "each outcome of an order, and what is queued after it: the same order, the same lock, others",
  async (t) => {
    for (const [what, bring] of Object.entries(outcomes)) {
      for (const queued of ["in its batch", "in the store", "not in the store yet"]) {
        const world = stage({ refusalMs: 2 });
        bring(world);
        world.order("a1");
        if (queued !== "in its batch") await world.clock.advance(0.5);
        // From a certain number on, they are written to the store while the batch is in flight.
        const others = queued === "in the store" ? 16 : 0;
        for (let n = 0; n < others; n++) world.note(`z${n}`, { actor: `z${n}` });
        world.note("a2", dependent);
        world.order("b1");
        world.note("c1");
        world.order("a3", { ...dependent, hold: dependent });
        await world.clock.advance(0);
        t.equal(world.outbox.depth(), { "in its batch": 5, "in the store": 21 }[queued] ?? 1, queued);
        await world.clock.advance(5000);
        const stored = what === "stored";
        const a1 = what.split(" ")[0] ?? "";
        const moved = what === "lock_moved";
        const title = `${what}, ${queued}`;
        // What names the moved lock itself is dropped for the lock, unless it was dropped as a dependent.
        const a3 = moved && queued === "in its batch" ? "lock_moved" : "fenced";
        t.same(
          world.statuses("a1", "a2", "a3"),
          stored ? ["stored", "stored", "stored"] : [a1, "fenced", a3],
          title,
        );
        t.same(world.statuses("b1", "c1"), [moved ? "lock_moved" : "stored", "stored"], title);
        t.equal(world.resolvedOrder.length, 5 + others, `${title}: each once`);
        const own = world.resolvedOrder.filter((commit) => commit.startsWith("a"));
        t.same(own, ["a1", "a2", "a3"], `${title}: in order`);
        t.match(world.relay.state(), { depth: 0, oldestMs: 0, answered: true }, title);
        t.equal(world.outbox.depth(), 0, title);
        t.equal(world.relay.resolvedThrough(), Number.POSITIVE_INFINITY, title);
      }
    }
  },
);

t.test(
  "an outbox that was written but not published leaves its rows where a restart finds them",
  async (t) => {
    const world = stage();
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
    const world = stage();
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
      const world = stage();
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
  const world = stage();
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
  const world = stage();
  let lost = false;
  world.faults.push(({ kind }) => {
    if (kind !== "append" || lost) return undefined;
    lost = true;
    return { lose: "answer" };
  });
  world.order("a1");
  await world.clock.advance(105);
  t.equal(world.relay.state().answered, false);
  await world.resolved(1);
  t.match(world.relay.state(), { depth: 0, answered: true, writeSets: 1 });
});

t.test("a server without room is reported until it answers otherwise, with any answer", async (t) => {
  const NO_ROOM: AppendResult = {
    status: "unanswered",
    reason: "insufficient resources (10023)",
    noRoom: true,
  };
  for (const [what, answer] of Object.entries({ SILENT, WRONG, IN_FLIGHT, stored: undefined })) {
    const world = stage();
    world.answers.push(NO_ROOM, answer);
    if (answer) for (let n = 0; n < 50; n++) world.answers.push(answer);
    world.order("a1");
    await world.clock.advance(5);
    t.equal(world.relay.state().noRoom, "insufficient resources (10023)", what);
    await world.clock.advance(20);
    t.equal(world.relay.state().noRoom, undefined, what);
  }
});

t.test(
  "the repetitions of a batch without an answer are ten milliseconds to half a second apart",
  async (t) => {
    const world = stage();
    const at: number[] = [];
    world.refusals.unshift(() => {
      at.push(world.clock.monotonic());
      return at.length < 15 ? SILENT : undefined;
    });
    world.order("a1");
    await world.resolved(1);
    const pauses = at.slice(1).map((time, n) => time - (at[n] ?? 0));
    t.same(pauses, [10, 20, 40, 80, 160, 320, 500, 500, 500, 500, 500, 500, 500, 500]);
  },
);

t.test("commits up to a sequence are resolved: the last stored batch while others wait", async (t) => {
  const world = stage();
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

t.test("a connection that is lost and found again: what waits is sent then, in order, once", async (t) => {
  const world = stage();
  world.order("a1");
  await world.resolved(1);
  world.link.disconnect();
  world.order("b1");
  world.note("a2", { sequence: world.last("a") });
  await world.clock.advance(1000);
  world.order("c1");
  await world.clock.advance(1000);
  t.same(world.statuses("b1", "a2", "c1"), ["unresolved", "unresolved", "unresolved"]);
  t.equal(world.relay.state().answered, false);
  world.link.reconnect();
  await world.resolved(4);
  t.same(world.resolvedOrder, ["a1", "b1", "a2", "c1"]);
  t.same(world.stored("a"), ["a1", "a2"]);
});

t.test(
  "a connection that is lost after the batch was sent: its order is identified afterwards",
  async (t) => {
    const world = stage();
    world.faults.push(({ kind }) => (kind === "append" ? { delayMs: 10 } : undefined));
    world.order("a1");
    world.order("b1");
    await world.clock.advance(2);
    world.link.disconnect();
    await world.clock.advance(500);
    t.same(world.resolvedOrder, []);
    world.link.reconnect();
    await world.resolved(2);
    t.same(world.statuses("a1", "b1"), ["stored", "stored"]);
    t.same([world.stored("a"), world.holds("b")], [["a1"], ["b1"]]);
  },
);

t.test("a relay that is stopped resolves nothing and sends nothing, whatever arrives then", async (t) => {
  const cases: Readonly<Record<string, (world: Stage) => void>> = {
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
      const world = stage();
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
    const world = stage();
    world.order("a1");
    world.relay.stop();
    await world.clock.advance(1000);
    t.same([world.appended.length, world.outbox.depth(), world.resolvedOrder], [0, 0, []]);
  },
);

t.test("a write set without a precondition is a programmer fault, and counts for nothing", async (t) => {
  const world = stage();
  const writeSet = { commit: "x", locks: world.both, messages: [], preconditions: [], resolved: () => {} };
  t.throws(() => world.relay.submit(writeSet), /x has no precondition/);
  t.match(world.relay.state(), { depth: 0 });
  await world.clock.advance(100);
  t.equal(world.appended.length, 0);
});

t.test("a lock is marked at once and then after each interval, also in batches with events", async (t) => {
  const world = stage({ markEveryMs: 1000 });
  const marks: number[] = [];
  for (let n = 0; n < 5; n++) {
    world.note(`a${n}`, { sequence: world.last("a"), events: 1 });
    await world.resolved(n + 1);
    marks.push(world.under(subjects.fence("partition.0")).length);
    await world.clock.advance(n === 1 ? 500 : 400);
  }
  t.same(marks, [1, 1, 1, 2, 2]);
  world.order("b1", { events: 1 });
  await world.resolved(6);
  t.equal(world.under(subjects.fence("inventory.0")).length, 1, "each lock has its own interval");
});

t.test("a batch without events always carries the lock's check, whether a mark is due or not", async (t) => {
  const world = stage();
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
    const world = stage();
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
    const world = stage();
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
  const world = stage();
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
