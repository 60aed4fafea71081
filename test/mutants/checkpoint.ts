import type { Mutant } from "./mutant.ts";

const file = "src/runtime/partition/checkpoint.ts";
const tests = ["test/unit/runtime/partition/checkpoint.test.ts"];
const loop = {
  file: "src/runtime/partition/checkpoint-writer.ts",
  tests: ["test/unit/runtime/partition/checkpoint-writer.test.ts"],
};

/** How far an owner has come, and that a deposed owner can no longer state it. */
export const checkpointMutants: readonly Mutant[] = [
  {
    id: "checkpoint-claim-does-not-rewrite",
    does: "A new owner reads the entry and does not rewrite it, so that the deposed owner goes on writing.",
    file,
    find: "if (await entry.write(state)) return claimed;",
    replace: "if (state.through >= 0) return claimed;",
    tests,
  },
  {
    id: "checkpoint-claim-keeps-the-earlier-epoch",
    does: "An entry that is there already is claimed without a write.",
    file,
    find: "if (await entry.write(state)) return claimed;",
    replace: "if (found || (await entry.write(state))) return claimed;",
    tests,
  },
  {
    id: "checkpoint-claims-from-a-newer-owner",
    does: "A deposed owner claims the entry of its successor.",
    file,
    find: "if (epoch > this.epoch)",
    replace: "if (epoch < 0)",
    tests,
  },
  {
    id: "checkpoint-claim-refuses-its-own-epoch",
    does: "A claim that was stored without an answer is taken for the claim of a newer owner.",
    file,
    find: "if (epoch > this.epoch)",
    replace: "if (epoch >= this.epoch)",
    tests,
  },
  {
    id: "checkpoint-claim-remembers-the-first-reading",
    does: "A claim that is repeated after an old reading returns what the old reading stated.",
    file,
    find: `    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      const found = await failpoint(failpoints, "checkpoint.read", () => bucket.get(resource));
      const stored = found && read(found.value);`,
    replace: `    let first: string | undefined;
    for (let attempt = 1; attempt <= CLAIM_TRIES; attempt++) {
      const found = await failpoint(failpoints, "checkpoint.read", () => bucket.get(resource));
      const stored = found && read((first ??= found.value));`,
    tests,
  },
  {
    id: "checkpoint-claim-tries-once",
    does: "A claim whose answer was lost is not repeated.",
    file,
    find: "attempt <= CLAIM_TRIES; attempt++",
    replace: "attempt < 2; attempt++",
    tests,
  },
  {
    id: "checkpoint-claim-states-nothing",
    does: "The claim writes an empty entry, and a new owner that dies leaves nothing of the earlier one.",
    file,
    find: "if (await entry.write(state)) return claimed;",
    replace: "if (await entry.write(stateOf({ ...NOTHING, epoch }))) return claimed;",
    tests,
  },
  {
    id: "checkpoint-write-forgets-the-revision",
    does: "Every write after the first is refused, because the owner keeps the revision of its claim.",
    file,
    find: `      this.revision = result.revision;
      this.written = content;`,
    replace: "      this.written = content;",
    tests,
  },
  {
    id: "checkpoint-write-of-a-lost-state-counts-as-written",
    does: "A state whose write never arrived is not written again.",
    file,
    find: `    this.written = "";
    return false;`,
    replace: `    this.written = content;
    return false;`,
    tests,
  },
  {
    id: "checkpoint-lost-answer-keeps-the-state-before",
    does: "After an unanswered write that was stored, the state before it is taken for the stored one.",
    file,
    find: `    this.written = "";
    return false;`,
    replace: "    return false;",
    tests,
  },
  {
    id: "checkpoint-write-repeats-what-has-not-changed",
    does: "An idle partition writes its checkpoint every second.",
    file,
    find: "if (content === this.written) return true;",
    replace: 'if (content === this.written && content === "") return true;',
    tests,
  },
  {
    id: "checkpoint-write-compares-the-position-alone",
    does: "A changed list of open actors is not written while the position is the same.",
    file,
    find: "if (content === this.written) return true;",
    replace: "if (content === this.written || read(this.written)?.through === through) return true;",
    tests,
  },
  {
    id: "checkpoint-write-loses-the-lagging-actors",
    does: "The entry does not list the actors whose inputs wait below the checkpoint.",
    file,
    find: "lagging, parkedAt };",
    replace: "lagging.slice(1), parkedAt };",
    tests,
  },
  {
    id: "checkpoint-write-loses-the-newest-parking",
    does: "The entry does not state the newest message about a parked actor.",
    file,
    find: "lagging, parkedAt };",
    replace: "lagging, parkedAt: Math.min(parkedAt, 0) };",
    tests,
  },
  {
    id: "checkpoint-refresh-ignores-the-epoch",
    does: "A deposed owner takes the revision of its successor's entry and overwrites it.",
    file,
    find: "if (!found || read(found.value)?.epoch !== this.epoch) return false;",
    replace: "if (!found) return false;",
    tests,
  },
  {
    id: "checkpoint-refresh-accepts-a-later-epoch",
    does: "A refresh takes the entry of a later owner for its own.",
    file,
    find: "read(found.value)?.epoch !== this.epoch",
    replace: "(read(found.value)?.epoch ?? -1) < this.epoch",
    tests,
  },
  {
    id: "checkpoint-refresh-keeps-the-revision",
    does: "After a lost answer every later write of the owner is refused.",
    file,
    find: `    this.revision = found.revision;
    return true;`,
    replace: "    return true;",
    tests,
  },
  {
    id: "checkpoint-refresh-of-nothing-succeeds",
    does: "A refresh that finds no entry counts as one of this owner's.",
    file,
    find: "if (!found || read(found.value)?.epoch !== this.epoch) return false;",
    replace:
      "if (found && read(found.value)?.epoch !== this.epoch) return false;\n    if (!found) return true;",
    tests,
  },
  {
    id: "checkpoint-read-accepts-a-text-as-a-position",
    does: "A position that is no number is believed.",
    file,
    find: "const numbers = [stored.through, stored.epoch, stored.parkedAt];",
    replace: "const numbers = [stored.epoch, stored.parkedAt];",
    tests,
  },
  {
    id: "checkpoint-read-accepts-a-broken-list",
    does: "A list of open actors that is no list is believed.",
    file,
    find: "!isTexts(stored.open) || ",
    replace: "",
    tests,
  },
  {
    id: "checkpoint-read-refuses-an-earlier-version",
    does: "An entry of an earlier version, without the later fields, states nothing.",
    file,
    find: "{ ...NOTHING, ...rest }",
    replace: "{ ...(rest as unknown as StoredCheckpoint) }",
    tests,
  },
  {
    id: "checkpoint-writer-goes-on-after-a-failure",
    does: "While the server is unavailable, each round waits for every partition in turn.",
    ...loop,
    find: `        this.options.log.debug({ err: error }, "checkpoint not written; the next round repeats it");
        return;`,
    replace: `        this.options.log.debug({ err: error }, "checkpoint not written; the next round repeats it");`,
  },
  {
    id: "checkpoint-writer-ends-at-a-failure",
    does: "One failed write ends the loop.",
    ...loop,
    find: `        this.options.log.debug({ err: error }, "checkpoint not written; the next round repeats it");
        return;`,
    replace: `        this.options.log.debug({ err: error }, "checkpoint not written; the next round repeats it");
        this.stopped = true;`,
  },
  {
    id: "checkpoint-writer-writes-closed-partitions",
    does: "A partition that is taken over or handed over has its checkpoint written.",
    ...loop,
    find: "if (!partition.isOpen()) continue;",
    replace: "if (this.stopped) continue;",
  },
  {
    id: "checkpoint-writer-ends-at-a-closed-partition",
    does: "The partitions after a closed one are not written.",
    ...loop,
    find: "if (!partition.isOpen()) continue;",
    replace: "if (!partition.isOpen()) return;",
  },
  {
    id: "checkpoint-writer-does-not-pause",
    does: "The next round begins at once.",
    ...loop,
    find: "await this.options.clock.sleep(this.options.everyMs);",
    replace: "await this.options.clock.sleep(this.options.everyMs / 10);",
  },
  {
    id: "checkpoint-writer-goes-on-after-its-stop",
    does: "A stopped node finishes its round.",
    ...loop,
    find: `      if (this.stopped) return;
`,
    replace: "",
  },
  {
    id: "checkpoint-writer-does-not-wait-for-a-write",
    does: "Several writes of one node are under way at once.",
    ...loop,
    find: "await partition.writeCheckpoint();",
    replace: "void partition.writeCheckpoint();",
  },
];
