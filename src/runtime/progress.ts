/** How far a tenure has come in its partition's inbox: what the floor may say. */
export class Progress {
  private readonly pending = new Set<number>();
  private seen: number;

  /** @param from everything at or below this sequence has been handed over */
  constructor(from: number) {
    this.seen = from;
  }

  /** An inbox input is under way; 0 stands for an input that does not come from the inbox. */
  begin(sequence: number): void {
    if (sequence > 0) this.pending.add(sequence);
  }

  /** It is evaluated, and what it was decided on is acknowledged. */
  done(sequence: number): void {
    this.pending.delete(sequence);
  }

  /** The consumer has handed over everything up to here. */
  saw(sequence: number): void {
    this.seen = Math.max(this.seen, sequence);
  }

  /** Inputs under way. */
  backlog(): number {
    return this.pending.size;
  }

  /** Everything at or below is evaluated and acknowledged. @param settledThrough of this node's relay */
  through(settledThrough: number): number {
    let through = Math.min(this.seen, settledThrough);
    for (const sequence of this.pending) through = Math.min(through, sequence - 1);
    return through;
  }
}
