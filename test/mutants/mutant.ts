/** A planted bug: one small change of the source that a test must catch. */
export type Mutant = {
  /** Unique, kebab case, begins with the name of its area. */
  readonly id: string;
  /** What the changed program does wrong, in one sentence. */
  readonly does: string;
  /** The file that is changed, from the project's root. */
  readonly file: string;
  /** The text that is replaced; it occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Test files that fail with the bug by a named assertion, the quickest first. Simulations do not count. */
  readonly tests: readonly string[];
  /** Why only tests of whole processes can catch it. Required when `tests` has no other, else absent. */
  readonly processesOnly?: string;
};
