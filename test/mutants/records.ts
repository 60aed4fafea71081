/** Planted bugs of the stored form of records. */
import type { Mutant } from "./mutant.ts";

const SHORTHANDS = "src/runtime/actor/record-shorthands.ts";
const ENCODING = "src/runtime/actor/record-encoding.ts";
const DECODING = "src/runtime/actor/record-decoding.ts";
const TEST = "test/unit/runtime/actor/record-encoding.test.ts";

export const recordMutants: readonly Mutant[] = [
  {
    id: "records-text-that-looks-like-a-mark",
    does: "A text that begins with @ or = is stored as it is, and read as the actor's id or as another field.",
    file: SHORTHANDS,
    find: "return isMark(value) ? value.charAt(0) + value : value;",
    replace: "return value;",
    tests: [TEST],
  },
  {
    id: "records-reference-to-an-earlier-field",
    does: "An object is stored as the name of a field that a later machine has with another value.",
    file: SHORTHANDS,
    find: " || this.last(name) !== one) continue;",
    replace: ") continue;",
    tests: [TEST],
  },
  {
    id: "records-order-of-fields-ignored",
    does: "Two objects with the same fields in another order count as the same.",
    file: SHORTHANDS,
    find: "if (key !== others[at] || ",
    replace: "if (!others.includes(key) || ",
    tests: [TEST],
  },
  {
    id: "records-path-with-a-dot",
    does: "A state whose name has a dot is stored as a path.",
    file: SHORTHANDS,
    find: 'if (typeof value === "string") return value.includes(".") ? [value] : value;',
    replace: 'if (typeof value === "string") return value;',
    tests: [TEST],
  },
  {
    id: "records-input-that-looks-short",
    does: "The name of a timer that looks like a short one is stored in form 2.",
    file: SHORTHANDS,
    find: 'if (name.includes(".~")) return undefined;',
    replace: "",
    tests: [TEST],
  },
  {
    id: "records-state-before-a-step",
    does: "The state before a step is left out also where the edge leaves another one.",
    file: ENCODING,
    find: "first === undefined ? from === null : leaves(first, value);",
    replace: "first === undefined ? from === null : true;",
    tests: [TEST],
  },
  {
    id: "records-opened-by-the-commit",
    does: "Effects and timers of the record before count as opened by this commit.",
    file: ENCODING,
    find: "const first = version * 1000;",
    replace: "const first = (version - 1) * 1000;",
    tests: [TEST],
  },
  {
    id: "records-status-lost",
    does: "A machine that has ended is read as an active one.",
    file: ENCODING,
    find: 'if (status !== "active") state.push(status);',
    replace: "",
    tests: [TEST],
  },
  {
    id: "records-newer-form-read",
    does: "A record of a form that this program does not know is read as one of form 1.",
    file: DECODING,
    find: "return FORM.test(payload) ? undefined : readForm1(payload);",
    replace: "return readForm1(payload);",
    tests: [TEST],
  },
];
