/**
 * The actors of one tenure that are in memory, and the sequences of records of those that have left it.
 * Owns: which activation is an actor's current one; eviction.  Does not own: what an activation holds.
 * Invariants
 *   activation-cache.C1. An activation is in the map exactly until it is retired; only this class retires one.
 *   activation-cache.C2. Every record written in this tenure after `forgottenThrough()` belongs to an actor in `known`
 *                        or in memory.
 * Proved by: test/unit/runtime/tenure/activation-cache.test.ts, test/unit/runtime/tenure/old-readings.test.ts
 */
import { Activation } from "./activation.ts";

/** Per partition: the writes of some seconds, which a replica may not have yet. */
const KNOWN_RECORDS = 10_000;
/** Activations checked per new one, so that eviction never takes long. */
const EVICTION_CHECKS = 8;

/** See the top of this file. */
export class ActivationCache {
  private readonly activations = new Map<string, Activation>();
  /** Actors that left memory: each has a record at this sequence or later. Newest last; bounded. */
  private readonly known = new Map<string, number>();
  /** The highest sequence that was dropped from `known`. */
  private forgotten = 0;
  private readonly idleActors: number;

  /** @param idleActors activations that stay in memory although they are idle */
  constructor(idleActors: number) {
    this.idleActors = idleActors;
  }

  get size(): number {
    return this.activations.size;
  }

  /** The actor's current activation; a new one when the actor is not in memory. Counts as a use of it. */
  activation(actor: string): Activation {
    const found = this.activations.get(actor);
    if (found) {
      // Map order is the order of last use.
      this.activations.delete(actor);
      this.activations.set(actor, found);
      return found;
    }
    return this.add(new Activation(actor));
  }

  /** The actor's current activation, if the actor is in memory. Does not count as a use. */
  peek(actor: string): Activation | undefined {
    return this.activations.get(actor);
  }

  /** Retires an activation that is current. The sequence of its record stays known. */
  delete(activation: Activation): void {
    this.activations.delete(activation.actor);
    activation.retire();
    this.knows(activation.actor, activation.sequence);
  }

  /** Retires an activation that is current and puts a new one with its mailbox in its place. */
  replace(activation: Activation): Activation {
    this.delete(activation);
    return this.add(Activation.replace(activation));
  }

  /** Retires every activation: the tenure has ended. */
  clear(): void {
    for (const activation of this.activations.values()) activation.retire();
    this.activations.clear();
  }

  values(): Iterable<Activation> {
    return this.activations.values();
  }

  /** The actor has a record at this sequence; 0 is ignored. */
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

  /** A log position that a reading has to reach before it may decide about an actor of which no record is known. */
  forgottenThrough(): number {
    return this.forgotten;
  }

  /** The actor has a record at this sequence or later; 0 when none is known. */
  knownSequence(activation: Activation): number {
    return Math.max(activation.sequence, this.known.get(activation.actor) ?? 0);
  }

  /** The same for an actor that is not in memory. */
  knownOf(actor: string): number {
    return this.known.get(actor) ?? 0;
  }

  private add(activation: Activation): Activation {
    this.activations.set(activation.actor, activation);
    this.evict();
    return activation;
  }

  /** Evicts the activations that were used longest ago and may leave memory; a bounded number per call. */
  private evict(): void {
    let checked = 0;
    for (const [actor, activation] of this.activations) {
      if (this.activations.size <= this.idleActors || ++checked > EVICTION_CHECKS) return;
      if (activation.canEvict()) this.delete(activation);
      // A busy one goes to the other end: a few of them would otherwise keep all idle ones after them in memory.
      else this.activation(actor);
    }
  }
}
