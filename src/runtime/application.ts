/** What an application puts on a node. Types only. */
import type { OwnedResource } from "./cluster/owned-resource.ts";
import type { ActorDefinition } from "./definition.ts";

/** What runs on a node. */
export type Application = {
  readonly definition: ActorDefinition;
  /** Further resources that are owned like partitions, each under its own lock. */
  readonly resources: readonly OwnedResource[];
};
