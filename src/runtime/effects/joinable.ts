import { lockParts } from "../subjects.ts";
import type { ActorDefinition, EffectHandler } from "../definition.ts";

/**
 * The definition as the actors of one stream have it: resources of other streams do not join, their effects run like
 * those of a resource that another node owns. A commit is one batch, and a batch is of one stream.
 */
export function joinableIn(stream: number, definition: ActorDefinition): ActorDefinition {
  const effects = Object.entries(definition.effects).map(([src, handler]): [string, EffectHandler] => {
    const { join, ...alone } = handler;
    return [src, join && lockParts(join.lock).stream !== stream ? alone : handler];
  });
  return { ...definition, effects: Object.fromEntries(effects) };
}
