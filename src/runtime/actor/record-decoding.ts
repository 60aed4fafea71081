/**
 * Reads a record, whichever form it is stored in (docs/formats.md). Pure; `encodeRecord` is the reverse.
 * Proved by: test/unit/runtime/actor/record-encoding.test.ts, test/unit/runtime/unreadable.test.ts
 */
import type { MachineState } from "../definition.ts";
import { isCount, isObject, isTexts, parseObject } from "../json.ts";
import type { StoredMessage } from "../ports.ts";
import { closedBy, openedIn, RECORD_FORM } from "./record-encoding.ts";
import {
  expectedEvent,
  type Fields,
  fullEdge,
  fullInput,
  fullTimer,
  fullValue,
  put,
  ShortFields,
  sourceOf,
} from "./record-shorthands.ts";
import {
  type ActorRecord,
  type OpenEffect,
  type OpenTimer,
  RecordHeader,
  type Sent,
  type StoredSnapshot,
  type TransitionTaken,
} from "./snapshot.ts";

/** The message of a record, as far as it is needed to read it. */
export type RecordMessage = Pick<StoredMessage, "subject" | "headers" | "payload">;

const FORM = /^\{"form":(\d+),/u;
const SHORT = `{"form":${RECORD_FORM},`;

/** Whether a record has a form that only a newer program knows. */
export const hasNewerForm = (payload: string): boolean => Number(FORM.exec(payload)?.[1]) > RECORD_FORM;

/**
 * Reads the record in a message. It does not check the states of the machines: `restore` does, which has the machines.
 * @returns `undefined` when the message is no record, or has another form
 */
export function readRecord(message: RecordMessage): ActorRecord | undefined {
  const { headers, payload } = message;
  if (!payload.startsWith(SHORT)) return FORM.test(payload) ? undefined : readForm1(payload);
  const actor = actorOf(message);
  const body = parseObject(payload);
  const snapshot = body && fullSnapshot(body["snapshot"], new ShortFields(actor));
  return snapshot && fullRecord(body, snapshot, headers[RecordHeader.commit] ?? "", actor);
}

/** Reads only the state in a record. @returns `undefined` as {@link readRecord} does */
export function readSnapshot(message: RecordMessage): StoredSnapshot | undefined {
  const { payload } = message;
  if (!payload.startsWith(SHORT)) return readRecord(message)?.snapshot;
  return fullSnapshot(parseObject(payload)?.["snapshot"], new ShortFields(actorOf(message)));
}

const actorOf = ({ subject }: RecordMessage): string => subject.slice(subject.lastIndexOf(".") + 1);

function readForm1(payload: string): ActorRecord | undefined {
  const record = parseObject(payload);
  const snapshot = record?.["snapshot"];
  if (!isObject(snapshot) || !isObject(snapshot["machines"])) return undefined;
  const lists = [snapshot["commands"], snapshot["effects"], snapshot["timers"]];
  const numbers = [snapshot["version"], snapshot["inbox"]];
  const whole = lists.every((list) => Array.isArray(list)) && numbers.every(Number.isInteger);
  return whole ? (record as unknown as ActorRecord) : undefined;
}

function fullRecord(
  body: Fields,
  snapshot: StoredSnapshot,
  commit: string,
  actor: string,
): ActorRecord | undefined {
  const { by, durationMs, effects = {}, events, input: name, reason } = body;
  const { sent = [], timers = {}, transitions = [] } = body;
  if (typeof name !== "string" || !isSentList(sent) || !Array.isArray(transitions)) return undefined;
  if (!isObject(effects) || !isObject(timers)) return undefined;
  const input = fullInput(name);
  const steps: TransitionTaken[] = [];
  for (const one of transitions) {
    const step = fullStep(one, input, sent);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  const own = openedIn(snapshot);
  const { opened = own.effects, closed = closedBy(input) } = effects;
  const { armed = own.timers, cancelled = [] } = timers;
  return {
    commit,
    actor,
    input,
    ...some({ by, reason, durationMs }),
    transitions: steps,
    ...some({ sent, events, effects: some({ opened, closed }), timers: some({ armed, cancelled }) }),
    snapshot,
  };
}

/** The fields that are not empty. */
function some(fields: Fields): Fields {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
    if (value !== undefined && !isEmpty) found[name] = value;
  }
  return found;
}

const isSentList = (sent: unknown): sent is readonly Sent[] =>
  Array.isArray(sent) && sent.every((one) => isTexts(one) && one.length === 3);

function fullStep(short: unknown, input: string, sent: readonly Sent[]): TransitionTaken | undefined {
  if (!Array.isArray(short)) return undefined;
  const [machine, second] = short as readonly unknown[];
  const rest = isObject(second) ? second : {};
  const ids: unknown = short.slice(isObject(second) ? 2 : 1);
  if (typeof machine !== "string" || !isTexts(ids)) return undefined;
  const expected = expectedEvent(machine, input, sent);
  const edges = ids.map((id) => fullEdge(id, expected));
  const [first] = edges;
  const implied = first === undefined ? null : fullValue(sourceOf(first));
  const { event, from, to } = rest;
  return {
    machine,
    from: from === undefined ? implied : fullValue(from),
    ...(to !== undefined && { to: fullValue(to) }),
    ...(typeof event === "string" && { event }),
    ...(edges.length > 0 && { edges }),
  };
}

function fullSnapshot(short: unknown, fields: ShortFields): StoredSnapshot | undefined {
  if (!isObject(short)) return undefined;
  const { commands, common: begin = {}, createdAt, definition, effects, facts } = short;
  const { inbox, machines, request, timers, updatedAt, version } = short;
  if (!isObject(machines) || !isObject(begin) || !isCount(version) || !isCount(inbox)) return undefined;
  if (!isTexts(commands) || !Array.isArray(effects) || !Array.isArray(timers)) return undefined;
  const states: Record<string, MachineState> = {};
  const common = fields.full(begin);
  for (const name of Object.keys(machines)) {
    const state = fullState(machines[name], common, fields);
    if (state === undefined) return undefined;
    put(states, name, state);
    fields.add(state.context as Fields);
  }
  const openEffects: OpenEffect[] = [];
  for (const one of effects) {
    const effect = fullEffect(one, fields);
    if (effect === undefined) return undefined;
    openEffects.push(effect);
  }
  const openTimers: OpenTimer[] = [];
  for (const one of timers) {
    const timer = fullOpenTimer(one);
    if (timer === undefined) return undefined;
    openTimers.push(timer);
  }
  const snapshot = {
    machines: states,
    ...(definition !== undefined && { definition: definition as number }),
    version,
    inbox,
    commands,
    effects: openEffects,
    timers: openTimers,
    ...(request !== undefined && { request: request as string }),
    createdAt: createdAt as number,
    updatedAt: updatedAt as number,
  };
  return facts === undefined ? snapshot : { ...snapshot, facts: { version: facts as number } };
}

function fullState(short: unknown, common: Fields, fields: ShortFields): MachineState | undefined {
  if (!Array.isArray(short)) return undefined;
  const [value, context, version, status = "active"] = short as readonly unknown[];
  if (!isObject(context) || !isCount(version)) return undefined;
  return {
    status: status as MachineState["status"],
    value: fullValue(value),
    context: fields.full(context, common),
    version,
  };
}

function fullEffect(short: unknown, fields: ShortFields): OpenEffect | undefined {
  if (!Array.isArray(short)) return undefined;
  const [machine, invocation, generation, rest] = short as readonly unknown[];
  if (typeof machine !== "string" || typeof invocation !== "string" || !isCount(generation)) return undefined;
  if (!isObject(rest)) return undefined;
  const { abandoned, id = `${machine}.${invocation}`, input, openedAs, src = invocation } = rest;
  return {
    id: id as string,
    machine,
    invocation,
    src: src as string,
    input: isObject(input) ? fields.full(input) : (input as readonly unknown[] | undefined)?.[0],
    generation,
    ...(abandoned === true && { abandoned }),
    ...(typeof openedAs === "string" && { openedAs }),
  };
}

function fullOpenTimer(short: unknown): OpenTimer | undefined {
  if (!Array.isArray(short)) return undefined;
  const [machine, name, generation, dueAt, rest] = short as readonly unknown[];
  if (typeof machine !== "string" || typeof name !== "string") return undefined;
  if (!isCount(generation) || typeof dueAt !== "number") return undefined;
  const id = fullTimer(machine, name);
  if (!isObject(rest)) return { id, machine, event: { type: id }, generation, dueAt };
  const { armedAs, event = id, unscheduled } = rest;
  return {
    id,
    machine,
    event: (isObject(event) ? event : { type: event }) as OpenTimer["event"],
    generation,
    dueAt,
    ...(typeof armedAs === "string" && { armedAs }),
    ...(unscheduled === true && { unscheduled }),
  };
}
