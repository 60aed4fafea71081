/** Which bugs are planted, and in which order. */
import { createHash } from "node:crypto";
import type { Mutant } from "../mutant.ts";

type Areas = Readonly<Record<string, readonly Mutant[]>>;

/** Those whose id begins so; all without a prefix. */
export const selected = (mutants: readonly Mutant[], prefix = ""): Mutant[] =>
  mutants.filter(({ id }) => id.startsWith(prefix));

/**
 * An order of which every beginning is spread over the areas: the first of each, then the second of each. Where an area
 * begins depends on `seed`, so that versions of the project that have time for a part only check different parts.
 */
export function spread(areas: Areas, seed: string): Mutant[] {
  const rotated = Object.values(areas).map((mutants) => rotate(mutants, offsetOf(seed, mutants.length)));
  const longest = Math.max(0, ...rotated.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => rotated.flatMap((area) => area[index] ?? [])).flat();
}

const rotate = <T>(items: readonly T[], by: number): T[] => [...items.slice(by), ...items.slice(0, by)];

const offsetOf = (seed: string, length: number): number =>
  length === 0 ? 0 : createHash("sha256").update(seed).digest().readUInt32BE(0) % length;
