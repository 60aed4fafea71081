/** The inputs of an actor: what can happen to it, and the names and ids of each input. */
import type { EventObject } from "xstate";
import type { EffectFailure } from "../definition.ts";
import { isObject } from "../json.ts";

/** Who asked for something: a kind that the application knows, and an id of that kind. */
export type Requester = { readonly kind: string; readonly id?: string };

/** Who asked for a start, a command or a skip, and why; recorded as it is. Absent: not known. */
export type Asked = { readonly by?: Requester; readonly reason?: string };

/** The part of something that says who asked for it, and why. */
export function askedOf({ by, reason }: Asked): Asked {
  return { ...(by && { by }), ...(reason === undefined ? {} : { reason }) };
}

/** Whether who asked, and why, have their forms; both may be absent. */
export function isAsked({ by, reason }: Readonly<Record<string, unknown>>): boolean {
  if (reason !== undefined && typeof reason !== "string") return false;
  if (by === undefined) return true;
  return (
    isObject(by) && typeof by["kind"] === "string" && (by["id"] === undefined || typeof by["id"] === "string")
  );
}

/** One thing that happens to an actor. */
export type Input =
  | ({ readonly kind: "start"; readonly input: object; readonly request?: string } & Asked)
  | ({
      readonly kind: "command";
      readonly machine: string;
      readonly event: EventObject;
      readonly commandId: string;
    } & Asked)
  | { readonly kind: "timer"; readonly machine: string; readonly timer: string; readonly generation: number }
  | {
      readonly kind: "effect";
      readonly id: string;
      readonly generation: number;
      readonly outcome: EffectOutcome;
      /** From the beginning of its first call to the outcome; absent when an earlier owner may have begun it. */
      readonly durationMs?: number;
    }
  /** From the inbox: a webhook or the result of a worker. `digest`: of what its source sent; the runtime ignores it. */
  | {
      readonly kind: "event";
      readonly machine: string;
      readonly event: EventObject;
      readonly id: string;
      readonly digest?: string;
    }
  /** An operator skips the input that parked the actor: its timer or effect is closed, nothing else changes. */
  | ({ readonly kind: "skip"; readonly skipped: ParkedInput; readonly name: string } & Asked);

/** How an effect ended: with an output, or with a failure after its last attempt. */
export type EffectOutcome = { readonly output: unknown } | { readonly error: EffectFailure };

/** As much of a parked input as skipping it needs: what it would have closed. */
export type ParkedInput =
  | { readonly kind: "event"; readonly id: string }
  | { readonly kind: "timer"; readonly machine: string; readonly timer: string; readonly generation: number }
  | { readonly kind: "effect"; readonly id: string; readonly generation: number };

/** The id that identifies a repetition of the input; `undefined` for inputs that have none. */
export function idOf(input: Input): string | undefined {
  if (input.kind === "skip") return input.skipped.kind === "event" ? input.skipped.id : undefined;
  return input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;
}

/**
 * Whether two ids are of one key and of different requests: each ends with `~` and a digest of what was asked, and only
 * the digests differ.
 */
export function isOtherRequest(id: string, known: string): boolean {
  const end = id.lastIndexOf("~");
  return end > 0 && id !== known && known.lastIndexOf("~") === end && known.startsWith(id.slice(0, end + 1));
}

/**
 * The name of an input in records: `start`, `command:<type>`, `timer:<machine>.<timer>`, `effect:<id>`,
 * `inbox:<type>` or `skip:<name of the skipped input>`.
 */
export function inputName(input: Input): string {
  switch (input.kind) {
    case "start":
      return "start";
    case "command":
      return `command:${input.event.type}`;
    case "timer":
      return `timer:${input.machine}.${input.timer}`;
    case "effect":
      return `effect:${input.id}`;
    case "skip":
      return `skip:${input.name}`;
    // "event" is the last kind: the compiler rejects a new kind here.
    default:
      return `inbox:${input.event.type}`;
  }
}
