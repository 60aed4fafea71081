/** An actor in memory, within one tenure, and the inputs on their way to it. Plain data; the tenure acts on it. */
import type { ActorReply } from "../actors.ts";
import type { Head } from "../actor/cascade.ts";
import type { Input } from "../actor/input.ts";
import type { OpenEffect, Snapshot } from "../actor/snapshot.ts";

/** One input on its way, with whoever waits for it. */
export type PendingInput = {
  readonly input: Input;
  /** Sequence of the inbox message; 0 when it did not come from the inbox. */
  readonly inbox: number;
  /** How long the caller waits for `settled`, ms. */
  readonly waitMs: number;
  /** The actor may have been started before: look before assuming that it is new. */
  readonly mayExist: boolean;
  /** This very command has been applied, though the actor may not remember it any more. */
  readonly repeated?: boolean;
  readonly reply: (reply: ActorReply) => void;
  /** How often it was dropped and decided again. */
  readonly attempts: number;
};

/** Everything that a tenure knows of one actor. */
export type Activation = {
  readonly actor: string;
  head: Head | undefined;
  /** Last acknowledged state, and where its record stands; before the load: where it stands at least. */
  acked: Snapshot | undefined;
  sequence: number;
  pendingCommits: number;
  loaded: boolean;
  loading: boolean;
  /** Units of a cell that was given up, not settled yet: what they write has to be read, so the load waits. */
  predecessorCommits: number;
  /** Takes the place of a cell that was given up: to be loaded even when nobody asks, for its open effects. */
  wanted: boolean;
  /** Something in front has to be settled first: inputs wait in the mailbox, and the cell is not loaded. */
  held: boolean;
  /** Waits for the load, or for what holds the cell. Inbox inputs in the order of the inbox: a later one must not be evaluated first. */
  readonly mailbox: PendingInput[];
  /** What was decided on the newest unsettled head without writing: shares its fate. */
  dependents: { readonly work: PendingInput; readonly confirmed: () => void }[];
  readonly waiters: Set<() => void>;
};

/** Nothing is known of the actor yet. */
export function newActivation(actor: string): Activation {
  return {
    actor,
    head: undefined,
    acked: undefined,
    sequence: 0,
    pendingCommits: 0,
    loaded: false,
    loading: false,
    predecessorCommits: 0,
    wanted: false,
    held: false,
    mailbox: [],
    dependents: [],
    waiters: new Set(),
  };
}

/** An input that nobody waits for. @param inbox its sequence; 0 when it did not come from the inbox */
export function fireAndForget(input: Input, inbox = 0): PendingInput {
  return { input, inbox, waitMs: 0, mayExist: true, reply: () => {}, attempts: 0 };
}

/** Somebody waits for the answer and can repeat the request; anything else must not be lost. */
export function hasCaller({ input }: PendingInput): boolean {
  return input.kind === "command" || input.kind === "start";
}

/**
 * The open effects of a cell that was just loaded, but for those that have run and whose outcome waits to be decided
 * again: a second run could come to something else (stock that was not there is there now), and nobody would hear it.
 */
export function effectsToResume({ acked, mailbox }: Activation): OpenEffect[] {
  const isKnown = ({ id, generation }: OpenEffect): boolean =>
    mailbox.some(
      ({ input }) => input.kind === "effect" && input.id === id && input.generation === generation,
    );
  return (acked?.effects ?? []).filter((effect) => !isKnown(effect));
}

/** Puts an input into the mailbox; one from the inbox in front of later ones. */
export function enqueue(activation: Activation, work: PendingInput): void {
  const { mailbox } = activation;
  const at = work.inbox > 0 ? mailbox.findIndex((waiting) => waiting.inbox > work.inbox) : -1;
  if (at < 0) mailbox.push(work);
  else mailbox.splice(at, 0, work);
}
