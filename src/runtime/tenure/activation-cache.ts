/**
 * The actors of one tenure that are in memory, and where the records of those that have left it stand.
 * Owns: which cell is an actor's current one, and passivation.  Does not own: what is in a cell.
 */
import { type Cell, newCell } from "./activation.ts";

/** Per partition: the writes of some seconds, which a replica may not have yet. */
const KNOWN_RECORDS = 10_000;
/** Looked at per new cell, so that passivation never takes long. */
const EVICTION_LOOKS = 8;

export class Residents {
  private readonly cells = new Map<string, Cell>();
  /** Where the records of actors that left memory stand at least, newest last; bounded. */
  private readonly known = new Map<string, number>();
  /** No actor that is not in `known` nor in memory has a record of this tenure behind this sequence. */
  private forgotten = 0;
  private readonly idleActors: number;

  /** @param idleActors kept in memory when nothing is under way for them */
  constructor(idleActors: number) {
    this.idleActors = idleActors;
  }

  get size(): number {
    return this.cells.size;
  }

  /** The actor's current cell; a new one when it is not in memory. */
  cell(actor: string): Cell {
    const found = this.cells.get(actor);
    if (found) {
      // Map order is the order of last use.
      this.cells.delete(actor);
      this.cells.set(actor, found);
      return found;
    }
    const cell = newCell(actor);
    this.cells.set(actor, cell);
    this.evict();
    return cell;
  }

  peek(actor: string): Cell | undefined {
    return this.cells.get(actor);
  }

  isCurrent(cell: Cell): boolean {
    return this.cells.get(cell.actor) === cell;
  }

  delete(actor: string): void {
    const cell = this.cells.get(actor);
    this.cells.delete(actor);
    if (cell) this.knows(actor, cell.sequence);
  }

  clear(): void {
    this.cells.clear();
  }

  values(): Iterable<Cell> {
    return this.cells.values();
  }

  /** The actor has a record at this sequence. */
  knows(actor: string, sequence: number): void {
    if (sequence === 0) return;
    const newest = Math.max(sequence, this.known.get(actor) ?? 0);
    this.known.delete(actor);
    this.known.set(actor, newest);
    if (this.known.size <= KNOWN_RECORDS) return;
    for (const [oldest, at] of this.known) {
      this.known.delete(oldest);
      this.forgotten = Math.max(this.forgotten, at);
      return;
    }
  }

  /** How far a log has to reach for what it says of an actor that nothing is known of. */
  forgottenThrough(): number {
    return this.forgotten;
  }

  /** Where the actor's last record stands at least; 0 when nothing is known. */
  knownSequence(cell: Cell): number {
    return Math.max(cell.sequence, this.known.get(cell.actor) ?? 0);
  }

  /** The same for an actor that has no cell. */
  knownOf(actor: string): number {
    return this.known.get(actor) ?? 0;
  }

  /** Passivates the actors that were used longest ago and have nothing under way; bounded work per call. */
  private evict(): void {
    let looked = 0;
    for (const [actor, cell] of this.cells) {
      if (this.cells.size <= this.idleActors || ++looked > EVICTION_LOOKS) return;
      const waiting = cell.held || cell.mailbox.length > 0 || cell.waiters.size > 0;
      const busy = !cell.loaded || waiting || cell.unsettled > 0 || (cell.acked?.effects.length ?? 0) > 0;
      // A busy one goes to the other end, or a few of them would keep all the idle ones behind them in memory.
      if (busy) this.cell(actor);
      else this.delete(actor);
    }
  }
}
