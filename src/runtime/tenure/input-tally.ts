/** Counts what becomes of the inputs of one partition on this node, from the start of its process. Not stored. */
export class InputTally {
  private readonly stored = new Map<string, number>();
  private passedOver = 0;

  /** A record with this public event is stored. */
  event(type: string): void {
    this.stored.set(type, (this.stored.get(type) ?? 0) + 1);
  }

  /** A message from outside changed nothing: no machine took it in the actor's state. */
  ignored(): void {
    this.passedOver++;
  }

  /** The counts so far. A type without an event has no entry. */
  counts(): InputCounts {
    return { events: Object.fromEntries(this.stored), ignored: this.passedOver };
  }
}

/** See {@link InputTally}. */
export type InputCounts = { readonly events: Readonly<Record<string, number>>; readonly ignored: number };
