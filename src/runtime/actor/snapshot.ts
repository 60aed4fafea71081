/**
 * The record: one commit of one actor with its complete state after the commit. One record restores an actor.
 * Payload of `<prefix>.journal.<partition>.<actor>`, JSON: written by `encodeRecord`, read by `readRecord`.
 */
import type { MachineStates } from "../definition.ts";
import type { Requester } from "./input.ts";
import { isCount, isObject, parseObject } from "../json.ts";

/** An effect that was opened and whose outcome is not known yet. */
export type OpenEffect = {
  /** `<machine>.<invocation id>` */
  readonly id: string;
  readonly machine: string;
  readonly invocation: string;
  readonly src: string;
  readonly input: unknown;
  /** The actor's version that opened it, times 1000, plus its position: unique within the actor. */
  readonly generation: number;
  /** The machine left the state before the outcome was known; the outcome arrives as `effect.late.<invocation>`. */
  readonly abandoned?: true;
  /** The id under which it was opened, and under which its provider knows it, when an earlier version opened it. */
  readonly openedAs?: string;
};

/** A timer that is armed and has not fired. */
export type OpenTimer = {
  /** The id that XState gave the delayed event. */
  readonly id: string;
  readonly machine: string;
  readonly event: { readonly type: string };
  readonly generation: number;
  /** ms since the epoch */
  readonly dueAt: number;
  /** The id under which its schedule is stored, when an earlier version armed it. */
  readonly armedAs?: string;
  /** The stream has no schedule of it: its actor's owner fires it, the next one too (ADR 17). Absent: it has one. */
  readonly unscheduled?: true;
};

/** What is true of an actor beside its machines' states. `version`: how often it has been stored; 0: not yet. */
export type Facts = { readonly version: number; readonly data: object };

/** The durable state of one actor, as this node and its replies have it. */
export type Snapshot = Omit<StoredSnapshot, "facts"> & {
  /** Absent where the definition has none, and in replies of nodes with an earlier definition. */
  readonly facts?: Facts;
};

/** The durable state of one actor, as its record has it. Its field names are those of records of form 1. */
export type StoredSnapshot = {
  readonly machines: MachineStates;
  /** Version of the definition that wrote it; absent in records older than this field, which means 1. */
  readonly definition?: number;
  /** Number of records, this one included. */
  readonly version: number;
  /** The inbox offset: the highest inbox sequence evaluated, inputs that changed nothing included. */
  readonly inbox: number;
  /** Ids of the latest commands and outside events applied, newest last; at most `limits.recentCommands`. */
  readonly commands: readonly string[];
  readonly effects: readonly OpenEffect[];
  readonly timers: readonly OpenTimer[];
  /** Hash of the creating request; absent when that had no idempotency key. */
  readonly request?: string;
  /** Which facts it goes with: they are a message of their own. Absent: none are stored. */
  readonly facts?: Pick<Facts, "version">;
  /** ms since the epoch */
  readonly createdAt: number;
  /** ms since the epoch; not before that of the record before, unless the server's clock was set back since. */
  readonly updatedAt: number;
};

/** One step of one machine, which took an event. Stored: made by `transitionTaken`, read by `eventTaken`. */
export type TransitionTaken = {
  readonly machine: string;
  /** The state value before it; null for the machine's first step. */
  readonly from: unknown;
  /**
   * The state value after it: the same one when the machine only remembered or emitted something. Absent in the
   * machine's last step: the record's snapshot has it.
   */
  readonly to?: unknown;
  /** Type of the event; absent where `edges` states it, in first steps, and in records that do not know it. */
  readonly event?: string;
  /** Ids of the transitions that it took, in order; absent where there are none, or where they are not known. */
  readonly edges?: readonly string[];
};

/** An event that one machine emitted and another one of the same actor received: from, to, type. */
export type Sent = readonly [from: string, to: string, type: string];

/** One record. Its field names are those of records of form 1. What is empty or not known is absent. */
export type ActorRecord = {
  readonly commit: string;
  readonly actor: string;
  /** The input that caused it, as `inputName` writes it. */
  readonly input: string;
  /** Who asked for it, where that is known; of commands and starts. */
  readonly by?: Requester;
  /** Why, in the words of the one who asked. */
  readonly reason?: string;
  /** Of an effect's outcome: from the beginning of its first call to the outcome, ms; not after a takeover. */
  readonly durationMs?: number;
  readonly transitions: readonly TransitionTaken[];
  /** In the order in which they were emitted, ignored ones included. */
  readonly sent?: readonly Sent[];
  /** Types of the public events, in order. */
  readonly events?: readonly string[];
  readonly effects?: { readonly opened?: readonly string[]; readonly closed?: readonly string[] };
  readonly timers?: { readonly armed?: readonly string[]; readonly cancelled?: readonly string[] };
  readonly snapshot: StoredSnapshot;
};

/** The facts in a payload; `undefined` when it has none. */
export function readFacts(payload: string): Facts | undefined {
  const { version, facts } = parseObject(payload) ?? {};
  return isCount(version) && isObject(facts) ? { version, data: facts } : undefined;
}

/** Headers of a record. Epoch and node are headers, so that no reader has to parse the payload for them. */
export const RecordHeader = {
  commit: "Orderly-Commit",
  epoch: "Orderly-Epoch",
  node: "Orderly-Node",
} as const;

/** Header of an event: the version of its actor's facts when it was stored. A reader of older facts reads again. */
export const FACTS_HEADER = "Orderly-Facts";
