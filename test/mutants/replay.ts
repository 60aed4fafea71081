/** Planted bugs of the replay of a new owner: its end, and what it finds. */
import type { Mutant } from "./mutant.ts";

const REPLAY = "src/runtime/partition/replay.ts";
const REPLAY_TEST = "test/unit/runtime/partition/replay.test.ts";

export const replayMutants: readonly Mutant[] = [
  {
    id: "replay-ends-with-check",
    does: "A replay that takes longer than one check counts as finished.",
    file: REPLAY,
    find: "      if (!isNeeded()) break;",
    replace: "      if (!isNeeded() || found) break;",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-ends-when-silent",
    does: "A replay that brings nothing between two checks counts as finished.",
    file: REPLAY,
    find: `    while (!(await Promise.race([caughtUp, clock.sleep(CHECK_EVERY_MS).then(() => false)]))) {
      if (!isNeeded()) break;`,
    replace: `    let before = -1;
    while (!(await Promise.race([caughtUp, clock.sleep(CHECK_EVERY_MS).then(() => false)]))) {
      if (!isNeeded() || found.result().count === before) break;
      before = found.result().count;`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-any-lock-entry",
    does: "A replay ends with the lock entry of an earlier owner.",
    file: REPLAY,
    find: "else if (message.sequence === epoch) finished?.();",
    replace: "else finished?.();",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-any-message-at-epoch",
    does: "A replay ends with any message, not with the lock entry.",
    file: REPLAY,
    find: `if (message.subject !== lock) found.take(message);
      else if`,
    replace: `if (message.subject !== lock) found.take(message);
      if`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-after-epoch",
    does: "What is stored after the lock entry is replayed and consumed as well.",
    file: REPLAY,
    find: `      if (message.sequence > epoch) return;
`,
    replace: "",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-from-checkpoint-only",
    does: "A checkpoint that is ahead of the lock entry keeps the next owner waiting.",
    file: REPLAY,
    find: "const fromSequence = Math.min(from, epoch);",
    replace: "const fromSequence = from;",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-from-edge",
    does: "A checkpoint right at the lock entry keeps the next owner waiting.",
    file: REPLAY,
    find: "const fromSequence = Math.min(from, epoch);",
    replace: "const fromSequence = from > epoch + 1 ? epoch : from;",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-no-parkings",
    does: "The replay does not read parkings.",
    file: REPLAY,
    find: `    options.subjects.inboxes(partition),
    options.subjects.parkedActors(partition),
`,
    replace: `    options.subjects.inboxes(partition),
`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-consumer-kept",
    does: "The consumer of a replay is not stopped.",
    file: REPLAY,
    find: `    await subscription.stop();
`,
    replace: `    if (!isNeeded()) await subscription.stop();
`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-never-abandoned",
    does: "A replay whose lock is lost goes on until the server answers.",
    file: REPLAY,
    find: "if (!isNeeded()) break;",
    replace: "if (!isNeeded() && from > epoch) break;",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-records-not-reported",
    does: "The sequence of an unreadable record is not known.",
    file: REPLAY,
    find: `    this.options.onRecord(actor, sequence);
`,
    replace: `    if (snapshot) this.options.onRecord(actor, sequence);
`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-closed-still-open",
    does: "An actor whose effects have ended is resumed.",
    file: REPLAY,
    find: `    else this.open.delete(actor);
    const waiting`,
    replace: "    const waiting",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-unreadable-not-open",
    does: "An actor whose last record cannot be read is not loaded by the takeover.",
    file: REPLAY,
    find: "if (!snapshot || isOpen(snapshot)) this.open.set(actor, sequence);",
    replace: "if (snapshot && isOpen(snapshot)) this.open.set(actor, sequence);",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-first-open-record",
    does: "The sequence of an open actor is that of its first record, and an older reading is taken.",
    file: REPLAY,
    find: "this.open.set(actor, sequence);",
    replace: "this.open.set(actor, this.open.get(actor) ?? sequence);",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-mark-exclusive",
    does: "The input exactly at the inbox offset of a record is decided again.",
    file: REPLAY,
    find: "input.sequence > snapshot.inbox",
    replace: "input.sequence >= snapshot.inbox",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-drops-all",
    does: "A record drops every input of its actor, evaluated or not.",
    file: REPLAY,
    find: "if (left.length > 0) this.inputs.set(actor, left);",
    replace: "if (left.length > 1) this.inputs.set(actor, left);",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-unreadable-drops",
    does: "An unreadable record drops the inputs of its actor.",
    file: REPLAY,
    find: "if (!waiting || !snapshot) return;",
    replace: `if (!waiting) return;
    if (!snapshot) {
      this.inputs.delete(actor);
      return;
    }`,
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-first-input-only",
    does: "Only the first input of an actor is kept.",
    file: REPLAY,
    find: "if (waiting) waiting.push(input);",
    replace: "if (waiting && waiting.length > 1) waiting.push(input);",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-inputs-by-actor",
    does: "Inputs of several actors are not in the order of the stream.",
    file: REPLAY,
    find: "[...this.inputs.values()].flat().toSorted((a, b) => a.sequence - b.sequence)",
    replace: "[...this.inputs.values()].flat()",
    tests: [REPLAY_TEST],
  },
  {
    id: "replay-first-parking",
    does: "The first message about a parking counts instead of the last.",
    file: REPLAY,
    find: "if (entry) this.parkings.set(entry.actor, { entry, sequence: message.sequence });",
    replace:
      "if (entry && !this.parkings.has(entry.actor)) this.parkings.set(entry.actor, { entry, sequence: message.sequence });",
    tests: [REPLAY_TEST],
  },
];
