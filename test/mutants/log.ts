import type { Mutant } from "./mutant.ts";

const watch = {
  file: "src/runtime/cluster/log-watch.ts",
  tests: ["test/unit/runtime/cluster/log-watch.test.ts"],
};
const nodes = { tests: ["test/unit/runtime/log-lost.test.ts"] };
const checkpoint = {
  file: "src/runtime/partition/checkpoint.ts",
  tests: ["test/unit/runtime/partition/checkpoint.test.ts"],
};

/** A log that goes back or is swapped: the nodes end, and checkpoints of another log count as none. */
export const logMutants: readonly Mutant[] = [
  {
    id: "log-lagging-leader-is-a-loss",
    does: "A leader that is not as far as the one before ends every node.",
    ...watch,
    find: "if (last <= seen.lastSequence)",
    replace: "if (last > 0)",
  },
  {
    id: "log-regrown-is-the-same",
    does: "A log that went back and has grown past what was seen is taken for the log before.",
    ...watch,
    find: "if (found !== undefined && found.at !== mark?.at)",
    replace: "if (found !== undefined && found.at < 0)",
  },
  {
    id: "log-without-proof-is-checked",
    does: "A probe without an answer counts as a check that succeeded.",
    ...watch,
    find: "throw new Unavailable(`probe of the log: ${result.reason}`);",
    replace: "return Unavailable.name.length * Number.POSITIVE_INFINITY;",
  },
  {
    id: "log-written-before-its-check",
    does: "After an interruption a node writes from its memory before it has checked the log.",
    ...watch,
    find: "log.unchecked === undefined && this.reason === undefined",
    replace: "this.reason === undefined",
  },
  {
    id: "log-only-the-first-is-watched",
    does: "Of several logs only the first is checked.",
    ...watch,
    find: "for (const log of this.logs) void this.check(log);",
    replace: "void this.check(this.logs[0]!);",
  },
  {
    id: "log-tenures-outlive-it",
    does: "A node whose log is lost goes on with its tenures.",
    ...nodes,
    file: "src/runtime/node.ts",
    find: "    void this.ownership.stop(false);\n",
    replace: "",
  },
  {
    id: "log-locks-released-on-another",
    does: "A node whose log is lost writes its releases into the other one.",
    ...nodes,
    file: "src/runtime/node.ts",
    find: "void this.ownership.stop(false);",
    replace: "void this.ownership.stop(true);",
  },
  {
    id: "log-checkpoint-of-the-future-counts",
    does: "A checkpoint beyond the end of the log is believed, and inputs below it are never applied.",
    ...checkpoint,
    find: "if (reaches > last) return",
    replace: "if (reaches > last * 1e9) return",
  },
  {
    id: "log-checkpoint-epoch-without-proof",
    does: "A deposed owner takes the checkpoint of a newer one.",
    ...checkpoint,
    find: "if (!isOurs) throw",
    replace: "if (!isOurs && epoch < 0) throw",
  },
  {
    id: "log-checkpoint-beyond-its-mark",
    does: "What a checkpoint states above its mark is believed, though the log may have grown again to it.",
    ...checkpoint,
    find: "const proven = mark?.sequence ?? Number.POSITIVE_INFINITY;",
    replace: "const proven = mark === undefined ? 0 : Number.POSITIVE_INFINITY;",
  },
];
