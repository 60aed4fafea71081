/**
 * What a record says about its commit besides the snapshot: written without what is empty, and read whole. Records of
 * version 0.1.0 have empty lists, and none of the later fields. Pure.
 * Proved by: test/unit/runtime/actor/record-changes.test.ts
 */
import type { MachineStates } from "../definition.ts";
import { isCount, isObject, isTexts } from "../json.ts";
import type { Cascade } from "./cascade.ts";
import { eventTaken } from "./edges.ts";
import { type Asked, askedOf, type Input, inputName, isAsked } from "./input.ts";
import type { ActorRecord, Sent, TransitionTaken } from "./snapshot.ts";

type Fields = Omit<ActorRecord, "commit" | "actor" | "snapshot">;

/** The fields of a record that say what its commit is about. */
export function changesOf(cascade: Cascade, input: Input): Fields {
  const { armed, cancelled, closed, events, opened, sent, transitions } = cascade;
  const effects = {
    ...some(
      "opened",
      opened.map(({ id }) => id),
    ),
    ...some("closed", closed),
  };
  const timers = { ...some("armed", timerNames(armed)), ...some("cancelled", timerNames(cancelled)) };
  const { durationMs } = input.kind === "effect" ? input : {};
  return {
    input: inputName(input),
    ...(input.kind === "start" || input.kind === "command" || input.kind === "skip" ? askedOf(input) : {}),
    ...(durationMs === undefined ? {} : { durationMs }),
    transitions: transitions.map(withoutLast),
    ...some("sent", sent),
    ...some(
      "events",
      events.map(({ type }) => type),
    ),
    ...(Object.keys(effects).length > 0 && { effects }),
    ...(Object.keys(timers).length > 0 && { timers }),
  };
}

const timerNames = (timers: Cascade["armed"]): string[] =>
  timers.map(({ id, machine }) => `${machine}.${id}`);

/** A step without the state that the snapshot states: a machine's last one. */
function withoutLast(
  step: TransitionTaken,
  place: number,
  steps: readonly TransitionTaken[],
): TransitionTaken {
  if (steps.some(({ machine }, later) => later > place && machine === step.machine)) return step;
  const { to: _, ...rest } = step;
  return rest;
}

/** A list under its name, unless it is empty. */
function some<K extends string, T>(name: K, list: readonly T[]): { [key in K]?: readonly T[] } {
  return list.length > 0 ? ({ [name]: list } as { [key in K]?: readonly T[] }) : {};
}

/** A step of a machine as its record states it, completed. `event`: absent when the record does not know it. */
export type StepRead = Pick<TransitionTaken, "machine" | "from" | "event"> & {
  readonly to: unknown;
  readonly edges: readonly string[];
};

/** The same as `changesOf` makes, whole: no list is absent. */
export type Changes = Asked & {
  readonly input: string;
  readonly durationMs?: number;
  readonly transitions: readonly StepRead[];
  readonly sent: readonly Sent[];
  readonly events: readonly string[];
  readonly effects: { readonly opened: readonly string[]; readonly closed: readonly string[] };
  readonly timers: { readonly armed: readonly string[]; readonly cancelled: readonly string[] };
};

/** Reads the changes of a record. @returns `undefined` when one of its fields has another form */
export function readChanges(record: ActorRecord): Changes | undefined {
  const {
    by,
    durationMs,
    effects = {},
    events = [],
    input,
    reason,
    sent = [],
    timers = {},
    transitions,
  } = record;
  if (!isObject(effects) || !isObject(timers) || !Array.isArray(transitions) || !Array.isArray(sent))
    return undefined;
  const { opened = [], closed = [] } = effects;
  const { armed = [], cancelled = [] } = timers;
  const whole =
    typeof input === "string" &&
    isAsked({ by, reason }) &&
    (durationMs === undefined || isCount(durationMs)) &&
    transitions.every(isTransition) &&
    sent.every((one) => isTexts(one) && one.length === 3) &&
    [events, opened, closed, armed, cancelled].every(isTexts);
  if (!whole) return undefined;
  return {
    input,
    ...askedOf(record),
    ...(durationMs === undefined ? {} : { durationMs }),
    transitions: transitions.map((step) => completed(step, record.snapshot.machines)),
    sent,
    events,
    effects: { opened, closed },
    timers: { armed, cancelled },
  };
}

function isTransition(one: unknown): boolean {
  if (!isObject(one) || typeof one["machine"] !== "string") return false;
  const { edges = [], event = "" } = one;
  return isTexts(edges) && typeof event === "string";
}

function completed(step: TransitionTaken, machines: MachineStates): StepRead {
  const { edges = [], from, machine, to = machines[machine]?.value } = step;
  const event = eventTaken(step);
  return { machine, from, to, ...(event === undefined ? {} : { event }), edges };
}
