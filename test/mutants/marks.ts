import type { Mutant } from "./mutant.ts";

/** Bugs in the marks of processed events, while the server stores nothing for a time. */
export const markMutants: readonly Mutant[] = [
  {
    id: "marks-abandoned-while-locked",
    does: "A mark is abandoned after five tries though the lock lives on, so that the work is repeated elsewhere.",
    file: "src/runtime/workers/processed-events.ts",
    find: "tried <= MARK_TRIES || this.clock.monotonic() < claim.endsAt",
    replace: "tried <= MARK_TRIES",
    tests: ["test/unit/runtime/workers/mark-in-outage.test.ts"],
  },
  {
    id: "marks-never-after-the-lock",
    does: "A mark is tried once only when the lock has ended during the work.",
    file: "src/runtime/workers/processed-events.ts",
    find: "tried <= MARK_TRIES || this.clock.monotonic() < claim.endsAt",
    replace: "tried <= MARK_TRIES / MARK_TRIES || this.clock.monotonic() < claim.endsAt",
    tests: ["test/unit/runtime/workers/mark-in-outage.test.ts"],
  },
  {
    id: "marks-tried-for-ever",
    does: "A mark is tried until the server is back, and keeps its place in the worker all that time.",
    file: "src/runtime/workers/processed-events.ts",
    find: "tried <= MARK_TRIES || this.clock.monotonic() < claim.endsAt",
    replace: "tried <= MARK_TRIES || tried > MARK_TRIES",
    tests: ["test/unit/runtime/workers/mark-in-outage.test.ts"],
  },
  {
    id: "marks-pause-grows-without-bound",
    does: "The pause between two tries to write a mark grows past the end of the lock.",
    file: "src/runtime/workers/processed-events.ts",
    find: "Math.min(MARK_PAUSE_MS * 2 ** (tried - 1), MARK_PAUSE_MAX_MS)",
    replace: "Math.max(MARK_PAUSE_MS * 2 ** (tried - 1), MARK_PAUSE_MAX_MS * 0)",
    tests: ["test/unit/runtime/workers/mark-in-outage.test.ts"],
  },
];
