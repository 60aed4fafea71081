/** Planted bugs: batches staged in memory, and what a loss of power leaves (ADR 13). */
import type { Mutant } from "./mutant.ts";

const links = "nodes/local/batches/memory-batches.ts";
const half = "src/adapters/nats/half-batch.ts";
const unit = ["test/unit/nodes/local/memory-batches.test.ts"];
const cut = ["test/fault/half-batch.test.ts"];

const processesOnly = "half a batch is in the files of a server that has ended";

export const stagingMutants: readonly Mutant[] = [
  {
    id: "staging-of-buckets-in-memory",
    does: "Batches of buckets are staged in memory, where half of one has replaced values that nothing brings back.",
    file: links,
    find: "/^KV_ORDERS(?:_[1-9]\\d*)?$/u",
    replace: "/^KV_/u",
    tests: unit,
  },
  {
    id: "staging-lost-folder-counts-as-kept",
    does: "A folder that was emptied while the server used it counts as complete at the next start.",
    file: links,
    find: "if (isFresh) writeFileSync",
    replace: "writeFileSync",
    tests: unit,
  },
  {
    id: "staging-copy-is-not-repaired",
    does: "A copy of a store counts as the store whose folder in memory is there.",
    file: links,
    find: " || note.folder !== memoryFolderOf(store, root)",
    replace: "",
    tests: unit,
  },
  {
    id: "staging-leaves-a-staged-batch",
    does: "A batch that the server has not ended is dropped at an orderly stop.",
    file: links,
    find: "if (hasStaged(folder))",
    replace: 'if (folder === "")',
    tests: unit,
  },
  {
    id: "staging-takes-a-foreign-folder",
    does: "What lies at the folder's place is deleted, also what belongs to another user.",
    file: "nodes/local/batches/memory-folder.ts",
    find: "if (fault !== undefined) throw new Error(fault);",
    replace: "",
    tests: unit,
  },
  {
    id: "staging-deleted-end-counts-as-missing",
    does: "A whole batch whose last message was a schedule counts as half once the timer has fired.",
    file: half,
    find: "if (gone === undefined || gone.isLast) return undefined;",
    replace: "if (gone === undefined) return undefined;",
    tests: cut,
    processesOnly,
  },
  {
    id: "staging-canceled-end-counts-as-missing",
    does: "A whole batch whose last message was a schedule counts as half once the timer was canceled.",
    file: half,
    find: "if (gone === undefined || gone.isLast) return undefined;",
    replace: "if (gone?.isLast === true) return undefined;",
    tests: cut,
    processesOnly,
  },
  {
    id: "staging-canceled-timer-is-lost",
    does: "The timers that a half batch had canceled stay canceled.",
    file: "nodes/local/batches/power-loss.ts",
    find: "    await armCanceledTimers(link, half.stream, half.canceled);\n",
    replace: "    void armCanceledTimers;\n",
    tests: cut,
    processesOnly,
  },
  {
    id: "staging-old-plan-is-forgotten",
    does: "A repair that died before the timers were armed is not continued.",
    file: "nodes/local/batches/power-loss.ts",
    find: "const all = [...plans];",
    replace: "const all = [...plans].slice(0, 0);",
    tests: cut,
    processesOnly,
  },
];
