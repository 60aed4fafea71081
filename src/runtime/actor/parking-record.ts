/**
 * The stored form of a parking: JSON on `orders.parked.<partition>.<actor>`, of which the last message counts
 * (ADR 7). It is separate from the actor's records, so the last record stays the last good state.
 */
import { type Asked, type Input, inputName, isAsked, type ParkedInput } from "./input.ts";
import { isCount, isObject, isTime, parseObject } from "../json.ts";
import type { StoredMessage } from "../ports.ts";

/** The actor is parked: no input is applied to it until an operator resumes it or skips the input. */
export type Parking = {
  readonly status: "parked";
  /** Distinguishes this parking from every other parking of the actor; also the commit id of the message. */
  readonly id: string;
  readonly actor: string;
  /** ms since the epoch */
  readonly since: number;
  /** The message of the error that parked the actor; at most 1000 characters. */
  readonly reason: string;
  /**
   * The input's name in records, at most 200 characters. Null: version 0.1.0 has parked the actor because it could not
   * read the stored state.
   */
  readonly name: string | null;
  readonly input: ParkedInput | null;
  /** Sequence of the inbox message that carries the input; 0 when it did not come from the inbox. */
  readonly inbox: number;
  /** The last good state: the actor's version and the sequence of its record; 0 when it could not be read. */
  readonly version: number;
  readonly record: number;
};

/**
 * The actor is not parked any more. `parking`: the id of the parking that ended; `at`: ms since the epoch. `command`:
 * id of the operator's request, where it has an idempotency key.
 */
export type Unparking = Asked & {
  readonly status: "resumed" | "skipped";
  readonly parking: string;
  readonly actor: string;
  readonly at: number;
  readonly command?: string;
};

const REASON_CHARACTERS = 1000;
const NAME_CHARACTERS = 200;

/**
 * Composes a parking.
 * @param cause the poisonous input
 * @param now ms since the epoch
 * @param id unique
 */
export function parkingOf(
  what: {
    readonly actor: string;
    readonly reason: string;
    readonly version: number;
    readonly record: number;
  },
  cause: { readonly input: Input; readonly inbox: number },
  now: number,
  id: string,
): Parking {
  return {
    status: "parked",
    id,
    actor: what.actor,
    since: now,
    reason: what.reason.slice(0, REASON_CHARACTERS),
    name: inputName(cause.input).slice(0, NAME_CHARACTERS),
    input: parkedInput(cause.input),
    inbox: cause.inbox,
    version: what.version,
    record: what.record,
  };
}

/** A command or a start does not park its actor: its caller receives the refusal. */
function parkedInput(input: Input): ParkedInput | null {
  switch (input.kind) {
    case "event":
      return { kind: "event", id: input.id };
    case "timer":
      return { kind: "timer", machine: input.machine, timer: input.timer, generation: input.generation };
    case "effect":
      return { kind: "effect", id: input.id, generation: input.generation };
    default:
      return null;
  }
}

/**
 * Reads the last parking message of an actor. An unreadable message counts as a parking: an operator decides whether
 * the actor may continue.
 * @returns `undefined` when the actor was never parked
 */
export function readParking(message: StoredMessage | undefined): Parking | Unparking | undefined {
  if (!message) return undefined;
  const entry = parseObject(message.payload);
  const actor = message.subject.split(".").at(-1) ?? "";
  if (entry?.["actor"] === actor && (isParking(entry) || isUnparking(entry)))
    return entry as Parking | Unparking;
  return {
    status: "parked",
    id: `${UNREADABLE}${message.sequence}`,
    actor,
    since: message.at,
    reason: `the message about its parking at ${message.sequence} cannot be read`,
    name: null,
    input: null,
    inbox: 0,
    version: 0,
    record: 0,
  };
}

const UNREADABLE = "unreadable-";

/** Whether the parking stands for a message that could not be read. */
export const isUnreadable = ({ id }: Parking): boolean => id.startsWith(UNREADABLE);

type Fields = Readonly<Record<string, unknown>>;

function isParking({ status, id, since, reason, name, input, inbox, version, record }: Fields): boolean {
  if (status !== "parked" || typeof id !== "string" || id.startsWith(UNREADABLE)) return false;
  if (!isTime(since) || typeof reason !== "string") return false;
  if (name !== null && typeof name !== "string") return false;
  return (input === null || isParkedInput(input)) && [inbox, version, record].every(isCount);
}

function isParkedInput(input: unknown): boolean {
  if (!isObject(input)) return false;
  const { kind, id, machine, timer, generation } = input;
  if (kind === "event") return typeof id === "string";
  if (kind === "effect") return typeof id === "string" && isCount(generation);
  return kind === "timer" && typeof machine === "string" && typeof timer === "string" && isCount(generation);
}

function isUnparking({ status, parking, command, ...fields }: Fields): boolean {
  if ((status !== "resumed" && status !== "skipped") || typeof parking !== "string") return false;
  return (command === undefined || typeof command === "string") && isAsked(fields);
}
