/**
 * The actors of one tenure that are in memory, and where the records of those that have left it stand.
 * Owns: which cell is an actor's current one, and passivation.  Does not own: what is in a cell.
 */
import { type Activation, newActivation } from "./activation.ts";

/** Per partition: the writes of some seconds, which a replica may not have yet. */
const KNOWN_RECORDS = 10_000;
/** Looked at per new cell, so that passivation never takes long. */
const EVICTION_LOOKS = 8;

export class ActivationCache {
  private readonly activations = new Map<string, Activation>();
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
    return this.activations.size;
  }

  /** The actor's current cell; a new one when it is not in memory. */
  activation(actor: string): Activation {
    const found = this.activations.get(actor);
    if (found) {
      // Map order is the order of last use.
      this.activations.delete(actor);
      this.activations.set(actor, found);
      return found;
    }
    const activation = newActivation(actor);
    this.activations.set(actor, activation);
    this.evict();
    return activation;
  }

  peek(actor: string): Activation | undefined {
    return this.activations.get(actor);
  }

  isCurrent(activation: Activation): boolean {
    return this.activations.get(activation.actor) === activation;
  }

  delete(actor: string): void {
    const activation = this.activations.get(actor);
    this.activations.delete(actor);
    if (activation) this.knows(actor, activation.sequence);
  }

  clear(): void {
    this.activations.clear();
  }

  values(): Iterable<Activation> {
    return this.activations.values();
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
  knownSequence(activation: Activation): number {
    return Math.max(activation.sequence, this.known.get(activation.actor) ?? 0);
  }

  /** The same for an actor that has no cell. */
  knownOf(actor: string): number {
    return this.known.get(actor) ?? 0;
  }

  /** Passivates the actors that were used longest ago and have nothing under way; bounded work per call. */
  private evict(): void {
    let looked = 0;
    for (const [actor, activation] of this.activations) {
      if (this.activations.size <= this.idleActors || ++looked > EVICTION_LOOKS) return;
      const waiting = activation.held || activation.mailbox.length > 0 || activation.waiters.size > 0;
      const busy =
        !activation.loaded ||
        waiting ||
        activation.pendingCommits > 0 ||
        (activation.acked?.effects.length ?? 0) > 0;
      // A busy one goes to the other end, or a few of them would keep all the idle ones behind them in memory.
      if (busy) this.activation(actor);
      else this.delete(actor);
    }
  }
}
