/** The inputs of an actor: what can happen to it, and the names and ids of each input. */
import type { EventObject } from "xstate";
import type { EffectFailure } from "../definition.ts";

/** One thing that happens to an actor. */
export type Input =
  | { readonly kind: "start"; readonly input: object; readonly request?: string }
  | {
      readonly kind: "command";
      readonly machine: string;
      readonly event: EventObject;
      readonly commandId: string;
    }
  | { readonly kind: "timer"; readonly machine: string; readonly timer: string; readonly generation: number }
  | {
      readonly kind: "effect";
      readonly id: string;
      readonly generation: number;
      readonly outcome: EffectOutcome;
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
  | { readonly kind: "skip"; readonly skipped: ParkedInput; readonly name: string };

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
