/** Planted bugs of the outcomes that a relay reports: found again, dropped with dependents, refused, split. */
import type { Mutant } from "./mutant.ts";

const RELAY = "src/runtime/commit/relay.ts";
const ANSWERS_TEST = "test/unit/runtime/commit/relay-answers.test.ts";
const SIZES_TEST = "test/unit/runtime/commit/relay-batch-sizes.test.ts";
const DEPENDENTS_TEST = "test/unit/runtime/commit/relay-dependents.test.ts";
const HOLD_TEST = "test/unit/runtime/commit/relay-order-and-hold.test.ts";
const RELAY_TEST = "test/unit/runtime/commit/relay.test.ts";

export const outcomeMutants: readonly Mutant[] = [
  {
    id: "outcome-found-stock-lost",
    does: "The stock of a write set that an earlier attempt stored is not taken in.",
    file: RELAY,
    find: `      for (const writeSet of found.stored) {
        for (const { aggregator, delta } of writeSet.deltas ?? []) aggregator.committed([delta]);
      }
`,
    replace: "",
    tests: [RELAY_TEST],
  },
  {
    id: "outcome-found-sequences-lost",
    does: "Dependents of a write set that an earlier attempt stored are not checked against it.",
    file: RELAY,
    find: `        this.setLast(found.sequences);
`,
    replace: "",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-found-in-queue-sent-again",
    does: "A queued write set that an earlier attempt stored is sent again.",
    file: RELAY,
    find: `      this.queue = this.queue.filter((writeSet) => !stored.has(writeSet));
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-found-in-batch-sent-again",
    does: "A write set of the batch that an earlier attempt stored is sent again.",
    file: RELAY,
    find: "this.requeue(batch, stored);",
    replace: "this.requeue(batch, new Set());",
    tests: [ANSWERS_TEST, HOLD_TEST],
  },
  {
    id: "outcome-requeued-at-the-end",
    does: "What is sent again is put after the rest of the queue.",
    file: RELAY,
    find: "[...batch.writeSets.filter((writeSet) => !except.has(writeSet)), ...this.queue]",
    replace: "[...this.queue, ...batch.writeSets.filter((writeSet) => !except.has(writeSet))]",
    tests: [SIZES_TEST],
  },
  {
    id: "outcome-overwritten-dependents-sent",
    does: "Dependents of a write set that another writer has overwritten are sent.",
    file: RELAY,
    find: "...this.overwritten(found)]",
    replace: "...this.overwritten({ ...found, stored: [] })]",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-one-subject-left-suffices",
    does: "Dependents are dropped only when all subjects of what they depend on were overwritten.",
    file: RELAY,
    find: "writeSet.preconditions.some((precondition) => !found",
    replace: "writeSet.preconditions.every((precondition) => !found",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-first-moved-lock-reported",
    does: "Of two locks that have moved one is reported.",
    file: RELAY,
    find: "for (const lock of found.movedLocks) this",
    replace: "for (const lock of found.movedLocks.slice(0, 1)) this",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-moved-lock-unreported",
    does: "A moved lock is reported only when it dropped nothing.",
    file: RELAY,
    find: "for (const lock of found.movedLocks) this",
    replace: "if (found.lockMoved.length === 0) for (const lock of found.movedLocks) this",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-dependents-of-refused-sent",
    does: "Dependents of a write set that the server refuses stay in the queue.",
    file: RELAY,
    find: `      this.drop(new Map(this.dependentsOf([only]).map((dependent) => [dependent, "fenced"])));
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-row-of-refused-stays",
    does: "The row of a write set that the server refuses stays in the outbox.",
    file: RELAY,
    find: `      this.options.store.forget([only.commit]);
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-refused-batch-refuses-all",
    does: "A refusal of a batch refuses its first write set, though another one is the culprit.",
    file: RELAY,
    find: "if (only && others.length === 0) {",
    replace: "if (only && others.length <= 1) {",
    tests: [SIZES_TEST],
  },
  {
    id: "outcome-refused-batch-barely-shrinks",
    does: "A refused batch is shortened by one write set at a time.",
    file: RELAY,
    find: "Math.floor(batch.writeSets.length / 2)",
    replace: "batch.writeSets.length - 1",
    tests: [SIZES_TEST],
  },
  {
    id: "outcome-split-batch-of-none",
    does: "A refused batch is split until it has no write set, and the queue waits forever.",
    file: RELAY,
    find: "Math.max(1, Math.floor(batch.writeSets.length / 2))",
    replace: "Math.floor(batch.writeSets.length / 2) - 1",
    tests: [SIZES_TEST],
  },
  {
    id: "outcome-new-dependents-forgotten",
    does: "Dependents that are not in the store yet are never resolved.",
    file: RELAY,
    find: "const gone = [...this.queue, ...this.fresh].filter",
    replace: "const gone = this.queue.filter",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-dropped-out-of-order",
    does: "Write sets are dropped before the earlier ones of their order.",
    file: RELAY,
    find: "const gone = [...this.queue, ...this.fresh].filter((writeSet) => dropped.has(writeSet));",
    replace: "const gone = [...dropped];",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-new-dropped-sent",
    does: "A write set that was dropped before it was in the store is sent.",
    file: RELAY,
    find: `    this.fresh = this.fresh.filter((writeSet) => !dropped.has(writeSet));
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-queued-dropped-sent",
    does: "A queued write set that was dropped is sent.",
    file: RELAY,
    find: `    this.queue = this.queue.filter((writeSet) => !dropped.has(writeSet));
`,
    replace: "",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-rows-of-dropped-stay",
    does: "The rows of dropped write sets stay in the outbox.",
    file: RELAY,
    find: `    this.options.store.forget(gone.map((writeSet) => writeSet.commit));
`,
    replace: "",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-moved-lock-counts-as-fenced",
    does: "A write set under a moved lock is reported as overtaken.",
    file: RELAY,
    find: 'refused.set(writeSet, "lock_moved")',
    replace: 'refused.set(writeSet, "fenced")',
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-dependents-of-dependents-sent",
    does: "Dependents of dependents are sent.",
    file: RELAY,
    find: "if (depends || chosen.has(writeSet)) touch(writeSet);",
    replace: "if (chosen.has(writeSet)) touch(writeSet);",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-earlier-ones-dropped",
    does: "What was submitted before a dropped write set is dropped with it.",
    file: RELAY,
    find: "for (const writeSet of chosen) if (!here.has(writeSet)) touch(writeSet);",
    replace: "for (const writeSet of chosen) if (here.size > 0) touch(writeSet);",
    tests: [DEPENDENTS_TEST],
  },
  {
    id: "outcome-new-write-sets-never-depend",
    does: "Write sets that are not in the store yet are no dependents.",
    file: RELAY,
    find: "const waiting = [...this.queue, ...this.fresh];",
    replace: "const waiting = [...this.queue];",
    tests: [ANSWERS_TEST],
  },
  {
    id: "outcome-dependent-by-record-only",
    does: "A write set depends through its first subject only.",
    file: RELAY,
    find: "const depends = writeSet.preconditions.some(",
    replace: "const depends = writeSet.preconditions.slice(0, 1).some(",
    tests: [DEPENDENTS_TEST],
  },
  {
    id: "outcome-named-ones-depend",
    does: "A write set that names its own sequence is dropped as a dependent.",
    file: RELAY,
    find: "sequence === undefined && touched.has(subject)",
    replace: "(sequence ?? 0) >= 0 && touched.has(subject)",
    tests: [DEPENDENTS_TEST],
  },
  {
    id: "outcome-hold-remembered",
    does: "The last sequence of a hold is kept after the last write set of it.",
    file: RELAY,
    find: `    for (const { subject } of writeSet.preconditions) {
      const left`,
    replace: `    for (const { subject } of writeSet.preconditions.slice(0, 1)) {
      const left`,
    tests: [DEPENDENTS_TEST],
  },
  {
    id: "outcome-waits-after-diagnosis",
    does: "After a rejection that was resolved the rest of the queue is not sent.",
    file: RELAY,
    find: `          this.inFlight = undefined;
          this.schedule();`,
    replace: "          this.inFlight = undefined;",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-stays-in-flight",
    does: "After a rejection that was resolved a batch counts as in flight for ever.",
    file: RELAY,
    find: `          this.inFlight = undefined;
          this.schedule();`,
    replace: "          this.schedule();",
    tests: [HOLD_TEST],
  },
  {
    id: "outcome-what-follows-a-named-one-dropped",
    does: "A dependent is dropped with a write set that is not the last one before it.",
    file: RELAY,
    find: `      else for (const { subject } of writeSet.preconditions) touched.delete(subject);
`,
    replace: "",
    tests: [DEPENDENTS_TEST],
  },
];
