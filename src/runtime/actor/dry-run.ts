/**
 * What an input would do to an actor: the same cascade, on a copy, with its result instead of a record. Pure: nothing
 * is written, nothing is called, and no version is used up.
 * Proved by: test/unit/runtime/actor/guards.test.ts, test/unit/services/orders/predicted.test.ts
 */
import type { ActorDefinition, Joined } from "../definition.ts";
import { type Cascade, cascade, effectKey } from "./cascade.ts";
import { type GuardVerdict, observedDefinition, observing } from "./guards.ts";
import { type Input, isOtherRequest } from "./input.ts";
import { type Changes, changesOf, readChanges } from "./record-changes.ts";
import { restore } from "./restore.ts";
import type { OpenEffect, Snapshot } from "./snapshot.ts";

/** An input whose outcome is asked for. `commandId`: absent for a command that repeats none. */
export type PredictedInput =
  | {
      readonly kind: "start";
      readonly input: object;
      readonly request?: string;
      /** True when an actor with this id may exist: it is read first. */
      readonly mayExist: boolean;
    }
  | {
      readonly kind: "command";
      readonly machine: string;
      readonly event: { readonly type: string };
      readonly commandId?: string;
    };

/** What a commit would be about. Plain JSON. */
export type Predicted = {
  /** Null for an actor that does not exist. */
  readonly before: Snapshot | null;
  readonly after: Snapshot;
  /** As its record would state them. */
  readonly changes: Changes;
  /** The effects that it would open, with their idempotency keys. */
  readonly opened: readonly { readonly name: string; readonly key: string; readonly input: unknown }[];
  /** The timers that it would arm. `dueAt`: ms since the epoch. */
  readonly armed: readonly { readonly name: string; readonly dueAt: number }[];
  readonly guards: readonly GuardVerdict[];
};

/** The outcome of a dry run. */
export type DryRun =
  | ({ readonly status: "predicted" } & Predicted)
  /** No machine takes the event now. */
  | { readonly status: "illegal"; readonly snapshot: Snapshot; readonly guards: readonly GuardVerdict[] }
  /** This very start or command was applied before: nothing would be done. */
  | { readonly status: "repeated"; readonly snapshot: Snapshot }
  /** Started before by a request with another hash. */
  | { readonly status: "request_mismatch"; readonly snapshot: Snapshot }
  | { readonly status: "not_found" }
  /** The cascade fails: the input would be refused. */
  | { readonly status: "refused"; readonly code: "input_refused"; readonly reason: string };

/** What a dry run needs besides the definition, the actor's state and the input. */
export type DryRunContext = {
  readonly actor: string;
  /** ms since the epoch */
  readonly now: number;
  /** What a co-located resource would decide within the cascade; `undefined`: the effect would be opened. */
  readonly predict: (
    effect: OpenEffect,
    key: string,
    facts: object | undefined,
  ) => { readonly output: unknown } | undefined;
};

/** Predicts what an input does. @param before the actor's acknowledged state; `undefined`: it does not exist */
export function dryRun(
  definition: ActorDefinition,
  before: Snapshot | undefined,
  input: PredictedInput,
  context: DryRunContext,
): DryRun {
  if (before && input.kind === "start") {
    const same = before.request === input.request;
    return { status: same ? "repeated" : "request_mismatch", snapshot: before };
  }
  if (!before && input.kind !== "start") return { status: "not_found" };
  if (before && input.kind === "command" && input.commandId !== undefined) {
    const { commandId } = input;
    if (before.commands.includes(commandId)) return { status: "repeated", snapshot: before };
    if (before.commands.some((one) => isOtherRequest(commandId, one)))
      return { status: "request_mismatch", snapshot: before };
  }
  return outcomeOf(definition, before, asInput(input), context);
}

/** Predicts what an input from outside, a timer or the outcome of a call does. */
export function dryRunOfInput(
  definition: ActorDefinition,
  before: Snapshot,
  input: Input,
  context: DryRunContext,
): Extract<DryRun, { status: "predicted" | "illegal" | "refused" | "not_found" }> {
  return outcomeOf(definition, before, input, context);
}

function outcomeOf(
  definition: ActorDefinition,
  before: Snapshot | undefined,
  whole: Input,
  context: DryRunContext,
): Extract<DryRun, { status: "predicted" | "illegal" | "refused" | "not_found" }> {
  try {
    const { value: result, guards } = observing(() => decided(definition, before, whole, context));
    if (result) return { status: "predicted", ...predicted(context.actor, before, whole, result), guards };
    // Only a command on an existing actor is ignored.
    // Conditions of transitions that follow by themselves say nothing about the event.
    const asked = guards.filter(({ event }) => event !== "");
    return before ? { status: "illegal", snapshot: before, guards: asked } : { status: "not_found" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { status: "refused", code: "input_refused", reason };
  }
}

/** Stands for the id of a command that has none: it is never stored. */
const UNSENT = "dry-run";

function asInput(input: PredictedInput): Input {
  if (input.kind === "command") return { ...input, commandId: input.commandId ?? UNSENT };
  const { request } = input;
  return { kind: "start", input: input.input, ...(request === undefined ? {} : { request }) };
}

function decided(
  definition: ActorDefinition,
  before: Snapshot | undefined,
  input: Input,
  { actor, predict, now }: DryRunContext,
): Cascade | undefined {
  const observed = observedDefinition(definition);
  const head = before && restore(observed, before, before.facts);
  return cascade(observed, head, input, {
    actor,
    now,
    inbox: 0,
    join: (effect, key, facts) => {
      const seen = predict(effect, key, facts);
      return seen && { ...UNWRITTEN, output: seen.output };
    },
  });
}

/** A joined decision that nothing stores. */
const UNWRITTEN: Omit<Joined, "output"> = {
  lock: { subject: "", epoch: 0 },
  messages: [],
  resolved: () => {},
};

function predicted(
  actor: string,
  before: Snapshot | undefined,
  input: Input,
  result: Cascade,
): Omit<Predicted, "guards"> {
  const { snapshot } = result.head;
  const changes = readChanges({ commit: "", actor, ...changesOf(result, input), snapshot });
  if (!changes) throw new Error(`the changes of ${actor} cannot be read`);
  return {
    before: before ?? null,
    after: withoutUnsent(snapshot),
    changes,
    opened: result.opened.map((effect) => ({
      name: effect.id,
      key: effectKey(actor, effect),
      input: effect.input,
    })),
    armed: result.armed.map(({ dueAt, id, machine }) => ({ name: `${machine}.${id}`, dueAt })),
  };
}

function withoutUnsent(snapshot: Snapshot): Snapshot {
  const { commands } = snapshot;
  return commands.at(-1) === UNSENT ? { ...snapshot, commands: commands.slice(0, -1) } : snapshot;
}
