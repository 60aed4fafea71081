/**
 * Seeds that failed once, with what they found. They run with every `npm test`. A later change of the simulation makes
 * another run of a seed: what holds a repair is the direct test that each names.
 */

/** A seed that failed. */
export type KeptSeed = {
  readonly seed: number;
  /** What was wrong, and where it is tested directly. */
  readonly found: string;
};

/** See the top of the file. */
export const keptSeeds: readonly KeptSeed[] = [];
