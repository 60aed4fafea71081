/** Planted bugs of the projection: what lists and counts of orders say. */
import type { Mutant } from "./mutant.ts";

const FEED = "src/services/projection/feed.ts";
const STORE = "src/services/projection/store.sqlite.ts";
const ROWS = "src/services/projection/rows.sqlite.ts";
const PROJECTION = "src/services/projection/projection.ts";
const SHAPE = "src/services/projection/shape.ts";
const LIST = "src/services/projection/order-list.ts";
const FEED_TEST = "test/unit/services/projection/feed.test.ts";
const STORE_TEST = "test/unit/services/projection/store.test.ts";
const QUERIES_TEST = "test/unit/services/projection/queries.test.ts";
const PROJECTION_TEST = "test/unit/services/projection/projection.test.ts";
const FOLD_TEST = "test/unit/services/projection/fold.test.ts";
const LIST_TEST = "test/unit/services/projection/order-list.test.ts";

export const projectionMutants: readonly Mutant[] = [
  {
    id: "projection-incomplete-shown",
    does: "An order is shown before its facts have come.",
    file: FEED,
    find: "const waits = incomplete !== undefined && newest - incomplete < BATCH_MAX;",
    replace: "const waits = incomplete !== undefined && newest - incomplete < 0;",
    tests: [FEED_TEST],
  },
  {
    id: "projection-position-of-the-rest",
    does: "The position is that of the newest message received, not of the newest one folded.",
    file: FEED,
    find: "const last = some[count - 1];",
    replace: "const last = count > 0 ? some.at(-1) : undefined;",
    tests: [FEED_TEST],
  },
  {
    id: "projection-refused-dropped",
    does: "Messages that the store has refused are dropped.",
    file: FEED,
    find: "        await this.options.onRefused(error);",
    replace: "        this.buffer = [];\n        await this.options.onRefused(error);",
    tests: [FEED_TEST],
  },
  {
    id: "projection-known-beyond-the-buffer",
    does: "Messages that wait to be folded count as known.",
    file: FEED,
    find: "return first ? this.position :",
    replace: "return first ? Math.max(this.position, first.sequence) :",
    tests: [FEED_TEST],
  },
  {
    id: "projection-older-record-taken",
    does: "A record that was folded before replaces a newer one.",
    file: STORE,
    find: "record.sequence > (before?.sequence ?? 0)",
    replace: "record.sequence >= 0",
    tests: [STORE_TEST],
  },
  {
    id: "projection-counts-only-grow",
    does: "An order stays counted under its former shape.",
    file: STORE,
    find: "if (before) this.count(before, before.shape, -1);",
    replace: "",
    tests: [STORE_TEST, QUERIES_TEST],
  },
  {
    id: "projection-failed-counts-kept",
    does: "A transaction that has failed changes the counts in memory.",
    file: STORE,
    find: "      this.readShapes();\n      throw error;",
    replace: "      throw error;",
    tests: [STORE_TEST],
  },
  {
    id: "projection-lines-only-grow",
    does: "An order is found under SKUs that it had before.",
    file: STORE,
    find: "for (const sku of before ? skusOf(before) : []) this.statements.removeLine.run(sku, n);",
    replace: "",
    tests: [QUERIES_TEST],
  },
  {
    id: "projection-parking-forgotten",
    does: "The next record of a parked order shows it as not parked.",
    file: STORE,
    find: "parked: parked ?? known?.parked ?? false",
    replace: "parked: parked ?? false",
    tests: [QUERIES_TEST],
  },
  {
    id: "projection-cursor-includes-its-order",
    does: "A page begins with the order at which the one before it ended.",
    file: ROWS,
    find: 'const sign = direction === "ASC" ? ">" : "<";',
    replace: 'const sign = direction === "ASC" ? ">=" : "<=";',
    tests: [QUERIES_TEST],
  },
  {
    id: "projection-ties-lost",
    does: "Orders with equal values are lost between two pages.",
    file: ROWS,
    find: "text: `(o.${column}, o.n) ${sign} (?, ?)`, values: [cursor.key, cursor.place]",
    replace: "text: `o.${column} ${sign} ?`, values: [cursor.key]",
    tests: [QUERIES_TEST],
  },
  {
    id: "projection-source-unchecked",
    does: "The orders of a source are not checked for the other conditions.",
    file: ROWS,
    find: "  where: everything(plan, source.check),\n});\n\nconst INDEXES",
    replace: "  where: [],\n});\n\nconst INDEXES",
    tests: [QUERIES_TEST],
  },
  {
    id: "projection-answers-while-built",
    does: "A file that has not reached the end of the streams answers.",
    file: PROJECTION,
    find: "const targets = built ? undefined : ends.map",
    replace: "const targets = built || !built ? undefined : ends.map",
    tests: [PROJECTION_TEST],
  },
  {
    id: "projection-other-log-believed",
    does: "A file that is about another log is continued.",
    file: PROJECTION,
    find: "if (id !== undefined && position.log !== null && id !== position.log)",
    replace: "if (id === undefined && position.log !== null)",
    tests: [PROJECTION_TEST],
  },
  {
    id: "projection-mark-unchecked",
    does: "A log that went back and has grown again is continued.",
    file: PROJECTION,
    find: "if (found && found.at !== position.markedAt)",
    replace: "if (found && found.at < 0)",
    tests: [PROJECTION_TEST],
  },
  {
    id: "projection-sequence-not-awaited",
    does: "An answer does not wait for the sequence that it has to know.",
    file: PROJECTION,
    find: "if (this.knows(needs)) return Promise.resolve(true);",
    replace: "return Promise.resolve(true);",
    tests: [PROJECTION_TEST],
  },
  {
    id: "projection-parked-waits-for-machines",
    does: "A parked order waits for what its machines wait for, and not for a person.",
    file: SHAPE,
    find: '(parked ? ["person"] : awaited)',
    replace: "(parked ? awaited : awaited)",
    tests: [FOLD_TEST],
  },
  {
    id: "projection-abandoned-calls-awaited",
    does: "An ended order with an open call counts as ended.",
    file: SHAPE,
    find: 'awaited.add("effect");',
    replace: 'awaited.add("event");',
    tests: [FOLD_TEST],
  },
  {
    id: "projection-others-not-asked",
    does: "A node whose list is being built does not ask the others.",
    file: LIST,
    find: 'if (own.status !== "behind" || own.progress === undefined) return own;',
    replace: 'if (own.status !== "projection_off") return own;',
    tests: [LIST_TEST],
  },
  {
    id: "projection-duration-as-moment",
    does: "Orders that changed just now count as stuck.",
    file: LIST,
    find: "stuckSince: now() - stuckFor",
    replace: "stuckSince: now() + stuckFor",
    tests: [LIST_TEST],
  },
];
