/**
 * An actor in memory, within one tenure: its state, the inputs in its mailbox, and the phase that says what may happen
 * to it. Every change of an activation is a method of this class. Every rule about it is written here, once.
 *
 * Phases
 *   absent       The actor's state is not known. Entry: the activation is created; a load failed; the inbox is read
 *                (end of catching-up); the last commit of the predecessor is resolved (end of replacing).
 *                Exit: `beginLoad`, `take` (a read loads it without `beginLoad`), `introduce`, `beginCatchUp`,
 *                `retire`. The mailbox may hold inputs. A load may be postponed. The load may be required without an
 *                input.
 *   loading      The loader reads the last record. Entry: `beginLoad`. Exit: `take`, `endLoad` (the read failed),
 *                `retire`. The mailbox holds inputs, or the load is required. A load is never postponed here.
 *   catching-up  The actor's inbox is read from its first message; what it holds is evaluated before anything else.
 *                Entry: `beginCatchUp`. Exit: `endCatchUp`, `retire`. The mailbox may hold inputs. No state is taken.
 *   replacing    It replaces a retired activation, and commits of that one are not resolved yet: they decide what is to
 *                be read. Entry: `replace`. Exit: `predecessorResolved` (the last one), `retire`. The load is required.
 *                The mailbox may hold inputs. No state is taken. A load may be postponed.
 *   ready        The state is known, inputs are decided on it. Entry: `take`, `introduce`. Exit: `block`, `retire`.
 *                Commits, dependents and waiters may exist. The mailbox holds inputs only while it is being drained.
 *   blocked      A poisonous input without a caller was decided on a head that is not acknowledged yet. Later inputs
 *                wait in the mailbox. Entry: `block`. Exit: `retire` (the actor is parked, or the head is dropped).
 *                Commits, dependents and waiters may exist.
 *   retired      It is no longer the actor's activation: evicted, replaced, parked, or the tenure has ended. Entry:
 *                `retire`. No exit. Its commits may still be resolved, and a read of it may still end. No waiters.
 *
 * Owns: the phase, the head, the acknowledged state, the mailbox, the waiters of one actor.
 * Does not own: reads, timers, write sets, which activation is the actor's current one (the activation cache).
 * Invariants
 *   activation.A1. A state is taken in `absent` and `loading` only, at most once, and never an older one than the
 *                  activation knows of.
 *   activation.A2. The head changes in `ready` only. An input is decided at once only when the mailbox is empty.
 *   activation.A3. Inbox inputs are in the mailbox in the order of the inbox.
 *   activation.A4. Dependents exist only while a commit is pending. They share the outcome of the newest one.
 *   activation.A5. A retired activation takes no state, no input and no commit, and does not return to another phase.
 *   activation.A6. Only an activation in `ready` is evicted, and only without inputs, commits, waiters, open effects
 *                  and timers without a schedule.
 * A call that its phase does not allow is a programmer fault: it throws {@link ActivationFault}, and the process ends.
 * Proved by: test/unit/runtime/tenure/activation.test.ts, test/unit/runtime/tenure/activation-events.test.ts,
 *   test/unit/runtime/tenure/tenure.test.ts
 */
import type { Head } from "../actor/cascade.ts";
import type { OpenEffect, Snapshot } from "../actor/snapshot.ts";
import { isOpen } from "../actor/unscheduled-timers.ts";
import { hasCaller, type PendingInput } from "./pending-input.ts";

/** Where an activation is in its life; {@link Activation} says what each phase allows. */
export type Phase = "absent" | "loading" | "catching-up" | "replacing" | "ready" | "blocked" | "retired";

/** An input that was decided without a write on a state that is not acknowledged yet. */
export type Dependent = {
  readonly pending: PendingInput;
  /** The state is acknowledged, and with it the decision. */
  readonly confirmed: () => void;
};

/** A call that the activation's phase does not allow. Programmer fault: not retryable, the process ends. */
export class ActivationFault extends Error {
  override readonly name = "ActivationFault";
}

/** See the top of this file. */
export class Activation {
  readonly actor: string;
  private now: Phase = "absent";
  private newest: Head | undefined;
  private acknowledged: Snapshot | undefined;
  /** See `sequence`. */
  private at = 0;
  /** The state was taken or introduced once. Stays true when the activation is retired. */
  private loaded = false;
  /** To be loaded even when the mailbox is empty: the actor may have open effects, or timers that nothing fires. */
  private required = false;
  /** The load waits for a timer. Only in `absent`, `catching-up` and `replacing`. */
  private postponed = false;
  /** Commits submitted here and not resolved. */
  private commits = 0;
  /** Commits of the predecessor that are not resolved. More than 0 exactly in `replacing`. */
  private predecessorCommits = 0;
  private mailbox: PendingInput[] = [];
  private dependents: Dependent[] = [];
  private readonly waiters = new Set<() => void>();

  constructor(actor: string) {
    this.actor = actor;
  }

  /** The activation that replaces a retired one: with its mailbox, to be loaded once its commits are resolved. */
  static replace(predecessor: Activation): Activation {
    predecessor.assert(predecessor.now === "retired", "replace");
    const next = new Activation(predecessor.actor);
    next.required = true;
    next.at = predecessor.at;
    next.mailbox = predecessor.takeMailbox();
    next.predecessorCommits = predecessor.commits;
    if (next.predecessorCommits > 0) next.now = "replacing";
    return next;
  }

  get phase(): Phase {
    return this.now;
  }

  /** The newest decided state; `undefined` when the actor does not exist, or before the state is known. */
  get head(): Head | undefined {
    return this.newest;
  }

  /** The last acknowledged state; `undefined` as for `head`. */
  get acked(): Snapshot | undefined {
    return this.acknowledged;
  }

  /**
   * Sequence of the last acknowledged record; before the load: a record at this sequence or later exists. 0 for none.
   */
  get sequence(): number {
    return this.at;
  }

  // The rules.

  /** A load may begin. */
  canLoad(): boolean {
    return this.now === "absent" && !this.postponed;
  }

  /** A state that was read may become the activation's state. @param sequence of its record; 0 for none */
  canTake(sequence: number): boolean {
    return (this.now === "absent" || this.now === "loading") && sequence >= this.at;
  }

  /** The load may be put off: no read is under way for it, and it is not put off already. */
  canPostpone(): boolean {
    return (
      (this.now === "absent" || this.now === "catching-up" || this.now === "replacing") && !this.postponed
    );
  }

  /** An input may be decided at once. No input overtakes the mailbox. */
  canProcess(): boolean {
    return this.now === "ready" && this.mailbox.length === 0;
  }

  /**
   * Nothing is known of the actor, and nothing is under way for it: a start may introduce it, a failed read drops it.
   */
  isBlank(): boolean {
    return this.now === "absent" && !this.postponed && !this.required && this.mailbox.length === 0;
  }

  /** It may leave memory. */
  canEvict(): boolean {
    return this.now === "ready" && this.isIdle() && this.waiters.size === 0 && !this.hasOpenWork();
  }

  /** No input waits, and every commit is resolved, those of the predecessor included. */
  isIdle(): boolean {
    return this.commits === 0 && this.predecessorCommits === 0 && this.mailbox.length === 0;
  }

  /** The acknowledged state has work that only an owner does, or may have: it has to be loaded for that. */
  hasOpenWork(): boolean {
    return this.required || (this.acknowledged !== undefined && isOpen(this.acknowledged));
  }

  /** The state is known, or was before the activation was retired. */
  isLoaded(): boolean {
    return this.loaded;
  }

  isRetired(): boolean {
    return this.now === "retired";
  }

  /**
   * The expected last sequence of the actor's next record. `undefined` after a commit that is pending: the next one
   * shares its outcome.
   */
  expectedSequence(): number | undefined {
    return this.commits > 0 ? undefined : this.at;
  }

  /**
   * The open effects to run after the load. Not those whose outcome waits in the mailbox: a second call could have
   * another outcome (stock that was missing has arrived), and no machine would receive it.
   */
  effectsToResume(): OpenEffect[] {
    const isKnown = ({ id, generation }: OpenEffect): boolean =>
      this.mailbox.some(
        ({ input }) => input.kind === "effect" && input.id === id && input.generation === generation,
      );
    return (this.acknowledged?.effects ?? []).filter((effect) => !isKnown(effect));
  }

  // How the state becomes known.

  /** A read for this activation begins: absent -> loading. */
  beginLoad(): void {
    this.assert(this.canLoad(), "beginLoad");
    this.now = "loading";
  }

  /** That read has ended: loading -> absent when it brought no state. No change when another call came first. */
  endLoad(): void {
    this.assert(this.loaded || this.now === "loading" || this.now === "retired", "endLoad");
    if (this.now === "loading") this.now = "absent";
  }

  /** Takes the state that was read: absent, loading -> ready. @param head `undefined`: the actor has no record */
  take(head: Head | undefined, sequence: number): void {
    this.assert(this.canTake(sequence), "take");
    this.newest = head;
    this.acknowledged = head?.snapshot;
    this.at = sequence;
    this.becomeReady();
  }

  /** The actor is new: its start needs no read. absent -> ready. */
  introduce(): void {
    this.assert(this.isBlank(), "introduce");
    this.becomeReady();
  }

  /** The load is put off, so that later inputs queue after those in the mailbox. No change of phase. */
  postpone(): void {
    this.assert(this.canPostpone(), "postpone");
    this.postponed = true;
  }

  /** The load is put off no longer. Allowed in every phase: a read may have loaded the activation meanwhile. */
  endPostponement(): void {
    this.postponed = false;
  }

  /** Everything waits until the actor's inbox is read: absent -> catching-up. */
  beginCatchUp(): void {
    this.assert(this.isBlank(), "beginCatchUp");
    this.now = "catching-up";
  }

  /**
   * The actor's inbox is in the mailbox, the load is required: catching-up -> absent. No change of phase in `absent`
   * and `loading`: the activation that began to catch up was retired because its record could not be read.
   */
  endCatchUp(): void {
    this.assert(this.now === "catching-up" || this.now === "absent" || this.now === "loading", "endCatchUp");
    this.required = true;
    if (this.now === "catching-up") this.now = "absent";
  }

  /**
   * One commit of the predecessor is resolved; after the last one: replacing -> absent.
   * @param sequence of the predecessor's last acknowledged record
   */
  predecessorResolved(sequence: number): void {
    this.assert(this.now === "replacing", "predecessorResolved");
    this.at = Math.max(this.at, sequence);
    if (--this.predecessorCommits === 0) this.now = "absent";
  }

  // The mailbox.

  /**
   * Puts an input into the mailbox; one of the inbox before later ones of the inbox, and while the inbox is read before
   * every input from elsewhere.
   */
  enqueue(pending: PendingInput): void {
    this.assert(this.now !== "retired" && !this.canProcess(), "enqueue");
    const { mailbox } = this;
    const first = this.now === "catching-up";
    const isLater = ({ inbox }: PendingInput): boolean => inbox > pending.inbox || (first && inbox === 0);
    const at = pending.inbox > 0 ? mailbox.findIndex(isLater) : -1;
    if (at < 0) mailbox.push(pending);
    else mailbox.splice(at, 0, pending);
  }

  /** Takes the next input that may be decided out of the mailbox; `undefined` when there is none, or none may be. */
  next(): PendingInput | undefined {
    return this.now === "ready" ? this.mailbox.shift() : undefined;
  }

  /**
   * Takes the inputs with a caller out of the mailbox: the read has failed, and the callers can repeat their requests.
   */
  takeCallers(): PendingInput[] {
    this.assert(this.now === "absent", "takeCallers");
    const callers = this.mailbox.filter((pending) => hasCaller(pending));
    this.mailbox = this.mailbox.filter((pending) => !hasCaller(pending));
    return callers;
  }

  /** Takes everything out of the mailbox of a retired activation. */
  takeMailbox(): PendingInput[] {
    this.assert(this.now === "retired", "takeMailbox");
    const taken = this.mailbox;
    this.mailbox = [];
    return taken;
  }

  // Decisions and their outcome.

  /** A write set with this head goes to the sink. Later decisions without a write become `dependents` of it. */
  submit(head: Head, dependents: Dependent[]): void {
    this.assert(this.now === "ready", "submit");
    this.newest = head;
    this.commits++;
    this.dependents = dependents;
  }

  /** An inbox input changed nothing: the inbox offset of the head moves past it, without a write. */
  passOver(inbox: number): void {
    const { newest } = this;
    this.assert(this.now === "ready", "passOver");
    if (newest) this.newest = { ...newest, snapshot: { ...newest.snapshot, inbox } };
  }

  /** Decided without a write: confirmed at once, or when the head it was decided on is acknowledged. */
  follow(pending: PendingInput, confirmed: () => void): void {
    this.assert(this.now === "ready" || this.now === "blocked", "follow");
    if (this.commits > 0) this.dependents.push({ pending, confirmed });
    else confirmed();
  }

  /** Inputs wait until it is certain that no state can come of the input that was decided last: ready -> blocked. */
  block(): void {
    this.assert(this.now === "ready", "block");
    this.now = "blocked";
  }

  /** A commit is stored. @param sequence of its record; `undefined` when another owner has written after it */
  stored(snapshot: Snapshot, sequence: number | undefined): void {
    this.commitResolved("stored");
    this.acknowledged = snapshot;
    if (sequence !== undefined) this.at = sequence;
  }

  /** A commit is dropped or refused. The head cannot be trusted any more: the caller retires the activation. */
  notStored(): void {
    this.commitResolved("notStored");
  }

  // Callers that wait for the actor to settle, and the end.

  /** @param wake called whenever the acknowledged state has changed, and when the activation is retired */
  addWaiter(wake: () => void): void {
    this.assert(this.now === "ready" || this.now === "blocked", "addWaiter");
    this.waiters.add(wake);
  }

  removeWaiter(wake: () => void): void {
    this.waiters.delete(wake);
  }

  /** The acknowledged state has changed. */
  wakeWaiters(): void {
    for (const wake of this.waiters) wake();
  }

  /**
   * It is no longer the actor's activation: any phase -> retired. Wakes the waiters. Called by the activation cache.
   */
  retire(): void {
    this.assert(this.now !== "retired", "retire");
    this.now = "retired";
    this.wakeWaiters();
  }

  private becomeReady(): void {
    this.now = "ready";
    this.loaded = true;
    this.required = false;
    this.postponed = false;
  }

  private commitResolved(event: string): void {
    this.assert(this.commits > 0, event);
    this.commits--;
  }

  private assert(holds: boolean, event: string): void {
    if (holds) return;
    const waiting = `mailbox ${this.mailbox.length}, commits ${this.commits}`;
    throw new ActivationFault(`${event} is not allowed for actor ${this.actor}: ${this.now}, ${waiting}`);
  }
}
