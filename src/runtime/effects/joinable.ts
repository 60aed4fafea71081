import type { Subjects } from "../subjects.ts";
import type { ActorDefinition, EffectHandler } from "../definition.ts";

/**
 * The definition for the actors of one stream: resources of other streams do not join. Their effects run as if another
 * node owned the resource, because a commit is one batch, and a batch is in one stream.
 */
export function joinableIn(
  stream: number,
  definition: ActorDefinition,
  subjects: Pick<Subjects, "lockParts">,
): ActorDefinition {
  const effects = Object.entries(definition.effects).map(([src, handler]): [string, EffectHandler] => {
    const { join, ...alone } = handler;
    return [src, join && subjects.lockParts(join.lock).stream !== stream ? alone : handler];
  });
  return { ...definition, effects: Object.fromEntries(effects) };
}
