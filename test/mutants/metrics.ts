/** Planted bugs of the metrics. */
import type { Mutant } from "./mutant.ts";

const HISTOGRAM = "src/runtime/duration-histogram.ts";
const HISTOGRAM_TEST = "test/unit/runtime/duration-histogram.test.ts";
const COUNTS = "nodes/order/order-counts.ts";
const COUNTS_TEST = "test/unit/nodes/order-counts.test.ts";

export const metricsMutants: readonly Mutant[] = [
  {
    id: "metrics-bound-exclusive",
    does: "A duration that is exactly a bound is counted above it.",
    file: HISTOGRAM,
    find: "seconds > this.bounds[at]!",
    replace: "seconds >= this.bounds[at]!",
    tests: [HISTOGRAM_TEST],
  },
  {
    id: "metrics-state-shared",
    does: "A state that was read changes with later durations.",
    file: HISTOGRAM,
    find: "counts: [...this.counts]",
    replace: "counts: this.counts",
    tests: [HISTOGRAM_TEST],
  },
  {
    id: "metrics-old-commits-count",
    does: "Commits of long ago are among the newest ones.",
    file: "src/runtime/commit/commit-times.ts",
    find: "at > since ? ms : []",
    replace: "at <= since + COUNTED_FOR_MS ? ms : []",
    tests: ["test/unit/runtime/commit/commit-times.test.ts"],
  },
  {
    id: "metrics-commits-unbounded",
    does: "All commits of the process are kept.",
    file: "src/runtime/commit/commit-times.ts",
    find: "(this.next + 1) % COUNTED;",
    replace: "this.next + 1;",
    tests: ["test/unit/runtime/commit/commit-times.test.ts"],
  },
  {
    id: "metrics-unstored-commits-count",
    does: "A write set that is refused counts as a commit.",
    file: "src/runtime/commit/relay.ts",
    find: 'if (outcome.status === "stored" && submittedAt !== undefined)',
    replace: "if (submittedAt !== undefined)",
    tests: ["test/unit/runtime/commit/relays.test.ts"],
  },
  {
    id: "metrics-list-asked-always",
    does: "Each reading of the metrics asks the list.",
    file: COUNTS,
    find: "clock.monotonic() - this.askedAt >= EVERY_MS",
    replace: "clock.monotonic() - this.askedAt >= 0",
    tests: [COUNTS_TEST],
  },
  {
    id: "metrics-list-asked-while-asked",
    does: "A list that is slow is asked again and again.",
    file: COUNTS,
    find: "if (!this.isAsking && ",
    replace: "if (",
    tests: [COUNTS_TEST],
  },
  {
    id: "metrics-half-a-list",
    does: "A list that does not know all orders is counted.",
    file: COUNTS,
    find: 'if (list.state().status !== "following") return (this.newest = undefined);',
    replace: "",
    tests: [COUNTS_TEST],
  },
];
