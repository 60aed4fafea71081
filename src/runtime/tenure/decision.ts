/** What one input comes to, on the actor's head as it is now. Pure but for what a joined resource decides. */
import { type Cascade, cascade } from "../actor/cascade.ts";
import type { Input } from "../actor/input.ts";
import type { Activation, PendingInput } from "./activation.ts";
import type { ActorDefinition } from "../definition.ts";

export type Decision =
  /** The next state, to be stored. */
  | { readonly kind: "cascade"; readonly result: Cascade }
  /** No machine takes the input. */
  | { readonly kind: "ignored" }
  /** An inbox input that was evaluated before. */
  | { readonly kind: "evaluated" }
  /** A command or outside event that was applied before. */
  | { readonly kind: "repeated" }
  /** A start of an actor that exists. */
  | { readonly kind: "existing"; readonly input: Extract<Input, { kind: "start" }> }
  | { readonly kind: "not_found" }
  /** No state can come of it, on this head. */
  | { readonly kind: "poisonous"; readonly error: unknown };

/** @param now ms since the epoch */
export function decide(
  definition: ActorDefinition,
  activation: Activation,
  work: PendingInput,
  now: number,
): Decision {
  const { input } = work;
  const before = activation.head?.snapshot;
  if (before && work.inbox > 0 && work.inbox <= before.inbox) return { kind: "evaluated" };
  if (before && input.kind === "start") return { kind: "existing", input };
  const id = input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;
  const known = work.repeated === true || (id !== undefined && before?.commands.includes(id) === true);
  if (before && known) return { kind: "repeated" };
  if (!before && input.kind !== "start") return { kind: "not_found" };
  try {
    const result = cascade(definition, activation.head, input, {
      actor: activation.actor,
      now,
      inbox: work.inbox,
      join: (effect, key) =>
        definition.effects[effect.src]?.join?.decide({
          actor: activation.actor,
          key,
          input: effect.input,
          first: before === undefined,
        }),
    });
    return result ? { kind: "cascade", result } : { kind: "ignored" };
  } catch (error) {
    return { kind: "poisonous", error };
  }
}
