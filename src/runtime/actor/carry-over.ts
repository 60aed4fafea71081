/**
 * What becomes of an actor's open timers and effects when its machines have become newer versions. They are renamed as
 * the definition says, and keep their generations: a schedule that fires under its former name, and an outcome of a
 * call under its former key, find them. Pure.
 * Proved by: test/unit/runtime/actor/carry-over.test.ts, test/unit/runtime/tenure/renamed-timers.test.ts
 */
import type { ActorDefinition, Renames } from "../definition.ts";
import type { MachineFingerprint } from "../fingerprints.ts";
import { type Live, MachineFault, statesOf } from "./machine.ts";
import type { OpenEffect, OpenTimer, Snapshot } from "./snapshot.ts";

type Open = Pick<Snapshot, "effects" | "timers">;

/** The open timers and effects of a stored actor, under the names that the definition has for them. */
export function carriedOver(
  definition: Pick<ActorDefinition, "machines">,
  snapshot: Omit<Snapshot, "facts">,
): Open {
  let { effects, timers } = snapshot;
  for (const [name, { renames = {}, version }] of Object.entries(definition.machines)) {
    for (let from = snapshot.machines[name]?.version ?? version; from < version; from++) {
      const { timers: renamedTimers = {}, invocations = {} } = renames[from] ?? {};
      timers = timers.flatMap((timer) =>
        timer.machine === name ? renamedTimer(timer, renamedTimers) : [timer],
      );
      effects = effects.map((effect) =>
        effect.machine === name ? renamedEffect(effect, invocations) : effect,
      );
    }
  }
  return { effects, timers };
}

function renamedTimer(timer: OpenTimer, names: NonNullable<Renames["timers"]>): OpenTimer[] {
  const id = names[timer.id];
  if (id === undefined) return [timer];
  if (id === null) return [];
  // The event of an `after` has the name of the timer.
  const event = timer.event.type === timer.id ? { ...timer.event, type: id } : timer.event;
  return [{ ...timer, id, event, armedAs: timer.armedAs ?? timer.id }];
}

function renamedEffect(effect: OpenEffect, names: NonNullable<Renames["invocations"]>): OpenEffect {
  const invocation = names[effect.invocation];
  if (invocation === undefined) return effect;
  if (invocation === null) return { ...effect, abandoned: true };
  const openedAs = effect.openedAs ?? effect.id;
  return { ...effect, id: `${effect.machine}.${invocation}`, invocation, openedAs };
}

const AFTER = "xstate.after.";

/**
 * An actor that waits for a timer or an effect which its states do not expect would wait for ever, or lose what it
 * waits for. @throws MachineFault
 */
export function mustBeExpected(
  { effects: handlers, machines }: ActorDefinition,
  live: ReadonlyMap<string, Live>,
  { effects, timers }: Open,
): void {
  for (const { id, machine, event } of timers) {
    const state = live.get(machine);
    if (state?.status !== "active") continue;
    // A delayed `raise` may fire in any state, and be ignored there.
    const expected = id.startsWith(AFTER)
      ? state._nodes.some(({ after }) => after.some(({ eventType }) => eventType === event.type))
      : knows(state, event.type);
    if (!expected) throw unexpected(`timer ${id}`, machine, machines[machine]?.version);
  }
  for (const { abandoned, invocation, machine, src } of effects) {
    if (!handlers[src]) {
      throw new MachineFault(
        `machine ${machine}: the stored actor waits for a call of "${src}", which has no effect handler here; keep the handler while such calls are open`,
      );
    }
    const state = live.get(machine);
    if (abandoned || state?.status !== "active") continue;
    const expected = state._nodes.some(({ invoke }) => invoke.some(({ id }) => id === invocation));
    if (!expected) throw unexpected(`invocation ${invocation}`, machine, machines[machine]?.version);
  }
}

/** Some state takes the event, or ignores it by name. */
function knows({ machine }: Live, type: string): boolean {
  for (const { transitions } of statesOf(machine.root)) {
    for (const known of transitions.keys()) if (known === type || known.endsWith("*")) return true;
  }
  return false;
}

function unexpected(what: string, machine: string, version: number | undefined): MachineFault {
  return new MachineFault(
    `machine ${machine}: the stored actor waits for ${what}, and version ${version} does not know it in this state; say in renames what it is now, see docs/evolution.md`,
  );
}

const timersOf = ({ states }: MachineFingerprint): string[] =>
  Object.values(states).flatMap((state) => state.timers ?? []);

const invocationsOf = ({ states }: MachineFingerprint): string[] =>
  Object.values(states).flatMap((state) => Object.keys(state.invokes ?? {}));

/**
 * What is missing in the rules from one version of a machine to the next: each timer and invocation that actors may
 * wait for, or that they may lack. Each as a sentence without an end; empty when nothing is.
 */
export function missingRules(
  before: MachineFingerprint,
  after: MachineFingerprint,
  { absent = [], invocations = {}, timers = {} }: Renames = {},
): string[] {
  const faults: string[] = [];
  const kept = Object.keys(before.states).filter((path) => after.states[path] !== undefined);
  const check = (
    what: string,
    id: string,
    rule: string | null | undefined,
    known: readonly string[],
  ): void => {
    if (rule === undefined) faults.push(`${what} ${id} is gone, and open actors wait for it`);
    else if (rule !== null && !known.includes(rule))
      faults.push(`${what} ${id} becomes ${rule}, which is not there`);
  };
  const [knownTimers, knownInvocations] = [timersOf(after), invocationsOf(after)];
  for (const id of timersOf(before)) {
    if (!knownTimers.includes(id)) check("timer", id, timers[id], knownTimers);
  }
  const goneInState = kept.flatMap((path) => {
    const now = after.states[path]?.invokes ?? {};
    return Object.keys(before.states[path]?.invokes ?? {}).filter((id) => now[id] === undefined);
  });
  const gone = invocationsOf(before).filter((id) => !knownInvocations.includes(id));
  for (const id of new Set([...gone, ...goneInState]))
    check("invocation", id, invocations[id], knownInvocations);
  faults.push(...lostOutcomes(before, after, invocations));
  const renamedTo = new Set([...Object.values(timers), ...Object.values(invocations)]);
  for (const path of kept) {
    const [old, now] = [before.states[path] ?? {}, after.states[path] ?? {}];
    const had = [...(old.timers ?? []), ...Object.keys(old.invokes ?? {})];
    for (const id of [...(now.timers ?? []), ...Object.keys(now.invokes ?? {})]) {
      if (had.includes(id) || renamedTo.has(id) || absent.includes(id)) continue;
      faults.push(`state ${path} has gained ${id}, and actors that are in it lack it`);
    }
  }
  return faults;
}

const LATE = "effect.late.";

const lateOf = ({ states }: MachineFingerprint): Set<string> =>
  new Set(Object.values(states).flatMap(({ on = [] }) => on.filter((type) => type.startsWith(LATE))));

/** Outcomes of abandoned calls that a state took, and that no state takes any more. */
function lostOutcomes(
  before: MachineFingerprint,
  after: MachineFingerprint,
  invocations: NonNullable<Renames["invocations"]>,
): string[] {
  const now = lateOf(after);
  return [...lateOf(before)].flatMap((type) => {
    const id = type.slice(LATE.length);
    const renamed = `${LATE}${invocations[id] ?? id}`;
    return now.has(renamed) ? [] : [`no state takes ${renamed}, the outcome of a call that was left`];
  });
}
