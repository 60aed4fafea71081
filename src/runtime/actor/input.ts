/** What can happen to an actor: its inputs, and what is known of each. */
import type { EventObject } from "xstate";
import type { EffectFailure } from "../definition.ts";

/** What can happen to an actor. */
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
  /** From the inbox: a webhook or the result of a worker. */
  | { readonly kind: "event"; readonly machine: string; readonly event: EventObject; readonly id: string }
  /** An operator drops the input that parked the actor: what it would have closed is closed, nothing else changes. */
  | { readonly kind: "skip"; readonly skipped: ParkedInput; readonly name: string };

export type EffectOutcome = { readonly output: unknown } | { readonly error: EffectFailure };

/** Enough of an input to drop it: what it would have closed, and where it stands. */
export type ParkedInput =
  | { readonly kind: "event"; readonly id: string }
  | { readonly kind: "timer"; readonly machine: string; readonly timer: string; readonly generation: number }
  | { readonly kind: "effect"; readonly id: string; readonly generation: number };

/** Under which a repetition of the input is known. */
export function idOf(input: Input): string | undefined {
  if (input.kind === "skip") return input.skipped.kind === "event" ? input.skipped.id : undefined;
  return input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;
}

/** How records name an input: `start`, `command:<type>`, `timer:<machine>.<timer>`, `effect:<id>`, `inbox:<type>`, `skip:<what>`. */
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
    // "event": the last kind; a new one does not get past the compiler here.
    default:
      return `inbox:${input.event.type}`;
  }
}
