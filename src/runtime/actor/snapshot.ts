/**
 * The record: one commit of one actor, and the whole of its state after it. One record restores an actor.
 * Payload of `<prefix>.journal.<partition>.<actor>`, JSON.
 */
import type { MachineStates } from "../definition.ts";
import { isObject, parseObject } from "../json.ts";

export type OpenEffect = {
  /** `<machine>.<invocation id>` */
  readonly id: string;
  readonly machine: string;
  readonly invocation: string;
  readonly src: string;
  readonly input: unknown;
  /** The actor's version at which it was opened, times 1000 plus its position: unique within the actor. */
  readonly generation: number;
  /** Its state was left before the outcome was known; the outcome arrives as `effect.late.<invocation>`. */
  readonly abandoned?: true;
};

export type OpenTimer = {
  /** The id that XState gave the delayed event. */
  readonly id: string;
  readonly machine: string;
  readonly event: { readonly type: string };
  readonly generation: number;
  /** ms since the epoch */
  readonly dueAt: number;
};

/** The durable state of one actor. */
export type Snapshot = {
  readonly machines: MachineStates;
  /** Version of the definition that wrote it; absent in records from before there was one: 1. */
  readonly definition?: number;
  /** Number of records, this one included. */
  readonly version: number;
  /** Highest inbox sequence evaluated, inputs that changed nothing included. */
  readonly inbox: number;
  /** Ids of the latest commands and outside events applied, newest last, bounded. */
  readonly commands: readonly string[];
  readonly effects: readonly OpenEffect[];
  readonly timers: readonly OpenTimer[];
  /** Hash of the creating request, when it came with an idempotency key. */
  readonly request?: string;
  /** ms since the epoch */
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type TransitionTaken = { readonly machine: string; readonly from: unknown; readonly to: unknown };

export type ActorRecord = {
  readonly commit: string;
  readonly actor: string;
  /** What caused it: `start`, `command:<type>`, `timer:<id>`, `effect:<id>`, `inbox:<type>`. */
  readonly input: string;
  readonly transitions: readonly TransitionTaken[];
  /** Types of the public events, in order. */
  readonly events: readonly string[];
  readonly effects: { readonly opened: readonly string[]; readonly closed: readonly string[] };
  readonly timers: { readonly armed: readonly string[]; readonly cancelled: readonly string[] };
  readonly snapshot: Snapshot;
};

/**
 * The record in a payload; `undefined` when it is none. What the machines' states are is not looked at: `restore` does,
 * with the machines at hand.
 */
export function readRecord(payload: string): ActorRecord | undefined {
  const record = parseObject(payload);
  const snapshot = record?.["snapshot"];
  if (!isObject(snapshot) || !isObject(snapshot["machines"])) return undefined;
  const lists = [snapshot["commands"], snapshot["effects"], snapshot["timers"]];
  const numbers = [snapshot["version"], snapshot["inbox"]];
  const whole = lists.every((list) => Array.isArray(list)) && numbers.every(Number.isInteger);
  return whole ? (record as unknown as ActorRecord) : undefined;
}

/** Headers of a record. The epoch and node are headers so that a leftover can be fenced anew unread. */
export const RecordHeader = {
  commit: "Orderly-Commit",
  epoch: "Orderly-Epoch",
  node: "Orderly-Node",
} as const;
