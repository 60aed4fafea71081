/** The server's answers: late, lost, ambiguous, rejections of three kinds, and what happens to the queue after each. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type { AppendResult } from "../../../../src/runtime/ports.ts";
import {
  DUPLICATE,
  FOREIGN,
  IN_FLIGHT,
  SILENT,
  TOO_LARGE,
  WRONG,
  dependent,
  orderStage,
  record,
  type OrderStage,
} from "./order-stage.ts";
import { commitsIn } from "./relay-stage.ts";

t.test("a check in flight repeats the batch unchanged, without reading back, however often", async (t) => {
  const world = orderStage();
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
  const world = orderStage();
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
    const world = orderStage();
    for (let n = 0; n < rejections; n++) world.answers.push(WRONG);
    world.readOld();
    world.order("a1");
    await world.clock.advance(60_000);
    t.equal(world.status("a1"), rejections === 12 ? "stored" : "lock_moved", `${rejections}`);
    t.equal(world.appended.length, 13);
  }
});

t.test("rejections of one batch do not count for the next", async (t) => {
  const world = orderStage();
  world.readOld();
  for (const commit of ["a1", "b1"]) {
    for (let n = 0; n < 10; n++) world.answers.push(WRONG);
    world.order(commit);
    await world.clock.advance(30_000);
  }
  t.same(world.statuses("a1", "b1"), ["stored", "stored"]);
});

t.test("a rejection that nothing explains repeats the batch: an earlier attempt is in flight", async (t) => {
  const world = orderStage();
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
    const world = orderStage();
    world.loseAnswer();
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
    const world = orderStage();
    world.delayBatch(delayMs);
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
    const world = orderStage();
    world.delayBatch(delayMs);
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
const outcomes: Readonly<Record<string, (world: OrderStage) => void>> = {
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
        const world = orderStage({ refusalMs: 2 });
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

t.test("a server without room is reported until it answers otherwise, with any answer", async (t) => {
  const NO_ROOM: AppendResult = {
    status: "unanswered",
    reason: "insufficient resources (10023)",
    noRoom: true,
  };
  for (const [what, answer] of Object.entries({ SILENT, WRONG, IN_FLIGHT, stored: undefined })) {
    const world = orderStage();
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
    const world = orderStage();
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

t.test("a connection that is lost and found again: what waits is sent then, in order, once", async (t) => {
  const world = orderStage();
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
  "a connection that is lost after the batch was sent: its order is identified when it is found",
  async (t) => {
    const world = orderStage();
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
