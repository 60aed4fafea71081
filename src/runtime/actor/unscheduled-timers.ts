/**
 * Timers without a schedule in the stream (ADR 17): the actor's record alone says that they are open. Pure.
 * Proved by: test/unit/runtime/actor/unscheduled-timers.test.ts
 */
import type { Cascade } from "./cascade.ts";
import type { OpenTimer, StoredSnapshot } from "./snapshot.ts";

/** The same cascade, in which these of its armed timers get no schedule. */
export function withoutSchedules(cascade: Cascade, timers: readonly OpenTimer[]): Cascade {
  if (timers.length === 0) return cascade;
  const marked = new Map(
    timers.map((timer): [OpenTimer, OpenTimer] => [timer, { ...timer, unscheduled: true }]),
  );
  const mark = (timer: OpenTimer): OpenTimer => marked.get(timer) ?? timer;
  const { head } = cascade;
  const snapshot = { ...head.snapshot, timers: head.snapshot.timers.map(mark) };
  return { ...cascade, armed: cascade.armed.map(mark), head: { ...head, snapshot } };
}

/** The open timers that only an owner fires. */
export function unscheduledOf({ timers }: Pick<StoredSnapshot, "timers">): OpenTimer[] {
  return timers.filter(({ unscheduled }) => unscheduled === true);
}

/** Whether the next owner has to load the actor: it waits for a call, or for a timer that no schedule fires. */
export function isOpen(snapshot: Pick<StoredSnapshot, "effects" | "timers">): boolean {
  return snapshot.effects.length > 0 || snapshot.timers.some(({ unscheduled }) => unscheduled === true);
}
