/** The runtime as its users see it: actors by id, whichever node owns them. */
import type { DryRun, Predicted, PredictedInput } from "./actor/dry-run.ts";
import type { Asked } from "./actor/input.ts";
import type { Snapshot } from "./actor/snapshot.ts";
import type { Parking } from "./actor/parking-record.ts";

/** Why an owner cannot read an actor's record: a newer program wrote it, or the owner's does not know what it holds. */
export type UnreadableKind = "newer" | "unreadable";

/** An actor that its owner cannot read. Nothing is stored about it: another owner may be able to. */
export type UnreadableActor = {
  readonly actor: string;
  readonly kind: UnreadableKind;
  /** When this owner found it, ms since the epoch. */
  readonly since: number;
  readonly reason: string;
};

/** What a caller gets. Discriminated by `status`; no reply is an exception. */
export type ActorReply =
  /** Acknowledged state. `repeated`: this very start or command had been applied before. */
  | {
      readonly status: "ok";
      readonly snapshot: Snapshot;
      readonly settled: boolean;
      readonly repeated: boolean;
      /** Of the record that has this state; absent where it is not known, and in replies of earlier versions. */
      readonly sequence?: number;
    }
  /** The actor's version is none of those that the command names; nothing was written. */
  | { readonly status: "version_changed"; readonly snapshot: Snapshot }
  /** No machine takes the event now; nothing was written. */
  | { readonly status: "illegal"; readonly snapshot: Snapshot }
  | { readonly status: "not_found" }
  /** Started before by a request with another hash, or commanded under the same key with another digest. */
  | { readonly status: "request_mismatch"; readonly snapshot: Snapshot }
  /** The actor is parked, or its record would grow too large: an operator has to act. */
  | { readonly status: "refused"; readonly code: string; readonly reason: string }
  /** No owner answered before the deadline. The command may have been applied: repeat it with the same id. */
  | {
      readonly status: "unavailable";
      readonly reason: string;
      /** The owner cannot read the actor's record, and has applied nothing. A program that can read it goes on. */
      readonly unreadable?: UnreadableKind;
      /** The owner has kept the actor for longer than a hand-over takes: no present node can read it. */
      readonly lasts?: boolean;
    }
  /** The owner's disk, or the server's, takes no writes; nothing was written. Passes when there is room again. */
  | { readonly status: "storage_unavailable"; readonly reason: string; readonly retryAfterMs: number }
  /** Bounded mailbox or outbox is full; nothing was written. */
  | { readonly status: "overloaded"; readonly retryAfterMs: number };

/**
 * What became of a delivery. `known`: the server has stored an input of this id for the actor within the last two
 * minutes, with the same content or with another one; nothing was stored now.
 */
export type Delivered = "stored" | "known";

/** How an actor is started. */
export type StartOptions = Asked & {
  /** Hash of the creating request; a repeat with another hash is answered `request_mismatch`. */
  readonly request?: string;
  /** How long to wait for `settled`, ms. 0 answers after the first commit. */
  readonly waitMs: number;
  /** True when an actor with this id may exist (its id was derived, not drawn): it is read first. */
  readonly mayExist: boolean;
};

/** How a command is sent. */
export type CommandOptions = Asked & {
  /** Its idempotency key. One that ends with `~` and a digest is refused after the same one with another digest. */
  readonly commandId: string;
  /** The actor's version must be one of these. Absent: any. An owner of version 0.1.0 does not take it. */
  readonly ifVersions?: readonly number[];
  /** How long to wait for `settled`, ms. 0 answers after the first commit. */
  readonly waitMs: number;
};

/**
 * The actors of the whole application, from any node. A request whose reply is lost may have been applied: the caller
 * repeats it with the same id.
 */
export interface Actors {
  /**
   * Starts an actor, or finds the one that was started with this id. Idempotent by id.
   * @param actor letters, digits, `-` and `_`; any other id is `refused` with `invalid_actor_id`
   */
  start(actor: string, input: object, options: StartOptions): Promise<ActorReply>;
  /** Sends an event to one machine. Idempotent by `commandId` among the actor's latest commands. */
  command(
    actor: string,
    machine: string,
    event: { readonly type: string },
    options: CommandOptions,
  ): Promise<ActorReply>;
  /** The acknowledged state. */
  read(actor: string): Promise<ActorReply>;
  /**
   * An input from outside that must not be lost: durable in the inbox when this resolves. Idempotent by `id`.
   * All ids of one actor are one space, those of its commands included: each source begins its ids with a name of its
   * own (`<source>/<id>`), so that none can take the id of another one.
   * @param digest stored beside the event: the source's own digest of what it sent, to recognize a repeat by
   * @throws Unavailable (retryable) after about half a minute without an answer
   */
  deliver(
    actor: string,
    machine: string,
    event: { readonly type: string },
    id: string,
    digest?: string,
  ): Promise<Delivered>;
}

/** What a caller gets of a dry run: its outcome, or why there is none. */
export type DryRunReply =
  | DryRun
  | Extract<
      ActorReply,
      { readonly status: "unavailable" | "storage_unavailable" | "overloaded" | "refused" }
    >;

/** What a dry run is asked with. */
export type DryRunOptions = {
  /** Outputs of effects, by `src`, that the outcome is predicted with: as if their resource were at hand. */
  readonly outputs?: Readonly<Record<string, unknown>>;
};

/** What inputs would do, from any node. Nothing is written, nothing is called, and no version is used up. */
export interface DryRuns {
  /**
   * Predicts what an input does. The actor's owner answers from its acknowledged state. Without an owner that can
   * answer (there is none, or it runs an earlier version), this node answers from the stored state.
   * @returns `source`: whose state the outcome is predicted from
   */
  dryRun(
    actor: string,
    input: PredictedInput,
    options?: DryRunOptions,
  ): Promise<{ readonly reply: DryRunReply; readonly source: "owner" | "stored" }>;
}

/** How an operator resumes an actor or skips its input; recorded with the end of the parking. */
export type UnparkOptions = Asked & {
  /** Its idempotency key, as in {@link CommandOptions}; looked for among all parkings of the actor. */
  readonly commandId?: string;
  /** The actor's version must be one of these. Absent: any. */
  readonly ifVersions?: readonly number[];
};

/** What resuming an actor would do. */
export type ResumeForecast =
  /** The input would be applied. */
  | ({ readonly status: "predicted" } & Predicted)
  /** The input, or the stored state itself, would park the actor again. */
  | { readonly status: "parks_again"; readonly reason: string; readonly snapshot?: Snapshot }
  /** The parking would end. What follows depends on the outcome of the calls that are open, or on no input at all. */
  | { readonly status: "open"; readonly snapshot: Snapshot }
  | { readonly status: "not_parked"; readonly snapshot: Snapshot }
  | { readonly status: "not_found" }
  | Extract<ActorReply, { readonly status: "unavailable" | "overloaded" }>;

/** What operators do about actors that no input reaches, from any node (ADR 7). */
export interface ParkedActors {
  /** Every parked actor, oldest parking first. @throws Unavailable (retryable) */
  list(): Promise<Parking[]>;
  /**
   * Every actor that its present owner cannot read, oldest first. `unanswered`: partitions whose owner has not answered
   * (there is none, or it runs version 0.1.0). `unlisted`: actors beyond the bound of one owner's list.
   */
  unreadable(): Promise<{
    readonly actors: readonly UnreadableActor[];
    readonly unanswered: readonly number[];
    readonly unlisted: number;
  }>;
  /** The actor's parking, if it is parked. @throws Unavailable (retryable) */
  find(actor: string): Promise<Parking | undefined>;
  /** Tries the input again. `ok` when the actor is not parked any more; `refused` `actor_parked` when it is again. */
  resume(actor: string, options?: UnparkOptions): Promise<ActorReply>;
  /** What `resume` would do, from what is stored. Nothing is written, nothing is called. */
  predictResume(actor: string): Promise<ResumeForecast>;
  /**
   * Drops the input that began the parking with this id, and goes on with those after it. Idempotent by the id.
   * Refused: `not_parked`, `parked_otherwise`, `nothing_to_skip`, `actor_parked` (again, by a later input).
   * @param parking empty, with a `commandId`: the present parking
   */
  skip(actor: string, parking: string, options?: UnparkOptions): Promise<ActorReply>;
}
