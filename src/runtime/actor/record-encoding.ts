/**
 * Writes a record: its stored form leaves out what its subject, its headers or the rest of it says (docs/formats.md).
 * Pure; `readRecord` is the reverse. Hot path: once for each commit.
 * Proved by: test/unit/runtime/actor/record-encoding.test.ts, test/unit/services/orders/walk.test.ts
 */
import type { MachineStates } from "../definition.ts";
import { isObject } from "../json.ts";
import {
  commonLength,
  effectOf,
  expectedEvent,
  type Fields,
  leaves,
  put,
  shortEdge,
  ShortFields,
  shortInput,
  shortTimer,
  shortValue,
} from "./record-shorthands.ts";
import type {
  ActorRecord,
  OpenEffect,
  OpenTimer,
  Sent,
  StoredSnapshot,
  TransitionTaken,
} from "./snapshot.ts";

/** The form that is written. A record without a form has every field as `ActorRecord` has it, and is form 1. */
export const RECORD_FORM = 2;

/** The payload of a record. One that form 2 cannot state exactly has form 1. */
export function encodeRecord(record: ActorRecord): string {
  const { input, snapshot } = record;
  const names = Object.keys(snapshot.machines);
  const name = shortInput(input, names);
  const isExact = name !== undefined && hasContexts(snapshot.machines, names);
  return JSON.stringify(isExact ? shortRecord(record, name, names) : record);
}

function hasContexts(machines: MachineStates, names: readonly string[]): boolean {
  for (const name of names) if (!isObject(machines[name]!.context)) return false;
  return true;
}

const NONE: readonly never[] = [];

/** What is absent is no field: `JSON.stringify` takes long over undefined ones. */
function shortRecord(record: ActorRecord, input: string, names: readonly string[]): object {
  const { by, durationMs, effects, events, reason, sent = NONE, snapshot, timers, transitions } = record;
  const own = openedIn(snapshot);
  const short: Record<string, unknown> = { form: RECORD_FORM, input };
  if (by !== undefined) short["by"] = by;
  if (reason !== undefined) short["reason"] = reason;
  if (durationMs !== undefined) short["durationMs"] = durationMs;
  if (transitions.length > 0) short["transitions"] = shortSteps(transitions, record.input, sent);
  if (sent.length > 0) short["sent"] = sent;
  if (events !== undefined) short["events"] = events;
  const opened = unless(own.effects, effects?.opened);
  const closed = unless(closedBy(record.input), effects?.closed);
  if (opened || closed) short["effects"] = { ...(opened && { opened }), ...(closed && { closed }) };
  const armed = unless(own.timers, timers?.armed);
  const cancelled = timers?.cancelled;
  if (armed || cancelled) short["timers"] = { ...(armed && { armed }), ...(cancelled && { cancelled }) };
  short["snapshot"] = shortSnapshot(snapshot, names, new ShortFields(record.actor));
  return short;
}

function shortSteps(steps: ActorRecord["transitions"], input: string, sent: readonly Sent[]): unknown[] {
  const short: unknown[] = [];
  for (const step of steps) short.push(shortStep(step, expectedEvent(step.machine, input, sent)));
  return short;
}

/** The list that a record states; `undefined` where a reader finds it without. */
function unless(expected: readonly string[], list: readonly string[] = NONE): readonly string[] | undefined {
  if (list.length !== expected.length) return list;
  for (let at = 0; at < list.length; at++) if (list[at] !== expected[at]) return list;
  return undefined;
}

/** What a snapshot says of its own commit: the ids of the effects, and the names of the timers, that it has opened. */
export function openedIn({
  effects,
  timers,
  version,
}: Pick<StoredSnapshot, "effects" | "timers" | "version">): {
  readonly effects: readonly string[];
  readonly timers: readonly string[];
} {
  const first = version * 1000;
  const own = { effects: [] as string[], timers: [] as string[] };
  for (const { generation, id } of effects) if (generation >= first) own.effects.push(id);
  for (const { generation, id, machine } of timers)
    if (generation >= first) own.timers.push(`${machine}.${id}`);
  return own;
}

/** The effects that an input closes unless its record states others. */
export function closedBy(input: string): readonly string[] {
  const id = effectOf(input);
  return id === undefined ? NONE : [id];
}

/** `[machine, rest?, ...edges]`; `rest` has what the edges do not say. */
function shortStep({ edges, event, from, machine, to }: TransitionTaken, expected?: string): unknown[] {
  const [first] = edges ?? NONE;
  const value = shortValue(from);
  const implied = first === undefined ? from === null : leaves(first, value);
  const step: unknown[] = [machine];
  if (!implied || to !== undefined || event !== undefined)
    step.push({
      ...(!implied && { from: value }),
      ...(to !== undefined && { to: shortValue(to) }),
      ...(event !== undefined && { event }),
    });
  for (const id of edges ?? NONE) step.push(shortEdge(id, expected));
  return step;
}

function shortSnapshot(snapshot: StoredSnapshot, names: readonly string[], fields: ShortFields): object {
  const { machines } = snapshot;
  const contexts: Fields[] = [];
  for (const name of names) contexts.push(machines[name]!.context as Fields);
  const count = commonLength(contexts);
  const common = count > 0 ? fields.short(contexts[0]!, 0, count) : undefined;
  const states: Record<string, unknown> = {};
  for (const name of names) {
    const { context, status, value, version } = machines[name]!;
    const state = [shortValue(value), fields.short(context as Fields, count), version];
    if (status !== "active") state.push(status);
    put(states, name, state);
    fields.add(context as Fields);
  }
  const effects: unknown[] = [];
  for (const effect of snapshot.effects) effects.push(shortEffect(effect, fields));
  const timers: unknown[] = [];
  for (const timer of snapshot.timers) timers.push(shortOpenTimer(timer));
  const short: Record<string, unknown> = count > 0 ? { common, machines: states } : { machines: states };
  if (snapshot.definition !== undefined) short["definition"] = snapshot.definition;
  short["version"] = snapshot.version;
  short["inbox"] = snapshot.inbox;
  short["commands"] = snapshot.commands;
  short["effects"] = effects;
  short["timers"] = timers;
  if (snapshot.request !== undefined) short["request"] = snapshot.request;
  short["createdAt"] = snapshot.createdAt;
  short["updatedAt"] = snapshot.updatedAt;
  if (snapshot.facts !== undefined) short["facts"] = snapshot.facts.version;
  return short;
}

/** `[machine, invocation, generation, rest]`. */
function shortEffect(effect: OpenEffect, fields: ShortFields): unknown[] {
  const { abandoned, generation, id, input, invocation, machine, openedAs, src } = effect;
  const rest: Record<string, unknown> = { input: isObject(input) ? fields.short(input) : [input] };
  if (id !== `${machine}.${invocation}`) rest["id"] = id;
  if (src !== invocation) rest["src"] = src;
  if (abandoned) rest["abandoned"] = abandoned;
  if (openedAs !== undefined) rest["openedAs"] = openedAs;
  return [machine, invocation, generation, rest];
}

/** `[machine, id, generation, dueAt, rest?]`. */
function shortOpenTimer(open: OpenTimer): unknown[] {
  const { armedAs, dueAt, event, generation, id, machine, unscheduled } = open;
  const timer: unknown[] = [machine, shortTimer(machine, id), generation, dueAt];
  const isPlain = Object.keys(event).length === 1;
  const other = !isPlain ? event : event.type === id ? undefined : event.type;
  if (other !== undefined || armedAs !== undefined || unscheduled)
    timer.push({
      ...(other !== undefined && { event: other }),
      ...(armedAs !== undefined && { armedAs }),
      ...(unscheduled && { unscheduled }),
    });
  return timer;
}
