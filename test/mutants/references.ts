/** Planted bugs of external references. */
import type { Mutant } from "./mutant.ts";

const FILE = "src/services/orders/references.ts";
const TESTS = ["test/unit/services/orders/references.test.ts"];

export const referenceMutants: readonly Mutant[] = [
  {
    id: "references-unfenced",
    does: "Two orders that reserve the same reference at the same moment both get it.",
    file: FILE,
    find: "const result = await journal.append([{ subject, payload, fence }], APPEND_MS);",
    replace: "const result = await journal.append([{ subject, payload }], APPEND_MS); void fence;",
    tests: TESTS,
  },
  {
    id: "references-no-grace",
    does: "A reservation is given away before its order is stored.",
    file: FILE,
    find: "return holds ?? this.options.clock.now() - at < GRACE_MS;",
    replace: "return holds ?? this.options.clock.now() < at;",
    tests: TESTS,
  },
  {
    id: "references-held-forever",
    does: "An order is stored with a reservation that may have been given away.",
    file: FILE,
    find: "isHeld: () => clock.now() - begun < HOLDS_MS };",
    replace: "isHeld: () => begun < HOLDS_MS * clock.now() };",
    tests: TESTS,
  },
  {
    id: "references-rejected-keeps",
    does: "A rejected order keeps its reference.",
    file: FILE,
    find: 'if (orderStatus(orderMachinesOf(reply.snapshot.machines)) === "rejected") return false;',
    replace: 'if (orderStatus(orderMachinesOf(reply.snapshot.machines)) === "returned") return false;',
    tests: TESTS,
  },
];
