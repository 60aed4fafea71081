/** Every way in which a batch becomes smaller than the queue: all write sets are resolved, in order, each once. */
import t, { type Test } from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import type { LockRef } from "../../../../src/runtime/commit/write-set.ts";
import { commitsIn, fencesIn, relayStage, type Write } from "./relay-stage.ts";

const MOST = limits.batchMessages;
const dependent = { sequence: undefined };

type Stage = ReturnType<typeof relayStage>;

/** Writes an order each, numbered from 0. */
const many = (count: number, more: (n: number) => Partial<Write> & Pick<Write, "locks">): Write[] =>
  Array.from({ length: count }, (_, n) => ({ commit: `c${n}`, actor: `x${n}`, sequence: 0, ...more(n) }));

/** An aggregator with one message for each of its changes, as for orders of as many SKUs. */
const aggregator = {
  compose: (changes: readonly unknown[]) =>
    changes.map((change) => ({ subject: inventorySubjects.stock(String(change)), payload: String(change) })),
  committed: () => {},
};

/** One message for each of `count` SKUs. */
const stocks = (count: number, name: unknown) =>
  Array.from({ length: count }, (_, n) => ({
    subject: inventorySubjects.stock(`${String(name)}-${n}`),
    payload: "",
  }));

/**
 * Submits, and asserts that every write set is stored, in order, each once. Returns the sizes of the batches.
 */
async function allStored(t: Test, stage: Stage, writes: readonly Write[]): Promise<number[]> {
  for (const write of writes) stage.submit(write);
  const commits = writes.map(({ commit }) => commit);
  await stage.clock.advance(3000);
  t.same(stage.order, commits, "resolved in order, each once");
  t.same([...new Set(commits.map(stage.status))], ["stored"], "all are stored");
  t.same(stage.appended.flatMap(commitsIn), commits, "sent in order, each once");
  t.equal(stage.outbox.depth(), 0, "the outbox is empty");
  const { appended } = stage;
  t.match(stage.relay.state(), { depth: 0, batches: appended.length, writeSets: writes.length });
  return appended.map((messages) => messages.length);
}

t.test(
  "as many write sets as a batch has messages: the lock's check makes it one message too long",
  async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("partition.0")];
    const sizes = await allStored(
      t,
      stage,
      many(MOST, () => ({ locks })),
    );
    t.same(sizes, [MOST / 2 + 1, MOST / 2 + 1]);
  },
);

t.test("one write set fewer, and the batch has exactly the most messages", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  const sizes = await allStored(
    t,
    stage,
    many(MOST - 1, () => ({ locks })),
  );
  t.same(sizes, [MOST]);
});

t.test("far more write sets than a batch takes, while another one is in flight", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  const [first, ...others] = many(3 * MOST + 1, () => ({ locks }));
  if (first) stage.submit(first);
  await stage.clock.advance(0);
  for (const write of others) stage.submit(write);
  await stage.clock.advance(3000);
  t.same(
    stage.order,
    [first, ...others].map((write) => write?.commit),
  );
  t.same(stage.appended.flatMap(commitsIn), stage.order);
  t.ok(stage.appended.every((messages) => messages.length <= MOST));
  t.equal(stage.mostInFlight(), 1);
});

t.test("orders with holds: the checks of two locks make the batch too long", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
  const sizes = await allStored(
    t,
    stage,
    many(MOST / 2, () => ({ locks, hold: { sequence: 0 } })),
  );
  t.same(sizes, [MOST / 2 + 2, MOST / 2 + 2]);
  for (const messages of stage.appended)
    t.equal(fencesIn(messages).filter(([subject]) => subject === locks[1]?.subject).length, 1);
});

t.test("the stock of many SKUs makes the batch too long", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
  const reserving = (n: number) => ({ locks, hold: { sequence: 0 }, delta: { aggregator, delta: n } });
  const sizes = await allStored(t, stage, many(450, reserving));
  t.same(sizes, [3 * 225, 3 * 225], "stock messages carry the checks of the locks");
  for (let n = 0; n < 450; n++) t.same(stage.under(inventorySubjects.stock(String(n))), [String(n)]);
});

t.test("the locks of many partitions make the batch too long", async (t) => {
  const stage = relayStage();
  const locks = Array.from({ length: 32 }, (_, n): LockRef => stage.lock(`partition.${n}`));
  const writes = many(MOST - 20, (n) => ({ locks: locks.slice(n % 32, (n % 32) + 1) }));
  const sizes = await allStored(t, stage, writes);
  t.same(sizes, [(MOST - 20) / 2 + 32, (MOST - 20) / 2 + 32]);
});

t.test("a batch that has to be shortened twice loses none", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
  const wide = {
    ...aggregator,
    compose: (changes: readonly unknown[]) => changes.flatMap((change) => stocks(10, change)),
  };
  const sizes = await allStored(
    t,
    stage,
    many(300, (n) => ({ locks, delta: { aggregator: wide, delta: n } })),
  );
  t.equal(sizes[0], 75 * 11, "a quarter of the queue");
  t.ok(Math.max(...sizes) <= MOST);
});

t.test("long write sets: the messages that are counted make the batch too long", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  const sizes = await allStored(
    t,
    stage,
    many(7, () => ({ locks, events: 299 })),
  );
  t.same(
    sizes.map((size) => Math.floor(size / 300)),
    [3, 3, 1],
    "an event has the lock's check, so that a batch may have exactly the most messages",
  );
});

t.test(
  "a write set that is too long by itself once composed is sent alone, and the queue goes on",
  async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
    const wide = { ...aggregator, compose: () => stocks(200, "X") };
    const long = { events: limits.writeSetMessages - 1, delta: { aggregator: wide, delta: 1 } };
    const sizes = await allStored(
      t,
      stage,
      many(3, (n) => ({ locks, ...(n === 1 && long) })),
    );
    t.same(sizes, [3, limits.writeSetMessages + 200, 3]);
  },
);

t.test(
  "a named sequence of a subject that is written already ends the batch, and what follows is sent next",
  async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
    const hold = { sequence: 0 };
    for (const write of [
      { commit: "a1", actor: "a", sequence: 0, hold },
      { commit: "b1", actor: "b", sequence: 0 },
      { commit: "a2", actor: "a", ...dependent, hold },
      { commit: "a3", actor: "a", ...dependent },
      { commit: "c1", actor: "c", sequence: 0, hold },
    ])
      stage.submit({ locks, ...write });
    await stage.clock.advance(1000);
    t.same(stage.appended.map(commitsIn), [["a1", "b1"], ["a2", "a3", "c1"], ["c1"]]);
    t.same(stage.order.toSorted(), ["a1", "a2", "a3", "b1", "c1"]);
    t.same(["a1", "b1", "a2", "a3", "c1"].map(stage.status), [
      "stored",
      "stored",
      "fenced",
      "fenced",
      "stored",
    ]);
  },
);

t.test("a later epoch of a lock ends the batch, and what follows is sent next", async (t) => {
  const stage = relayStage();
  const partition = stage.lock("partition.0");
  const [old, now] = [stage.lock("inventory.0"), stage.lock("inventory.0")];
  const [before, after] = [
    [partition, old],
    [partition, now],
  ];
  const epochs = [before, before, [partition], after, [partition], after];
  for (const [n, locks] of epochs.entries())
    stage.submit({ commit: `c${n}`, actor: `x${n}`, sequence: 0, locks: locks ?? [] });
  await stage.clock.advance(1000);
  t.same(stage.appended.map(commitsIn), [
    ["c0", "c1", "c2"],
    ["c2", "c3", "c4", "c5"],
  ]);
  t.same(
    epochs.map((_, n) => stage.status(`c${n}`)),
    ["lock_moved", "lock_moved", "stored", "stored", "stored", "stored"],
  );
  t.equal(stage.order.length, 6);
});

/** A code with which the server rejects a batch for one of its messages. */
const TOO_LARGE = { status: "rejected", code: 10054, reason: "message is too large" } as const;

t.test("a batch with a write set that the server rejects is split, wherever the culprit is", async (t) => {
  const COUNT = 24;
  for (const culprit of [0, 11, 12, COUNT - 1]) {
    const stage = relayStage();
    const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
    stage.refusals.push((messages) =>
      messages.some(({ payload }) => payload === "bad") ? TOO_LARGE : undefined,
    );
    const hold = { sequence: 0 };
    const writes = many(COUNT, (n) => ({ locks, hold, ...(n === culprit && { payload: "bad" }) }));
    const [first, ...others] = writes;
    for (const write of [first, ...others.slice(0, COUNT / 2)]) if (write) stage.submit(write);
    await stage.clock.advance(1);
    for (const write of others.slice(COUNT / 2)) stage.submit(write);
    await stage.clock.advance(5000);
    const title = `number ${culprit}`;
    t.same(
      stage.order,
      writes.map(({ commit }) => commit),
      `${title}: resolved in order, each once`,
    );
    for (const [n, { commit }] of writes.entries())
      t.equal(stage.status(commit), n === culprit ? "refused" : "stored", `${title}: ${commit}`);
    t.match(stage.outcomes.get(`c${culprit}`), { code: 10054, reason: "message is too large" });
    t.same(
      stage.appended.filter((sent) => sent.some(({ payload }) => payload === "bad")).at(-1),
      stage.appended.find((sent) => commitsIn(sent).join() === `c${culprit}`),
      `${title}: alone in the end`,
    );
    t.equal(stage.outbox.depth(), 0, title);
  }
});

t.test("each refusal halves the batch, and each batch that is stored doubles the next", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let refusing = true;
  stage.refusals.push(({ length }) => (refusing && length > 3 ? TOO_LARGE : undefined));
  for (const write of many(100, () => ({ locks }))) stage.submit(write);
  await stage.clock.advanceUntil(() => stage.order.length > 0, 1000);
  const sizes = (): number[] => stage.appended.map((messages) => commitsIn(messages).length);
  t.same(sizes().slice(0, 6), [100, 50, 25, 12, 6, 3]);
  refusing = false;
  await stage.clock.advance(1000);
  t.equal(stage.order.length, 100);
  const doubling = sizes().slice(sizes().indexOf(1) + 1);
  t.ok(doubling.length < 10, `${doubling.join()}: it grows`);
  t.ok(Math.max(...doubling) >= 30, doubling.join());
});

t.test("two culprits in one batch are found, and what depends on them is dropped", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0"), stage.lock("inventory.0")];
  stage.refusals.push((messages) =>
    messages.some(({ payload }) => payload === "bad") ? TOO_LARGE : undefined,
  );
  const hold = { sequence: 0 };
  const bad = { payload: "bad" };
  const writes: Omit<Write, "locks">[] = [
    { commit: "a1", actor: "a", sequence: 0, hold },
    { commit: "b1", actor: "b", sequence: 0, hold, ...bad },
    { commit: "c1", actor: "c", sequence: 0 },
    { commit: "b2", actor: "b", ...dependent },
    { commit: "a2", actor: "a", ...dependent, ...bad },
    { commit: "a3", actor: "a", ...dependent, hold: dependent },
    { commit: "c2", actor: "c", ...dependent },
  ];
  for (const write of writes) stage.submit({ locks, ...write });
  await stage.clock.advance(5000);
  t.same(
    writes.map(({ commit }) => stage.status(commit)),
    ["stored", "refused", "stored", "fenced", "refused", "fenced", "stored"],
  );
  t.equal(stage.order.length, writes.length, "each once");
  for (const actor of ["a", "b", "c"]) {
    const own = stage.order.filter((commit) => commit.startsWith(actor));
    t.same(own, own.toSorted(), `${actor}: in order`);
  }
  t.same([stage.stored("a"), stage.stored("c")], [["a1"], ["c1", "c2"]]);
});

t.test("an event of a split batch is stored once, with the record of its write set", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let refuse = true;
  stage.refusals.push(() => {
    if (!refuse) return undefined;
    refuse = false;
    return TOO_LARGE;
  });
  for (const write of many(3, () => ({ locks, events: 1 }))) stage.submit(write);
  await stage.clock.advance(2000);
  t.same(stage.under(subjects.event(0, "said")), ["c0.0", "c1.0", "c2.0"]);
  t.same(stage.order, ["c0", "c1", "c2"]);
});
