/** Every planted bug, by area. An area is a file of this folder, and its name begins the ids of its bugs. */
import { effectsMutants } from "./effects.ts";
import type { Mutant } from "./mutant.ts";

export const areas: Readonly<Record<string, readonly Mutant[]>> = {
  effects: effectsMutants,
};

export const mutants: readonly Mutant[] = Object.values(areas).flat();
