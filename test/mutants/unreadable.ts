import type { Mutant } from "./mutant.ts";

const table = { tests: ["test/unit/runtime/unreadable.test.ts"] };
const nodes = { tests: ["test/unit/runtime/bad-entries.test.ts"] };
const counter = {
  file: "src/services/invoice/number-counter.ts",
  tests: ["test/unit/services/unreadable-numbers.test.ts"],
};
const numbers = {
  file: "src/services/invoice/numbers.ts",
  tests: ["test/unit/services/unreadable-numbers.test.ts"],
};

/** Bad entries that stop a list, a loop or a partition. */
export const unreadableMutants: readonly Mutant[] = [
  {
    id: "unreadable-presence-with-any-date",
    does: "One presence entry with a date that is none makes the cluster view fail on every node.",
    ...nodes,
    file: "src/runtime/cluster/presence.ts",
    find: " && isTime(startedAt)",
    replace: " && startedAt !== undefined",
  },
  {
    id: "unreadable-parking-with-any-date",
    does: "One parking with a date that is none makes the list of parked orders fail.",
    ...table,
    file: "src/runtime/actor/parking-record.ts",
    find: 'if (!isTime(since) || typeof reason !== "string") return false;',
    replace: 'if (typeof since !== "number" || typeof reason !== "string") return false;',
  },
  {
    id: "unreadable-named-at-each-reading",
    does: "An entry that cannot be read fills the log.",
    ...table,
    file: "src/runtime/unreadable.ts",
    find: "if (this.named.has(entry)) return;",
    replace: "if (this.named.has(entry) && at < 0) return;",
  },
  {
    id: "unreadable-counter-begins-at-one",
    does: "A counter that cannot be read begins anew, and numbers are given twice.",
    ...counter,
    find: "reduce((a, b) => Math.max(a, b), 0);",
    replace: "reduce((a, b) => Math.min(a, b), 0);",
  },
  {
    id: "unreadable-counter-leaves-gaps",
    does: "A counter that is made anew leaves the missing numbers out.",
    ...counter,
    find: ".filter((number) => !has.has(number));",
    replace: ".filter((number) => number < 0 && has.has(number));",
  },
  {
    id: "unreadable-counter-made-at-once",
    does: "A counter is made anew while another process records the block of the lost one.",
    ...numbers,
    find: "if (recorded.length !== before.length)",
    replace: "if (recorded.length < before.length)",
  },
  {
    id: "unreadable-number-is-free",
    does: "The number of an order whose entry cannot be read is given to another order.",
    ...numbers,
    find: 'if ("refused" in has || isOther) unused.push(number);',
    replace: 'if (!("number" in has) || isOther) unused.push(number);',
  },
];
