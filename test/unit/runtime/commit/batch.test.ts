/** How many write sets share a batch, and what the batch is made of: fences, lock checks, messages of aggregators. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { type Batch, composeBatch, countThatFits } from "../../../../src/runtime/commit/batch.ts";
import type { WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import { fencesIn, type Write, writeSetOf } from "./relay-stage.ts";

const partition = { subject: subjects.lock("partition.0"), epoch: 11 };
const inventory = { subject: subjects.lock("inventory.0"), epoch: 12 };
const both = [partition, inventory];
const record = (actor: string) => subjects.record(0, actor);
const { hold } = inventorySubjects;
const fenceOf = { partition: subjects.fence("partition.0"), inventory: subjects.fence("inventory.0") };

const write = (commit: string, more: Partial<Write> = {}): WriteSet =>
  writeSetOf({ commit, actor: commit.slice(0, 1), sequence: 0, locks: [partition], ...more });
/** The real shape: an order's record and its hold, under two locks. */
const order = (commit: string, more: Partial<Write> = {}): WriteSet =>
  write(commit, { hold: { sequence: 0 }, locks: both, ...more });

const compose = (
  writeSets: readonly WriteSet[],
  last: [string, number][] = [],
  marks: string[] = [],
): Batch => composeBatch(writeSets, new Map(last), new Set(marks), subjects);

const subjectsOf = ({ messages }: Batch): string[] => messages.map(({ subject }) => subject);

// -- how many fit

t.test("the number of write sets is limited, and the first fits in any case", (t) => {
  const three = [order("a"), order("b"), order("c")];
  t.same(
    [0, 1, 2, 3, 4].map((most) => countThatFits(three, most)),
    [1, 1, 2, 3, 3],
  );
  t.equal(countThatFits([], 5), 0);
  const huge = write("a", { events: limits.batchMessages });
  t.equal(countThatFits([huge, write("b")], 5), 1, "a first one that is too long goes alone");
  t.end();
});

t.test("the messages of all write sets together are limited, the limit itself included", (t) => {
  const half = limits.batchMessages / 2 - 1;
  const first = write("a", { events: half });
  t.equal(countThatFits([first, write("b", { events: half }), write("c")], 900), 2, "exactly the limit");
  t.equal(countThatFits([first, write("b", { events: half + 1 })], 900), 1, "one message more");
  const many = Array.from({ length: limits.batchMessages + 1 }, (_, n) => write(`${n}`, { actor: `x${n}` }));
  t.equal(countThatFits(many, Number.POSITIVE_INFINITY), limits.batchMessages);
  t.end();
});

t.test("a batch has one epoch of each lock, whichever of its write sets names the lock and where", (t) => {
  const later = { ...inventory, epoch: 13 };
  const moved = [partition, later];
  t.equal(countThatFits([order("a"), order("b", { locks: moved })], 9), 1, "the second lock counts");
  t.equal(
    countThatFits([order("a"), write("b"), order("c", { locks: moved })], 9),
    2,
    "the lock of an earlier write set counts, not only that of the one before",
  );
  t.equal(countThatFits([order("a"), order("b", { locks: [later] })], 9), 1);
  t.equal(countThatFits([write("a"), order("b", { locks: moved })], 9), 2, "another lock has its own epoch");
  t.end();
});

t.test("a named sequence of a subject that the batch writes already waits for the next batch", (t) => {
  const dependent = { sequence: undefined };
  const first = order("a1");
  t.equal(countThatFits([first, write("a2", dependent)], 9), 2, "a dependent shares the batch");
  t.equal(countThatFits([first, write("a2", { sequence: 0 })], 9), 1, "the record is named");
  t.equal(
    countThatFits([first, order("a2", { ...dependent, hold: { sequence: 0 } })], 9),
    1,
    "the hold alone is named",
  );
  t.equal(
    countThatFits([first, order("b1"), order("a2", { ...dependent, hold: dependent })], 9),
    3,
    "both depend",
  );
  t.equal(
    countThatFits([write("a1", dependent), order("a2", { ...dependent, hold: { sequence: 7 } })], 9),
    2,
    "the hold is not written yet",
  );
  t.end();
});

// -- what a batch is made of

t.test("an order with its hold is fenced twice, and each of its two locks is checked once", (t) => {
  const batch = compose([order("a", { sequence: 5, hold: { sequence: 6 } })]);
  t.same(subjectsOf(batch), [record("a"), hold("a"), fenceOf.partition, fenceOf.inventory]);
  t.same(fencesIn(batch.messages), [
    [record("a"), 5],
    [hold("a"), 6],
    [partition.subject, partition.epoch],
    [inventory.subject, inventory.epoch],
  ]);
  t.same(
    batch.messages.slice(2).map(({ payload }) => payload),
    ["", ""],
  );
  t.same(
    [...batch.fences],
    [
      [record("a"), 5],
      [hold("a"), 6],
    ],
  );
  t.same(
    [...batch.checkedSubjects],
    [
      [record("a"), 0],
      [hold("a"), 1],
    ],
  );
  t.same(batch.locks, both);
  t.same(batch.messages[0]?.headers, { "Orderly-Commit": "a" }, "the fence is all that is added");
  t.equal(batch.messages[0]?.messageId, "a");
  t.end();
});

t.test(
  "several write sets of one order and hold: the first carries the fences, the last place counts",
  (t) => {
    const dependent = { sequence: undefined };
    const batch = compose([
      order("a1", { sequence: 5, hold: { sequence: 0 } }),
      order("b1"),
      write("a2", dependent),
      order("a3", { ...dependent, hold: dependent }),
    ]);
    t.same(fencesIn(batch.messages), [
      [record("a"), 5],
      [hold("a"), 0],
      [record("b"), 0],
      [hold("b"), 0],
      [partition.subject, partition.epoch],
      [inventory.subject, inventory.epoch],
    ]);
    t.same(
      [...batch.checkedSubjects],
      [
        [record("a"), 5],
        [hold("a"), 6],
        [record("b"), 2],
        [hold("b"), 3],
      ],
    );
    t.equal(batch.fences.get(record("a")), 5);
    t.equal(batch.fences.get(hold("a")), 0);
    t.end();
  },
);

t.test("of several dependents in a batch only the first carries the fence", (t) => {
  const dependent = { sequence: undefined, hold: { sequence: undefined } };
  const last: [string, number][] = [
    [record("a"), 8],
    [hold("a"), 9],
  ];
  const fences = fencesIn(compose([order("a1", dependent), order("a2", dependent)], last).messages);
  t.same(fences.slice(0, -2), last);
  t.end();
});

t.test("a sequence that a write set names counts, and the last stored one where it names none", (t) => {
  const last: [string, number][] = [
    [record("a"), 8],
    [hold("a"), 9],
  ];
  const fences = (sequence: number | undefined, held: number | undefined) => [
    ...compose([order("a", { sequence, hold: { sequence: held } })], last).fences.values(),
  ];
  t.same(fences(3, 4), [3, 4]);
  t.same(fences(undefined, 4), [8, 4]);
  t.same(fences(3, undefined), [3, 9]);
  t.same(fences(0, 0), [0, 0], "zero is a sequence: nothing may be stored yet");
  t.throws(
    () => compose([order("a", { hold: { sequence: undefined } })], last.slice(0, 1)),
    /no expected.*holds\.a/,
  );
  t.end();
});

t.test("the check of a lock is on the first event of the batch", (t) => {
  const batch = compose([write("a"), write("b", { events: 2 }), write("c", { events: 1 })]);
  t.same(fencesIn(batch.messages).at(-1), [record("c"), 0]);
  t.same(
    batch.messages.map(({ fence }) => fence?.subject),
    [record("a"), record("b"), partition.subject, undefined, record("c"), undefined],
  );
  t.same([...batch.marked], []);
  t.end();
});

t.test("one event carries the check of one lock, and the other lock has a message of its own", (t) => {
  const batch = compose([order("a", { events: 1 })]);
  t.same(fencesIn(batch.messages), [
    [record("a"), 0],
    [partition.subject, partition.epoch],
    [hold("a"), 0],
    [inventory.subject, inventory.epoch],
  ]);
  t.equal(batch.messages[3]?.subject, fenceOf.inventory);
  t.same([...batch.marked], [inventory.subject]);
  t.end();
});

t.test("two events of one write set carry the checks of two locks, whichever lock an event is under", (t) => {
  const other = { subject: subjects.lock("partition.1"), epoch: 14 };
  const batch = compose([write("a", { events: 2 }), write("b", { locks: [other] })]);
  t.same(fencesIn(batch.messages), [
    [record("a"), 0],
    [partition.subject, partition.epoch],
    [other.subject, other.epoch],
    [record("b"), 0],
  ]);
  t.equal(batch.messages.length, 4, "no empty message");
  t.end();
});

t.test("a lock that several write sets name is checked once", (t) => {
  const batch = compose([order("a"), write("b"), order("c"), write("d", { locks: [inventory] })]);
  t.same(
    fencesIn(batch.messages).filter(([subject]) => both.some((lock) => lock.subject === subject)),
    both.map(({ subject, epoch }) => [subject, epoch]),
  );
  t.same(batch.locks, both);
  t.end();
});

const armed = (commit: string, more: Partial<Write> = {}): WriteSet => {
  const set = write(commit, more);
  const schedule = { at: 1, target: subjects.inbox(0, "a") };
  return {
    ...set,
    messages: [...set.messages, { subject: `orders.timers.${commit}`, payload: "", schedule }],
  };
};

t.test("a later record of an order, which cannot be checked itself, carries the check of a lock", (t) => {
  const batch = compose([armed("a1"), armed("a2", { sequence: undefined })]);
  t.same(
    batch.messages.map(({ subject, fence }) => [subject, fence?.subject]),
    [
      [record("a"), record("a")],
      ["orders.timers.a1", undefined],
      [record("a"), partition.subject],
      ["orders.timers.a2", undefined],
    ],
  );
  t.same(
    [...batch.fences.keys()],
    [record("a")],
    "a rejection of the order is explained by its own fence only",
  );
  t.end();
});

const fencesOf = (writeSet: WriteSet) =>
  compose([writeSet]).messages.map(({ subject, fence }) => [subject, fence?.subject]);

t.test("a schedule carries the check of a lock when nothing else can", (t) => {
  t.same(fencesOf(armed("a")), [
    [record("a"), record("a")],
    ["orders.timers.a", partition.subject],
  ]);
  t.same(
    fencesOf(armed("a", { events: 1 })),
    [
      [record("a"), record("a")],
      [subjects.event(0, "said"), partition.subject],
      ["orders.timers.a", undefined],
    ],
    "an event comes first",
  );
  t.end();
});

t.test("a mark that is due is a message of its own, and no event carries that lock's check then", (t) => {
  const writeSets = [order("a", { events: 1 })];
  const checks = (...marks: string[]) =>
    compose(writeSets, [], marks).messages.map(({ subject, fence }) => [subject, fence?.subject]);
  t.same(checks(partition.subject), [
    [record("a"), record("a")],
    [subjects.event(0, "said"), inventory.subject],
    [hold("a"), hold("a")],
    [fenceOf.partition, partition.subject],
  ]);
  t.same(
    checks(inventory.subject),
    [
      [record("a"), record("a")],
      [subjects.event(0, "said"), partition.subject],
      [hold("a"), hold("a")],
      [fenceOf.inventory, inventory.subject],
    ],
    "the mark of one lock is not that of the other",
  );
  t.same([...compose(writeSets, [], [partition.subject]).marked], [partition.subject]);
  t.end();
});

t.test("a lock in a further stream has its fence message under the name of its resource", (t) => {
  const further = { subject: subjects.lock("partition.3", 1), epoch: 4 };
  const batch = compose([write("a", { locks: [further] })]);
  t.match(batch.messages.at(-1), {
    subject: subjects.fence("partition.3"),
    fence: { subject: further.subject, sequence: 4 },
  });
  t.end();
});

t.test(
  "deltas are composed once per aggregator, in order, after the writes, and carry the lock checks",
  (t) => {
    const asked: (readonly unknown[])[] = [];
    const aggregator = (name: string) => ({
      compose: (changes: readonly unknown[]) => {
        asked.push(changes);
        return [{ subject: inventorySubjects.stock(name), payload: changes.join("+") }];
      },
      committed: () => {},
    });
    const [x, y] = [aggregator("X"), aggregator("Y")];
    const batch = compose([
      order("a", { delta: { aggregator: x, delta: 1 } }),
      order("b", { delta: { aggregator: y, delta: 2 } }),
      write("c"),
      order("d", { delta: { aggregator: x, delta: 3 } }),
    ]);
    t.same(asked, [[1, 3], [2]]);
    t.same(
      [...batch.deltas],
      [
        [x, [1, 3]],
        [y, [2]],
      ],
    );
    t.same(
      batch.messages.slice(-2).map(({ subject, payload, fence }) => [subject, payload, fence?.subject]),
      [
        [inventorySubjects.stock("X"), "1+3", partition.subject],
        [inventorySubjects.stock("Y"), "2", inventory.subject],
      ],
    );
    t.same([...batch.marked], [], "the messages of aggregators carry the checks");
    t.end();
  },
);

t.test("composing changes no write set: the next composition is the same", (t) => {
  const writeSets = [order("a", { events: 2 }), order("b"), write("a2", { sequence: undefined })];
  const before = JSON.stringify(writeSets);
  const once = compose(writeSets);
  t.equal(JSON.stringify(writeSets), before);
  t.same(compose(writeSets).messages, once.messages);
  t.same(once.writeSets, writeSets);
  t.end();
});
