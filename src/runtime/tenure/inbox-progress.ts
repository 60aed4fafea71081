/** How far a tenure has come in its partition's inbox, as its checkpoint may state it. */

/** What the owner of a partition writes into its checkpoint. */
export type CheckpointState = {
  /** Everything at or below this stream sequence is evaluated and acknowledged, or its actor is in one of the lists. */
  readonly through: number;
  /** Actors with open effects. Each once, in no order. */
  readonly open: readonly string[];
  /**
   * Actors that are not parked and whose inbox inputs at or below `through` may not be evaluated. Each once, in no
   * order.
   */
  readonly lagging: readonly string[];
  /** Sequence of the newest message about a parking; 0 when there is none. */
  readonly parkedAt: number;
};

/**
 * Counts the inbox inputs that are not evaluated yet.
 * Owns: their sequences.  Does not own: the inputs themselves, the consumer.
 */
export class InboxProgress {
  private readonly pending = new Set<number>();
  /** Inputs that the checkpoint has passed: it lists their actors as lagging until these are done. */
  private readonly late = new Set<number>();
  /** By input: the callbacks of the catch-ups that wait until it is done. */
  private readonly awaited = new Map<number, (() => void)[]>();
  private seen: number;

  /** @param from everything at or below this sequence has been handed over */
  constructor(from: number) {
    this.seen = from;
  }

  /** An inbox input is under way. 0 marks an input that does not come from the inbox, and is ignored. */
  begin(sequence: number): void {
    if (sequence > 0 && !this.late.has(sequence)) this.pending.add(sequence);
  }

  /**
   * An inbox input that the checkpoint may have passed is under way. False: it was under way already. Either way `done`
   * is called when the input is.
   */
  beginLate(sequence: number, done: () => void): boolean {
    this.awaited.set(sequence, [...(this.awaited.get(sequence) ?? []), done]);
    if (this.pending.has(sequence) || this.late.has(sequence)) return false;
    this.late.add(sequence);
    return true;
  }

  /** The input is evaluated, and the state it was decided on is acknowledged. */
  done(sequence: number): void {
    this.pending.delete(sequence);
    this.late.delete(sequence);
    const awaited = this.awaited.get(sequence) ?? [];
    this.awaited.delete(sequence);
    for (const done of awaited) done();
  }

  /** The consumer has handed over everything up to here. */
  saw(sequence: number): void {
    this.seen = Math.max(this.seen, sequence);
  }

  /** Inputs under way. */
  backlog(): number {
    return this.pending.size + this.late.size;
  }

  /** Everything at or below is evaluated and acknowledged. @param resolvedThrough of this node's relay */
  resolvedThrough(resolvedThrough: number): number {
    let through = Math.min(this.seen, resolvedThrough);
    for (const sequence of this.pending) through = Math.min(through, sequence - 1);
    return through;
  }
}
