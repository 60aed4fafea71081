/** An input that a tenure has taken: what it is, where it came from, and where its reply goes. */
import type { ActorReply } from "../actors.ts";
import type { Input } from "../actor/input.ts";

/** One input that is not decided yet, or whose decision is not resolved yet. */
export type PendingInput = {
  readonly input: Input;
  /** Sequence of the inbox message; 0 when the input did not come from the inbox. */
  readonly inbox: number;
  /** How long the caller waits for `settled`, ms. */
  readonly waitMs: number;
  /** The actor may have a record already: its state is loaded before a start is decided. */
  readonly mayExist: boolean;
  /** This very command has been applied, even when the actor's record no longer lists its id. */
  readonly repeated?: boolean;
  /** The actor's version must be one of these; absent: any. */
  readonly ifVersions?: readonly number[];
  /** Takes the reply; called at most once. */
  readonly reply: (reply: ActorReply) => void;
  /** How often a decision on it was dropped. */
  readonly attempts: number;
};

/** An input without a caller. @param inbox its sequence; 0 when it did not come from the inbox */
export function fireAndForget(input: Input, inbox = 0): PendingInput {
  return { input, inbox, waitMs: 0, mayExist: true, reply: () => {}, attempts: 0 };
}

/** A caller waits for the reply and can repeat the request. An input without a caller must not be lost. */
export function hasCaller({ input }: PendingInput): boolean {
  return input.kind === "command" || input.kind === "start";
}
