/** Planted bugs of a takeover: what a new owner replays, resumes and believes. */
import type { Mutant } from "./mutant.ts";

const PARTITION = "src/runtime/partition/partition.ts";
const LATE_TAKEOVER_TEST = "test/unit/runtime/partition/late-takeover.test.ts";
const TAKEOVER_TEST = "test/unit/runtime/partition/takeover.test.ts";

export const partitionMutants: readonly Mutant[] = [
  {
    id: "partition-keeps-old-tenure",
    does: "A partition that is acquired again goes on with the tenure before.",
    file: PARTITION,
    find: `  async acquire(epoch: number): Promise<void> {
    this.revoke();`,
    replace: `  async acquire(epoch: number): Promise<void> {
    if (this.open) this.revoke();`,
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-replays-from-checkpoint",
    does: "The replay begins with what the checkpoint has passed.",
    file: PARTITION,
    find: "from: checkpoint.through + 1,",
    replace: "from: checkpoint.through,",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-replays-after-checkpoint",
    does: "The replay leaves out the first message after the checkpoint.",
    file: PARTITION,
    find: "from: checkpoint.through + 1,",
    replace: "from: checkpoint.through + 2,",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-records-unknown",
    does: "The sequences of the replayed records are not known: an older reading decides.",
    file: PARTITION,
    find: "onRecord: (actor, sequence) => tenure.knows(actor, sequence),",
    replace: "onRecord: (actor) => tenure.knows(actor, 0),",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-replay-always-needed",
    does: "A replay goes on after its lock is lost.",
    file: PARTITION,
    find: "isNeeded: () => this.tenure === tenure,",
    replace: "isNeeded: () => this.tenure !== undefined,",
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-late-replay",
    does: "A replay that ends late goes on with its takeover.",
    file: PARTITION,
    find: `    if (this.tenure !== tenure) return;
    const parkings`,
    replace: `    if (this.tenure === undefined) return;
    const parkings`,
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-late-parkings",
    does: "A list of parkings that arrives late goes on with its takeover.",
    file: PARTITION,
    find: `    if (this.tenure !== tenure) return;
    const lagging`,
    replace: "    const lagging",
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-late-loads",
    does: "Loads that end late go on with their takeover.",
    file: PARTITION,
    find: `      );
      if (this.tenure !== tenure) return;
    }`,
    replace: `      );
      if (this.tenure === undefined) return;
    }`,
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-late-subscriptions",
    does: "A takeover whose subscriptions end late opens the partition.",
    file: PARTITION,
    find: "if (this.tenure !== tenure) return await stopAll(subscriptions);",
    replace: "if (this.tenure === undefined) return await stopAll(subscriptions);",
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-late-subscriptions-kept",
    does: "A takeover that ends late leaves its subscriptions.",
    file: PARTITION,
    find: "if (this.tenure !== tenure) return await stopAll(subscriptions);",
    replace: "if (this.tenure !== tenure) return;",
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-parking-unknown",
    does: "The sequence of the newest parking is not stated by the next checkpoint.",
    file: PARTITION,
    find: `      tenure.knowsParking(sequence);
`,
    replace: `      if (last.status !== "parked") tenure.knowsParking(sequence);
`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-parked-served",
    does: "An actor that the stream shows as parked is served by a new owner.",
    file: PARTITION,
    find: 'if (last.status === "parked") tenure.foundParked(last, sequence);',
    replace:
      'if (last.status === "parked" && sequence > checkpoint.through) tenure.foundParked(last, sequence);',
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-unparked-forgotten",
    does: "The inbox of an actor whose parking has just ended is not read.",
    file: PARTITION,
    find: "else if (sequence > checkpoint.through) lagging.add(last.actor);",
    replace: "else if (sequence > tenure.epoch) lagging.add(last.actor);",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-unparked-always",
    does: "The inbox of every actor that was ever parked is read by each owner.",
    file: PARTITION,
    find: "else if (sequence > checkpoint.through) lagging.add(last.actor);",
    replace: "else lagging.add(last.actor);",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-unparked-edge",
    does: "The end of a parking exactly at the checkpoint counts as newer.",
    file: PARTITION,
    find: "else if (sequence > checkpoint.through) lagging.add(last.actor);",
    replace: "else if (sequence >= checkpoint.through) lagging.add(last.actor);",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-lagging-forgotten",
    does: "Actors that the checkpoint lists as lagging are forgotten by the next owner.",
    file: PARTITION,
    find: "const lagging = new Set(checkpoint.lagging);",
    replace: "const lagging = new Set(checkpoint.lagging.slice(1));",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-open-of-replay-only",
    does: "Open effects that were opened before the checkpoint are not resumed.",
    file: PARTITION,
    find: "[...new Set([...checkpoint.open, ...found.open.keys()])]",
    replace: "[...new Set([...checkpoint.open.slice(0, 0), ...found.open.keys()])]",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-open-of-checkpoint-only",
    does: "Open effects that were opened after the checkpoint are not resumed.",
    file: PARTITION,
    find: "[...new Set([...checkpoint.open, ...found.open.keys()])]",
    replace: "[...new Set([...checkpoint.open, ...[...found.open.keys()].slice(0, 0)])]",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-first-loads-only",
    does: "Only the first actors with open effects are resumed.",
    file: PARTITION,
    find: "at < unfinished.length; at += limits.partitionLoads",
    replace: "at < Math.min(unfinished.length, limits.partitionLoads); at += limits.partitionLoads",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-loads-overlap",
    does: "The last of each group of actors with open effects is left out.",
    file: PARTITION,
    find: "unfinished.slice(at, at + limits.partitionLoads)",
    replace: "unfinished.slice(at, at + limits.partitionLoads - 1)",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-inputs-of-replay-lost",
    does: "Inputs that the replay has found are not decided.",
    file: PARTITION,
    find: `    for (const { actor, input, sequence } of found.inputs)
      tenure.dispatch`,
    replace: `    for (const { actor, input, sequence } of found.inputs.slice(1))
      tenure.dispatch`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-inputs-without-sequence",
    does: "Inputs of the replay are decided as if they were not of the inbox.",
    file: PARTITION,
    find: `tenure.dispatch(actor, fireAndForget(input, sequence));
    const`,
    replace: `tenure.dispatch(actor, fireAndForget(input, sequence > tenure.epoch ? sequence : 0));
    const`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-follows-too-late",
    does: "The input right after the lock entry is not consumed.",
    file: PARTITION,
    find: "fromSequence: tenure.epoch + 1",
    replace: "fromSequence: tenure.epoch + 2",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-parkings-older",
    does: "A stored list of parkings replaces what the replay has found later.",
    file: PARTITION,
    find: "if ((parkings.get(entry.actor)?.sequence ?? 0) < message.sequence) {",
    replace: "if ((parkings.get(entry.actor)?.sequence ?? 0) !== message.sequence) {",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-parkings-replay-only",
    does: "Actors that were parked before the checkpoint are served.",
    file: PARTITION,
    find: "if ((parkings.get(entry.actor)?.sequence ?? 0) < message.sequence) {",
    replace: "if ((parkings.get(entry.actor)?.sequence ?? message.sequence) < message.sequence) {",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-parkings-any-list",
    does: "A list of parked actors that lacks what the checkpoint knows is believed.",
    file: PARTITION,
    find: `if (newest < parkedAt)
      throw`,
    replace: `if (newest === 0 && parkedAt > 0)
      throw`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-parkings-exclusive",
    does: "A list of parked actors that is exactly the newest is rejected.",
    file: PARTITION,
    find: `if (newest < parkedAt)
      throw`,
    replace: `if (newest <= parkedAt && parkedAt > 0)
      throw`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "partition-failed-subscription-kept",
    does: "A takeover that fails leaves the subscription that it has made.",
    file: PARTITION,
    find: `      await stopAll(subscriptions);
      throw error;`,
    replace: `      await stopAll(subscriptions.slice(1));
      throw error;`,
    tests: [LATE_TAKEOVER_TEST],
  },
  {
    id: "partition-open-actors-before-lagging",
    does: "Actors with open effects are loaded before those that lag begin to catch up.",
    file: PARTITION,
    find: `    for (const actor of lagging) tenure.catchUp(actor);
    const unfinished = [...new Set([...checkpoint.open, ...found.open.keys()])];
    for (let at = 0; at < unfinished.length; at += limits.partitionLoads) {
      const some = unfinished.slice(at, at + limits.partitionLoads);
      await failpoint(failpoints, "partition.resume", () =>
        Promise.all(some.map((actor) => tenure.takeUp(actor, found.open.get(actor)))),
      );
      if (this.tenure !== tenure) return;
    }`,
    replace: `    const unfinished = [...new Set([...checkpoint.open, ...found.open.keys()])];
    for (let at = 0; at < unfinished.length; at += limits.partitionLoads) {
      const some = unfinished.slice(at, at + limits.partitionLoads);
      await failpoint(failpoints, "partition.resume", () =>
        Promise.all(some.map((actor) => tenure.takeUp(actor, found.open.get(actor)))),
      );
      if (this.tenure !== tenure) return;
    }
    for (const actor of lagging) tenure.catchUp(actor);`,
    tests: [TAKEOVER_TEST],
  },
];
