/** Planted bugs of the marks in the log: when a partition is marked, and which locks are. */
import type { Mutant } from "./mutant.ts";

const MARKS = "src/runtime/commit/lock-marks.ts";
const MARKS_TEST = "test/unit/runtime/commit/lock-marks.test.ts";

export const lockMarkMutants: readonly Mutant[] = [
  {
    id: "relay-marks-too-often",
    does: "A mark is due before the interval is over.",
    file: MARKS,
    find: "      if (now - at < this.everyMs) continue;\n",
    replace: "",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-after-one-write-set",
    does: "Every write set is marked.",
    file: MARKS,
    find: "before + count >= MARK_AFTER ||",
    replace: "before + count >= 1 ||",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-without-the-batch",
    does: "The write sets of the batch itself do not count.",
    file: MARKS,
    find: "before + count >= MARK_AFTER ||",
    replace: "before >= MARK_AFTER ||",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-never-by-growth",
    does: "A partition that writes rarely is not marked, however far the log has grown.",
    file: MARKS,
    find: " || end - sequence >= MARK_AFTER_MESSAGES",
    replace: "",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-from-the-beginning",
    does: "The growth of the log counts from its beginning instead of from the lock.",
    file: MARKS,
    find: "sequence: epoch, at: now, writeSets: 0",
    replace: "sequence: 0, at: now, writeSets: 0",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-of-an-earlier-tenure",
    does: "Write sets of an earlier tenure count toward the next mark.",
    file: MARKS,
    find: "if (known?.epoch === epoch) return known;",
    replace: "if (known) return known;",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-the-inventory",
    does: "The inventory is marked, though no consumer reads it.",
    file: MARKS,
    find: 'else if (this.subjects.lockParts(subject).resource.startsWith("partition."))',
    replace: "else",
    tests: [MARKS_TEST],
  },
  {
    id: "relay-marks-reset-by-any-batch",
    does: "Every batch counts as a mark.",
    file: MARKS,
    find: "if (marked.has(subject)) this",
    replace: "if (count > 0) this",
    tests: [MARKS_TEST],
  },
];
