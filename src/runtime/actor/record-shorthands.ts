/**
 * The short forms of what is in stored records, each with its reverse. Both directions give every value back exactly,
 * also one that looks like a short form. Pure.
 * Proved by: test/unit/runtime/actor/record-encoding.test.ts
 */
import { isObject } from "../json.ts";
import type { Sent } from "./snapshot.ts";

/** An object with fields in their order: a context, the input of an effect. */
export type Fields = Readonly<Record<string, unknown>>;

/** Results that one shorthand remembers at most; there are as many as the charts have states, edges and timers. */
const REMEMBERED = 10_000;

/**
 * Remembers what `make` has made of two texts. `JSON.stringify` takes more than twice as long over an object with a
 * text that was just put together; the remembered ones are copies in one piece.
 */
function remembered(make: (a: string, b: string) => string): (a: string, b: string) => string {
  const known = new Map<string, Map<string, string>>();
  let size = 0;
  return (a, b) => {
    const found = known.get(a)?.get(b);
    if (found !== undefined) return found;
    if (size++ >= REMEMBERED) {
      known.clear();
      size = 0;
    }
    const made = JSON.parse(JSON.stringify(make(a, b))) as string;
    const others = known.get(a);
    if (others === undefined) known.set(a, new Map([[b, made]]));
    else others.set(b, made);
    return made;
  };
}

const joined = remembered((state, inner) => `${state}.${inner}`);

/** A state value with one state on each level is its path, `stored.pausing`; any other one is in a list of its own. */
export function shortValue(value: unknown): unknown {
  if (typeof value === "string") return value.includes(".") ? [value] : value;
  if (!isObject(value)) return [value];
  const [state, ...others] = Object.keys(value);
  if (state === undefined || others.length > 0 || state.includes(".")) return [value];
  const inner = shortValue(value[state]);
  return typeof inner === "string" ? joined(state, inner) : [value];
}

/** The reverse of {@link shortValue}. */
export function fullValue(short: unknown): unknown {
  if (typeof short !== "string") return Array.isArray(short) ? short[0] : undefined;
  if (!short.includes(".")) return short;
  const path = short.split(".");
  return path.reduceRight<unknown>((inner, key, at) => (at < path.length - 1 ? { [key]: inner } : key), "");
}

/** XState's ids of the timers of `after`: `xstate.after.<delay>.<machine>.<path>`. */
const AFTER = "xstate.after.";

/** The id of a timer of a machine: `~<delay>~<path>` is one of an `after`; one that begins with `~` gets another. */
export const shortTimer = remembered((machine, id) => {
  if (id.startsWith("~")) return `~${id}`;
  if (!id.startsWith(AFTER)) return id;
  const end = id.indexOf(`.${machine}.`, AFTER.length);
  const delay = id.slice(AFTER.length, end);
  return end < 0 || delay === "" || delay.includes("~")
    ? id
    : `~${delay}~${id.slice(end + machine.length + 2)}`;
});

/** The reverse of {@link shortTimer}. */
export function fullTimer(machine: string, short: string): string {
  if (!short.startsWith("~")) return short;
  if (short.startsWith("~~")) return short.slice(1);
  const end = short.indexOf("~", 1);
  return `${AFTER}${short.slice(1, end)}.${machine}.${short.slice(end + 1)}`;
}

const TIMER = "timer:";
const EFFECT = "effect:";

/**
 * The name of an input, in which the timer of an `after` is short.
 * @param machines those of the actor
 * @returns `undefined` when a reader would take the name for a short one
 */
export function shortInput(input: string, machines: readonly string[]): string | undefined {
  if (!input.startsWith(TIMER)) return inOnePiece("", input);
  const name = input.slice(TIMER.length);
  if (name.includes(".~")) return undefined;
  const machine = machines.find((one) => name.startsWith(`${one}.`));
  if (machine === undefined) return input;
  return timerInput(machine, shortTimer(machine, name.slice(machine.length + 1)));
}

const inOnePiece = remembered((_, text) => text);

const timerInput = remembered((machine, timer) => `${TIMER}${machine}.${timer}`);

/** The reverse of {@link shortInput}. */
export function fullInput(short: string): string {
  const end = short.startsWith(TIMER) ? short.indexOf(".~") : -1;
  if (end < 0) return short;
  const machine = short.slice(TIMER.length, end);
  return `${TIMER}${machine}.${fullTimer(machine, short.slice(end + 1))}`;
}

/** The id of the effect whose outcome an input is; `undefined` for another input. */
export function effectOf(input: string): string | undefined {
  return input.startsWith(EFFECT) ? input.slice(EFFECT.length) : undefined;
}

/**
 * The event that a machine's step takes unless its record states another one: that of the timer or of the effect's
 * success, the first one that another machine sent to it, or that of the command or the inbox message.
 */
export function expectedEvent(machine: string, input: string, sent: readonly Sent[]): string | undefined {
  const own = ofMachine(input, TIMER, machine);
  if (own !== undefined) return own;
  const invocation = ofMachine(input, EFFECT, machine);
  if (invocation !== undefined) return `xstate.done.actor.${invocation}`;
  for (const [, to, type] of sent) if (to === machine) return type;
  return input.startsWith("command:") || input.startsWith("inbox:")
    ? input.slice(input.indexOf(":") + 1)
    : undefined;
}

/** What follows the machine in the name of an input: `<kind><machine>.<rest>`. */
function ofMachine(input: string, kind: string, machine: string): string | undefined {
  const end = kind.length + machine.length;
  const isIts = input.startsWith(kind) && input.startsWith(machine, kind.length) && input[end] === ".";
  return isIts ? input.slice(end + 1) : undefined;
}

/** The id of an edge, `<source>:<index>` where its event is the expected one. Every whole id has two colons. */
export function shortEdge(id: string, event: string | undefined): string {
  return event === undefined ? id : withoutEvent(event, id);
}

const withoutEvent = remembered((event, id) => {
  const [first, last] = [id.indexOf(":"), id.lastIndexOf(":")];
  return first < last && id.slice(first + 1, last) === event ? id.slice(0, first) + id.slice(last) : id;
});

/** The reverse of {@link shortEdge}. */
export function fullEdge(short: string, event: string | undefined): string {
  const colon = short.indexOf(":");
  if (event === undefined || colon < 0 || colon !== short.lastIndexOf(":")) return short;
  return `${short.slice(0, colon)}:${event}${short.slice(colon)}`;
}

/** The path of the state that an edge leaves; empty: the machine. */
export const sourceOf = (edge: string): string => edge.slice(0, edge.indexOf(":"));

/** Whether an edge leaves the state with this path. */
export const leaves = (edge: string, path: unknown): boolean =>
  typeof path === "string" && edge.startsWith(path) && edge.indexOf(":") === path.length;

/** Whether two values are the same JSON: the order of fields counts. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length) return false;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    if (key !== others[at] || !isSame((a as Fields)[key], (b as Fields)[key])) return false;
  }
  return true;
}

/** Sets a field, also one that is named like the prototype. */
export function put(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true });
}

/** With how many equal fields, in their order, all of several objects begin; 0 where there are fewer than two. */
export function commonLength(all: readonly Fields[]): number {
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return 0;
  const keys = Object.keys(first);
  const otherKeys = others.map((fields) => Object.keys(fields));
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    for (let of = 0; of < others.length; of++)
      if (otherKeys[of]![at] !== key || !isSame(first[key], others[of]![key])) return at;
  }
  return keys.length;
}

/** A text that stands for the actor's id. */
const SELF = "@";
/** Begins a text that stands for a field that was written before: `=` for that of this name, `=total` for that one. */
const SAME = "=";

const isMark = (text: string): boolean => text[0] === SELF || text[0] === SAME;

/** The fields of contexts and inputs in a record, shortened or completed. */
export class ShortFields {
  private readonly actor: string;
  /** In the order in which a reader meets them. A reference to a name means the last field with it. */
  private readonly written: Fields[] = [];

  constructor(actor: string) {
    this.actor = actor;
  }

  /** What comes now may refer to these fields, which are complete. */
  add(fields: Fields): void {
    this.written.push(fields);
  }

  /**
   * Fields with texts in place of the actor's id, and of texts and objects that the record has already. Another text
   * that begins like one of these has its first character twice.
   * @param from place of the first field; @param to of the first one that is left out
   */
  short(fields: Fields, from = 0, to = Number.POSITIVE_INFINITY): Fields {
    const short: Record<string, unknown> = {};
    const names = Object.keys(fields);
    const end = Math.min(to, names.length);
    for (let at = from; at < end; at++) {
      const name = names[at]!;
      put(short, name, this.shortOne(name, fields[name]));
    }
    return short;
  }

  private shortOne(name: string, value: unknown): unknown {
    if (typeof value === "string") {
      if (value === this.actor) return SELF;
      if (value.length > 1 && this.last(name) === value) return SAME;
      return isMark(value) ? value.charAt(0) + value : value;
    }
    if (typeof value !== "object" || value === null) return value;
    if (isSame(this.last(name), value)) return SAME;
    const other = this.nameOf(value);
    return other === undefined ? value : SAME + other;
  }

  /** The reverse of `short`. @param common fields before these, which are complete */
  full(short: Fields, common?: Fields): Fields {
    const full: Record<string, unknown> = { ...common, ...short };
    for (const name of Object.keys(short)) {
      const value = short[name];
      if (typeof value === "string" && isMark(value)) put(full, name, this.fullOne(name, value));
    }
    return full;
  }

  private fullOne(name: string, mark: string): unknown {
    if (mark === SELF) return this.actor;
    if (mark.startsWith(SELF) || mark.startsWith(SAME, 1)) return mark.slice(1);
    return this.last(mark.slice(1) || name);
  }

  /** The last field of a name that is a text or an object. What objects inherit is neither, `__proto__` excepted. */
  private last(name: string): unknown {
    if (name === "__proto__") return undefined;
    for (let at = this.written.length - 1; at >= 0; at--) {
      const value = this.written[at]![name];
      if (typeof value === "string" || typeof value === "object") return value;
    }
    return undefined;
  }

  /** The name of a field with this object, by which a reader finds it. */
  private nameOf(object: object): string | undefined {
    for (const fields of this.written)
      for (const name of Object.keys(fields)) {
        const one = fields[name];
        if (typeof one !== "object" || !isSame(one, object) || this.last(name) !== one) continue;
        if (name !== "" && !name.startsWith(SAME)) return name;
      }
    return undefined;
  }
}
