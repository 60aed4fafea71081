/** Planted bugs of the relay: its queue, its batches in flight, its state, its stop. */
import type { Mutant } from "./mutant.ts";

const RELAY = "src/runtime/commit/relay.ts";
const WRITER_TEST = "test/unit/runtime/commit/outbox-writer.test.ts";
const ANSWERS_TEST = "test/unit/runtime/commit/relay-answers.test.ts";
const SIZES_TEST = "test/unit/runtime/commit/relay-batch-sizes.test.ts";
const HOLD_TEST = "test/unit/runtime/commit/relay-order-and-hold.test.ts";
const STATE_TEST = "test/unit/runtime/commit/relay-state.test.ts";
const RELAY_TEST = "test/unit/runtime/commit/relay.test.ts";

export const relayMutants: readonly Mutant[] = [
  {
    id: "relay-shortened-batch-loses-tail",
    does: "A batch that is shortened takes all write sets that were counted out of the queue.",
    file: RELAY,
    find: "this.queue.splice(0, count);",
    replace: "this.queue.splice(0, countThatFits(this.queue, this.writeSetLimit));",
    tests: [SIZES_TEST],
  },
  {
    id: "relay-composed-batch-too-long",
    does: "A batch is sent though composing has made it too long.",
    file: RELAY,
    find: "if (batch.messages.length <= limits.batchMessages || count === 1) {",
    replace: "if (batch.messages.length > 0) {",
    tests: [SIZES_TEST],
  },
  {
    id: "relay-long-write-set-stays",
    does: "A write set that is too long by itself once composed is never sent, and nothing after it.",
    file: RELAY,
    find: "batch.messages.length <= limits.batchMessages || count === 1",
    replace: "batch.messages.length <= limits.batchMessages",
    tests: [SIZES_TEST],
  },
  {
    id: "relay-most-messages-split",
    does: "A batch of exactly the most messages is halved.",
    file: RELAY,
    find: "batch.messages.length <= limits",
    replace: "batch.messages.length < limits",
    tests: [SIZES_TEST],
  },
  {
    id: "relay-sends-on-top",
    does: "A second batch is sent while one is in flight.",
    file: RELAY,
    find: "if (this.inFlight || this.stopped) return;",
    replace: "if (this.stopped) return;",
    tests: [RELAY_TEST, ANSWERS_TEST],
  },
  {
    id: "relay-sends-after-stop",
    does: "What was submitted directly before the stop is sent.",
    file: RELAY,
    find: "if (this.inFlight || this.stopped) return;",
    replace: "if (this.inFlight) return;",
    tests: [STATE_TEST],
  },
  {
    id: "relay-answer-after-stop",
    does: "An answer that arrives after the stop resolves write sets.",
    file: RELAY,
    find: `      if (this.stopped) return;
      if (result`,
    replace: "      if (result",
    tests: [STATE_TEST],
  },
  {
    id: "relay-diagnosis-after-stop",
    does: "A diagnosis that ends after the stop resolves write sets.",
    file: RELAY,
    find: "if (!found || this.stopped) return false;",
    replace: "if (!found) return false;",
    tests: [STATE_TEST],
  },
  {
    id: "relay-check-in-flight-believes-old",
    does: "A check in flight counts as a rejection without an explanation.",
    file: RELAY,
    find: "if (result.code !== ServerCode.subjectInFlight) unexplained++;",
    replace: "unexplained++;",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-old-reading-believed-early",
    does: "A reading that is too old is believed after two rejections.",
    file: RELAY,
    find: "REJECTIONS_UNTIL_OLD_IS_BELIEVED = 12",
    replace: "REJECTIONS_UNTIL_OLD_IS_BELIEVED = 2",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-old-reading-never-believed",
    does: "Rejections without an explanation are not counted.",
    file: RELAY,
    find: "if (result.code !== ServerCode.subjectInFlight) unexplained++;",
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-check-in-flight-refuses",
    does: "A check in flight splits the batch, and refuses the write set that is alone.",
    file: RELAY,
    find: `    if (result.code === ServerCode.subjectInFlight) return false;
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-duplicate-id-refuses",
    does: "A message id that is stored already refuses the write set that was stored.",
    file: RELAY,
    find: "result.code === ServerCode.wrongLastSequence || result.code === ServerCode.duplicateMessageId",
    replace: "result.code === ServerCode.wrongLastSequence",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-rejection-is-no-answer",
    does: "A rejected batch counts as without an answer until it is stored.",
    file: RELAY,
    find: `        this.answered = true;
        this.noRoom = undefined;`,
    replace: "        this.noRoom = undefined;",
    tests: [STATE_TEST],
  },
  {
    id: "relay-no-room-after-rejection",
    does: "A server that has room again is reported as full after a rejection.",
    file: RELAY,
    find: `        this.answered = true;
        this.noRoom = undefined;`,
    replace: "        this.answered = true;",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-no-room-after-storing",
    does: "A server that has room again is reported as full after it has stored a batch.",
    file: RELAY,
    find: `        this.noRoom = undefined;
        this.stored(`,
    replace: "        this.stored(",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-no-room-sticks",
    does: "A server that is silent is reported as full.",
    file: RELAY,
    find: "this.noRoom = result.noRoom ? result.reason : undefined;",
    replace: "if (result.noRoom) this.noRoom = result.reason;",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-waits-too-long",
    does: "The pauses between repetitions grow to five seconds.",
    file: RELAY,
    find: "SLOWEST_RETRY_MS = 500",
    replace: "SLOWEST_RETRY_MS = 5000",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-sequence-off-by-one",
    does: "The sequences of a stored batch are one too low.",
    file: RELAY,
    find: "lastSequence - batch.messages.length + 1",
    replace: "lastSequence - batch.messages.length",
    tests: [HOLD_TEST],
  },
  {
    id: "relay-batches-stay-small",
    does: "After a split batches stay small.",
    file: RELAY,
    find: "Math.min(this.writeSetLimit * 2, limits.batchMessages)",
    replace: "this.writeSetLimit",
    tests: [SIZES_TEST],
  },
  {
    id: "relay-stock-after-callers",
    does: "The aggregators learn of a batch after the callers of its write sets.",
    file: RELAY,
    find: `    for (const [aggregator, deltas] of batch.deltas) aggregator.committed(deltas);
`,
    replace: `    this.options.clock.soon(() => {
      for (const [aggregator, deltas] of batch.deltas) aggregator.committed(deltas);
    });
`,
    tests: [HOLD_TEST],
  },
  {
    id: "relay-stored-sequences-forgotten",
    does: "Dependents in the next batch are not checked against what this batch has stored.",
    file: RELAY,
    find: `    this.setLast(sequences);
    this.inFlight`,
    replace: "    this.inFlight",
    tests: [HOLD_TEST],
  },
  {
    id: "relay-callers-before-next-batch",
    does: "The callers of a batch are answered before the next one is sent.",
    file: RELAY,
    find: `    this.pump();
    this.finish(batch.writeSets, sequences, lastSequence);`,
    replace: `    this.finish(batch.writeSets, sequences, lastSequence);
    this.pump();`,
    tests: [RELAY_TEST],
  },
  {
    id: "relay-rows-stay",
    does: "The rows of stored write sets stay in the outbox.",
    file: RELAY,
    find: `    this.options.store.forget(writeSets.map((writeSet) => writeSet.commit));
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-batches-counted-as-write-sets",
    does: "The counter of stored write sets counts batches.",
    file: RELAY,
    find: "this.writeSets += writeSets.length;",
    replace: "this.writeSets++;",
    tests: [STATE_TEST],
  },
  {
    id: "relay-unresolved-counts-on",
    does: "A resolved write set goes on counting as unresolved.",
    file: RELAY,
    find: `    this.submittedAt.delete(writeSet.commit);
`,
    replace: "",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-store-asked-while-paused",
    does: "Write sets that wait for the store are dropped one after another.",
    file: RELAY,
    find: "this.fresh.length === 0 || this.paused",
    replace: "this.fresh.length === 0 || (this.paused && this.stopped)",
    tests: [WRITER_TEST],
  },
  {
    id: "relay-paused-for-ever",
    does: "A relay whose store refused once never writes again.",
    file: RELAY,
    find: `      this.paused = false;
`,
    replace: "",
    tests: [WRITER_TEST],
  },
  {
    id: "relay-refused-by-store-unresolved",
    does: "What the store refuses is dropped without a word to its callers.",
    file: RELAY,
    find: `    for (const writeSet of fresh) this.resolve(writeSet, { status: "dropped", why: "store_unavailable" });
`,
    replace: "",
    tests: [WRITER_TEST],
  },
  {
    id: "relay-refused-by-store-queued",
    does: "What the store refuses is sent all the same.",
    file: RELAY,
    find: "    if (store.write(fresh)) {",
    replace: "    if (store.write(fresh) || fresh.length > 0) {",
    tests: [RELAY_TEST],
  },
  {
    id: "relay-resolved-through-the-future",
    does: "All commits count as resolved while some wait.",
    file: RELAY,
    find: "this.submittedAt.size === 0 ?",
    replace: "this.queue.length === 0 ?",
    tests: [STATE_TEST],
  },
  {
    id: "relay-age-of-the-newest",
    does: "The age that is reported is that of the newest write set.",
    file: RELAY,
    find: "const [oldest] = this.submittedAt.values();",
    replace: "const oldest = [...this.submittedAt.values()].at(-1);",
    tests: [STATE_TEST],
  },
  {
    id: "relay-many-wait-for-the-answer",
    does: "Exactly the number that is worth a transaction waits for the answer in flight.",
    file: RELAY,
    find: "this.fresh.length >= PERSIST_EARLY",
    replace: "this.fresh.length > PERSIST_EARLY",
    tests: [STATE_TEST],
  },
  {
    id: "relay-few-are-written-early",
    does: "Every new write set has a transaction of its own while a batch is in flight.",
    file: RELAY,
    find: "this.fresh.length >= PERSIST_EARLY",
    replace: "this.fresh.length >= PERSIST_EARLY / 16",
    tests: [ANSWERS_TEST],
  },
  {
    id: "relay-no-precondition-accepted",
    does: "A write set without a precondition is accepted.",
    file: RELAY,
    find: "if (writeSet.preconditions.length === 0)",
    replace: "if (writeSet.messages.length < 0)",
    tests: [STATE_TEST],
  },
  {
    id: "relay-read-back-answers-before-deltas",
    does: "After a batch was read back, callers are answered before the stock has its deltas.",
    file: RELAY,
    find: `      for (const writeSet of found.stored) {
        for (const { aggregator, delta } of writeSet.deltas ?? []) aggregator.committed([delta]);
      }
      if (found.stored.length > 0) {
        this.setLast(found.sequences);
        this.finish(found.stored, found.sequences, found.lastSequence);
      }`,
    replace: `      if (found.stored.length > 0) {
        this.setLast(found.sequences);
        this.finish(found.stored, found.sequences, found.lastSequence);
      }
      for (const writeSet of found.stored) {
        for (const { aggregator, delta } of writeSet.deltas ?? []) aggregator.committed([delta]);
      }`,
    tests: [RELAY_TEST],
  },
  {
    id: "relay-marks-not-counted",
    does: "What a batch writes does not count toward the next mark.",
    file: RELAY,
    find: "        this.marks.sent(batch, now, this.lastStored);\n",
    replace: "",
    tests: [STATE_TEST],
  },
  {
    id: "relay-marks-without-growth",
    does: "The relay does not say how far the log has grown, so that a quiet partition is never marked.",
    file: RELAY,
    find: "this.marks.due(writeSets, now, this.lastStored)",
    replace: "this.marks.due(writeSets, now, 0)",
    tests: [STATE_TEST],
  },
];
