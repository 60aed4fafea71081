/** Which timers of a cascade are marked, and which actors the next owner has to load. */
import t from "tap";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import type { OpenTimer } from "../../../../src/runtime/actor/snapshot.ts";
import { isOpen, unscheduledOf, withoutSchedules } from "../../../../src/runtime/actor/unscheduled-timers.ts";
import { openEffect } from "../tenure/activation-stage.ts";

const timer = (generation: number): OpenTimer => ({
  id: "t",
  machine: "m",
  event: { type: "t" },
  generation,
  dueAt: 5,
});

t.test("the chosen timers are marked in the state and among those that are armed, and no others", (t) => {
  const [before, one, two] = [timer(1000), timer(2000), timer(2001)];
  const head = { snapshot: { timers: [before, one, two] }, live: new Map() };
  const cascade = { head, armed: [one, two], cancelled: [], fired: [] } as unknown as Cascade;
  const marked = withoutSchedules(cascade, [two]);
  t.strictSame(marked.head.snapshot.timers, [before, one, { ...two, unscheduled: true }]);
  t.strictSame(marked.armed, [one, { ...two, unscheduled: true }]);
  t.equal(marked.head.live, head.live);
  t.strictSame(head.snapshot.timers, [before, one, two], "the cascade itself does not change");
  t.equal(withoutSchedules(cascade, []), cascade);
  t.strictSame(unscheduledOf(marked.head.snapshot), [{ ...two, unscheduled: true }]);
  t.end();
});

t.test("an actor is open with an effect, or with a timer that no schedule fires", (t) => {
  t.notOk(isOpen({ effects: [], timers: [timer(1)] }));
  t.ok(isOpen({ effects: [openEffect], timers: [] }));
  t.ok(isOpen({ effects: [], timers: [timer(1), { ...timer(2), unscheduled: true }] }));
  t.end();
});
