/** What one input results in, on the actor's head as it is now. Pure, except for what a joined resource decides. */
import { type Cascade, cascade } from "../actor/cascade.ts";
import { type Input, isOtherRequest } from "../actor/input.ts";
import type { Activation } from "./activation.ts";
import type { PendingInput } from "./pending-input.ts";
import type { ActorDefinition } from "../definition.ts";

/** The result of one input. Only a cascade is written. */
export type Decision =
  /** The next state, to be stored. */
  | { readonly kind: "cascade"; readonly result: Cascade }
  /** No machine takes the input. */
  | { readonly kind: "ignored" }
  /** An inbox input that was evaluated before. */
  | { readonly kind: "evaluated" }
  /** A command or outside event that was applied before. */
  | { readonly kind: "repeated" }
  /** A command under the key of another one. */
  | { readonly kind: "mismatch" }
  /** A command for other versions of the actor. */
  | { readonly kind: "changed" }
  /** A start of an actor that exists. */
  | { readonly kind: "existing"; readonly input: Extract<Input, { kind: "start" }> }
  /** An input other than a start, for an actor that does not exist. */
  | { readonly kind: "not_found" }
  /** The cascade throws: no state can come of the input, on this head. */
  | { readonly kind: "poisonous"; readonly error: unknown };

/** Decides one input. Never throws. @param now ms since the epoch */
export function decide(
  definition: ActorDefinition,
  activation: Activation,
  pending: PendingInput,
  now: number,
): Decision {
  const { input } = pending;
  const { head } = activation;
  const before = head?.snapshot;
  if (before && pending.inbox > 0 && pending.inbox <= before.inbox) return { kind: "evaluated" };
  if (before && input.kind === "start") return { kind: "existing", input };
  const id = input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;
  const known = pending.repeated === true || (id !== undefined && before?.commands.includes(id) === true);
  if (before && known) return { kind: "repeated" };
  if (id !== undefined && before?.commands.some((one) => isOtherRequest(id, one)))
    return { kind: "mismatch" };
  if (before && pending.ifVersions?.includes(before.version) === false) return { kind: "changed" };
  if (!before && input.kind !== "start") return { kind: "not_found" };
  try {
    const result = cascade(definition, head, input, {
      actor: activation.actor,
      now,
      inbox: pending.inbox,
      join: (effect, key, facts) =>
        definition.effects[effect.src]?.join?.decide({
          actor: activation.actor,
          key,
          input: effect.input,
          facts,
          first: before === undefined,
        }),
    });
    return result ? { kind: "cascade", result } : { kind: "ignored" };
  } catch (error) {
    return { kind: "poisonous", error };
  }
}
