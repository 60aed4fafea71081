/** When a batch carries a mark for the checkpoint: by number of write sets, time, growth of the log, and epoch. */
import t from "tap";
import { LockMarks, MARK_AFTER, MARK_AFTER_MESSAGES } from "../../../../src/runtime/commit/lock-marks.ts";
import type { LockRef, WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { writeSetOf } from "./relay-stage.ts";

const EVERY_MS = 1000;
const lockOf = (resource: string, epoch = 10): LockRef => ({ subject: subjects.lock(resource), epoch });
const one = lockOf("partition.1");
const two = lockOf("partition.2");
const inventory = lockOf("inventory.0");

const many = (count: number, ...locks: LockRef[]): WriteSet[] =>
  Array.from({ length: count }, (_, n) =>
    writeSetOf({ commit: `c${n}`, actor: `c${n}`, sequence: 0, locks }),
  );
const unmarked = (writeSets: readonly WriteSet[]) => ({ writeSets, marked: new Set<string>() });

t.test("write sets of several batches count together, each partition by itself", (t) => {
  const marks = new LockMarks(subjects, EVERY_MS);
  marks.sent(unmarked(many(MARK_AFTER - 2, one)), 0, 10);
  marks.sent(unmarked(many(MARK_AFTER - 3, two)), 0, 10);
  t.same([...marks.due(many(1, one), EVERY_MS, 10)], []);
  t.same([...marks.due(many(2, one), EVERY_MS, 10)], [one.subject], "those of the batch itself count");
  t.same([...marks.due([...many(2, one), ...many(2, two)], EVERY_MS, 10)], [one.subject]);
  t.same([...marks.due(many(3, one, two), EVERY_MS, 10)].toSorted(), [one.subject, two.subject]);
  t.same([...marks.due(many(2, one), EVERY_MS, 10)], [one.subject], "to ask counts nothing");
  t.end();
});

t.test("a mark is not due before its interval is over, and every fence message counts as one", (t) => {
  const marks = new LockMarks(subjects, EVERY_MS);
  const most = many(MARK_AFTER, one);
  t.same([...marks.due(most, 500, 10)], [], "the interval begins with the first batch");
  t.same([...marks.due(most, 500 + EVERY_MS - 1, 10)], []);
  t.same([...marks.due(most, 500 + EVERY_MS, 10)], [one.subject]);
  marks.sent({ writeSets: most, marked: new Set([one.subject]) }, 2000, 100);
  t.same([...marks.due(most, 2000 + EVERY_MS - 1, 100)], []);
  t.same(
    [...marks.due(many(MARK_AFTER - 1, one), 2000 + EVERY_MS, 100)],
    [],
    "what was marked counts no more",
  );
  t.same([...marks.due(most, 2000 + EVERY_MS, 100)], [one.subject]);
  t.end();
});

t.test(
  "a partition that writes rarely is marked when the log has grown, from its lock or its last mark",
  (t) => {
    const marks = new LockMarks(subjects, EVERY_MS);
    const write = many(1, one);
    marks.due(write, 0, 10);
    t.same([...marks.due(write, EVERY_MS, one.epoch + MARK_AFTER_MESSAGES - 1)], []);
    t.same([...marks.due(write, EVERY_MS, one.epoch + MARK_AFTER_MESSAGES)], [one.subject]);
    marks.sent({ writeSets: write, marked: new Set([one.subject]) }, EVERY_MS, 50_000);
    t.same([...marks.due(write, 9 * EVERY_MS, 50_000 + MARK_AFTER_MESSAGES - 1)], []);
    t.same([...marks.due(write, 9 * EVERY_MS, 50_000 + MARK_AFTER_MESSAGES)], [one.subject]);
    t.end();
  },
);

t.test("a new tenure begins anew: its consumer starts at its lock entry", (t) => {
  const marks = new LockMarks(subjects, EVERY_MS);
  const later = lockOf("partition.1", 90_000);
  marks.sent(unmarked(many(MARK_AFTER - 1, one)), 0, 10);
  marks.due(many(1, later), 2 * EVERY_MS, 90_000);
  t.same([...marks.due(many(1, later), 3 * EVERY_MS, 90_000)], []);
  t.same([...marks.due(many(1, later), 3 * EVERY_MS, 90_000 + MARK_AFTER_MESSAGES)], [later.subject]);
  t.end();
});

t.test("the inventory has no marks", (t) => {
  const marks = new LockMarks(subjects, EVERY_MS);
  const writeSets = many(2 * MARK_AFTER, inventory);
  marks.due(writeSets, 0, 10);
  t.same([...marks.due(writeSets, EVERY_MS, 10 + MARK_AFTER_MESSAGES)], []);
  t.end();
});
