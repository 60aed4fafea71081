import type { Mutant } from "./mutant.ts";

const tests = ["test/unit/runtime/workers/old-events.test.ts"];
const worker = { file: "src/runtime/workers/worker.ts", tests };
const mark = { file: "src/runtime/workers/processed-mark.ts", tests };

/** Events whose work may have been done without a sign of it. */
export const oldEventMutants: readonly Mutant[] = [
  {
    id: "marks-old-event-is-worked-on",
    does: "An event that is older than the marks live is worked on again.",
    ...worker,
    find: "if (age > EVENT_AGE_MAX_MS) {",
    replace: "if (age > EVENT_AGE_MAX_MS * 100) {",
  },
  {
    id: "marks-event-outlives-its-mark",
    does: "An event may be worked on until its mark has ended, without a margin for slow clocks.",
    file: "src/runtime/workers/worker-bounds.ts",
    tests,
    find: "(MARK_DAYS * 24 - 12) * HOUR_MS",
    replace: "MARK_DAYS * 24 * HOUR_MS",
  },
  {
    id: "marks-unreadable-counts-as-absent",
    does: "An event whose mark cannot be read is worked on again.",
    file: "src/runtime/workers/processed-events.ts",
    tests,
    find: "if (readable === undefined && replayOf === undefined) {",
    replace: "if (readable === undefined && replayOf === -1) {",
  },
  {
    id: "marks-unreadable-stays",
    does: "An event with an unreadable mark becomes a dead letter at each delivery.",
    ...worker,
    find: `      await this.processed.dead(claim.mark);
`,
    replace: "",
  },
  {
    id: "marks-any-attempts",
    does: "A mark with a negative number of attempts gives its event attempts almost without end.",
    ...mark,
    find: '!isCount(mark["attempts"])',
    replace: 'typeof mark["attempts"] !== "number"',
  },
  {
    id: "marks-old-repeat-is-listed",
    does: "A repeat of an old event whose mark lives becomes a dead letter.",
    ...worker,
    find: 'if (claim.status === "done") {',
    replace: 'if (claim.status === "done" && this.clock.now() - item.at <= EVENT_AGE_MAX_MS) {',
  },
];
