/** Planted bugs of the timers that an owner fires itself: which ones, when, and what becomes of their schedules. */
import type { Mutant } from "./mutant.ts";

const NEAR = "src/runtime/tenure/near-timers.ts";
const NEAR_TEST = "test/unit/runtime/tenure/near-timers.test.ts";
const WRITE_SET = "src/runtime/commit/cascade-write-set.ts";
const WRITE_SET_TEST = "test/unit/runtime/commit/cascade-write-set.test.ts";
const PROCESSOR = "src/runtime/tenure/input-processor.ts";
const OWNER_TEST = "test/unit/runtime/owner-fires.test.ts";

export const nearTimerMutants: readonly Mutant[] = [
  {
    id: "near-timers-fire-early",
    does: "A timer fires when its wait is over, although the server's clock has gone back.",
    file: NEAR,
    find: "      if (clock.now() < timer.dueAt) return this.wait(actor, timer);\n",
    replace: "",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-take-all",
    does: "Timers that are due in days wait in memory.",
    file: NEAR,
    find: "      .filter(({ dueAt }) => dueAt <= latest)\n",
    replace: "",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-miss-the-last",
    does: "A timer that is due exactly at the horizon is left to the server.",
    file: NEAR,
    find: "dueAt <= latest",
    replace: "dueAt < latest",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-without-bound",
    does: "Any number of timers waits in memory.",
    file: NEAR,
    find: "Math.max(0, limits.partitionTimers - this.size)",
    replace: "timers.length",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-above-the-bound",
    does: "When more timers wait than may, all but some of the new ones are taken as well.",
    file: NEAR,
    find: "Math.max(0, limits.partitionTimers - this.size)",
    replace: "limits.partitionTimers - this.size",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-of-any-actor",
    does: "A timer that is over ends that of another actor.",
    file: NEAR,
    find: "`${actor} ${generation}`",
    replace: "`${actor.length} ${generation}`",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-never-over",
    does: "A timer that was canceled fires.",
    file: NEAR,
    find: "      this.waiting.get(key)?.();\n",
    replace: "",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-are-kept",
    does: "A timer that has fired counts as one that waits.",
    file: NEAR,
    find: "      this.waiting.delete(key);\n      fire(actor, timer);",
    replace: "      fire(actor, timer);",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-after-the-end",
    does: "A timer that is stored after the end of the tenure waits.",
    file: NEAR,
    find: "    if (this.closed) return;\n",
    replace: "",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-chosen-after-the-end",
    does: "A timer is armed with the grace although the tenure ends.",
    file: NEAR,
    find: "timers.length === 0 || this.closed",
    replace: "timers.length === 0",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-end-goes-on",
    does: "What waits at the end of the tenure fires.",
    file: NEAR,
    find: "for (const end of this.waiting.values()) end();",
    replace: "for (const _ of this.waiting.values()) break;",
    tests: [NEAR_TEST],
  },
  {
    id: "near-timers-not-started",
    does: "An owner arms timers with the grace and does not fire them.",
    file: PROCESSOR,
    find: "    nearTimers.armed(actor, near);\n",
    replace: "",
    tests: [OWNER_TEST],
  },
  {
    id: "near-timers-without-grace",
    does: "The server fires a timer at the same time as its owner.",
    file: WRITE_SET,
    find: "timer.dueAt + limits.timerGraceMs : timer.dueAt",
    replace: "timer.dueAt : timer.dueAt",
    tests: [WRITE_SET_TEST, OWNER_TEST],
  },
  {
    id: "near-timers-grace-for-all",
    does: "A timer that the server is to fire has the grace.",
    file: WRITE_SET,
    find: "near?.includes(timer) ?",
    replace: "near ?",
    tests: [WRITE_SET_TEST, OWNER_TEST],
  },
  {
    id: "near-timers-schedule-stays",
    does: "The schedule of a timer that its owner has fired is not canceled.",
    file: WRITE_SET,
    find: "[...cascade.fired, ...cascade.cancelled]",
    replace: "[...cascade.cancelled]",
    tests: [WRITE_SET_TEST, OWNER_TEST],
  },
  {
    id: "near-timers-canceled-last",
    does: "The schedule of a timer that its owner has fired is the first to be left.",
    file: WRITE_SET,
    find: "[...cascade.fired, ...cascade.cancelled]",
    replace: "[...cascade.cancelled, ...cascade.fired]",
    tests: [WRITE_SET_TEST],
  },
  {
    id: "near-timers-of-the-inbox",
    does: "A timer that the server has fired is canceled as well.",
    file: "src/runtime/actor/cascade.ts",
    find: "if (this.context.inbox === 0) this.fired",
    replace: "this.fired",
    tests: ["test/unit/runtime/actor/cascade.test.ts"],
  },
];
