/**
 * Steps of an actor that is only thought of: the same cascade as for a record, input after input. Pure and bounded;
 * nothing is written and nothing is called, so the outcomes of calls are given as steps.
 * Proved by: test/unit/runtime/actor/simulation.test.ts
 */
import type { ActorDefinition } from "../definition.ts";
import { type Cascade, cascade, type Head } from "./cascade.ts";
import { type GuardVerdict, observedDefinition, observing } from "./guards.ts";
import type { EffectOutcome, Input } from "./input.ts";
import { type Changes, changesOf, readChanges } from "./record-changes.ts";
import { restore } from "./restore.ts";
import type { OpenEffect, OpenTimer, StoredSnapshot } from "./snapshot.ts";

/**
 * One step. Without a machine, an event goes to the first machine that takes it; `first` is asked before the others.
 */
export type SimulatedStep =
  | {
      readonly kind: "event";
      readonly machine?: string;
      readonly first?: string;
      readonly event: { readonly type: string };
    }
  /** `name`: of an open call, `<machine>.<invocation>`. */
  | { readonly kind: "effect"; readonly name: string; readonly outcome: EffectOutcome }
  /** `name`: of a pending timer, `<machine>.<timer>`. Time goes on to its due time. */
  | { readonly kind: "timer"; readonly name: string };

/** What one step did. */
export type SimulatedOutcome = {
  readonly accepted: boolean;
  /** Why not; absent when it was accepted. */
  readonly why?: string;
  /** Null when nothing changed. */
  readonly changes: Changes | null;
  readonly guards: readonly GuardVerdict[];
  /** States of the machines after it, by machine. */
  readonly states: Readonly<Record<string, unknown>>;
  readonly effects: readonly OpenEffect[];
  readonly timers: readonly OpenTimer[];
};

/** Where a simulation begins: a new actor, or a stored one. */
export type SimulationStart =
  | { readonly kind: "start"; readonly input: object }
  | { readonly kind: "stored"; readonly snapshot: StoredSnapshot };

/**
 * Runs the steps one after the other; a step that is not accepted changes nothing. The first outcome is that of the
 * start of a new actor; of a stored one, its state.
 * @param goesOn asked before each step: a simulation may have a bound of time
 * @param now ms since the epoch, where a new actor begins
 * @throws MachineFault when this definition cannot read a stored state, or when the start fails
 */
export function* simulate(
  definition: ActorDefinition,
  start: SimulationStart,
  steps: readonly SimulatedStep[],
  { actor, goesOn, now }: { readonly actor: string; readonly goesOn: () => boolean; readonly now: number },
): Generator<SimulatedOutcome> {
  const run = new Simulation(observedDefinition(definition), actor, now);
  yield run.begin(start);
  for (const step of steps) {
    if (!goesOn()) return;
    yield run.take(step);
  }
}

class Simulation {
  private readonly definition: ActorDefinition;
  private readonly actor: string;
  private now: number;
  private head: Head | undefined;
  private count = 0;

  constructor(definition: ActorDefinition, actor: string, now: number) {
    this.definition = definition;
    this.actor = actor;
    this.now = now;
  }

  begin(start: SimulationStart): SimulatedOutcome {
    if (start.kind === "stored") {
      const { snapshot } = start;
      this.head = restore(this.definition, snapshot);
      this.now = snapshot.updatedAt;
      return this.outcome(true, null, []);
    }
    const input: Input = { kind: "start", input: start.input };
    const { guards, value } = observing(() => this.decide(input));
    return this.outcome(true, value, guards);
  }

  /** A fault of a machine ends nothing: the step is not accepted, as the runtime would refuse its input. */
  take(step: SimulatedStep): SimulatedOutcome {
    try {
      const { guards, value } = observing(() => this.tried(step));
      if (typeof value === "string") return this.refused(value, guards);
      return value ? this.outcome(true, value, guards) : this.refused("no machine takes it now", guards);
    } catch (error) {
      return this.refused(error instanceof Error ? error.message : String(error), []);
    }
  }

  private tried(step: SimulatedStep): Changes | undefined | string {
    const { effects = [], timers = [] } = this.head?.snapshot ?? {};
    switch (step.kind) {
      case "effect": {
        const open = effects.find(({ id }) => id === step.name);
        if (!open) return `no call ${step.name} is open`;
        const { generation, id } = open;
        return this.decide({ kind: "effect", id, generation, outcome: step.outcome });
      }
      case "timer": {
        const open = timers.find(({ id, machine }) => `${machine}.${id}` === step.name);
        if (!open) return `no timer ${step.name} is pending`;
        const { dueAt, generation, id, machine } = open;
        this.now = Math.max(this.now, dueAt);
        return this.decide({ kind: "timer", machine, timer: id, generation });
      }
      // "event" is the last kind: the compiler rejects a new kind here.
      default: {
        const { event, first, machine } = step;
        const all = Object.keys(this.definition.machines);
        const inOrder = all.toSorted((a, b) => Number(b === first) - Number(a === first));
        const machines = machine === undefined ? inOrder : [machine];
        for (const one of machines) {
          const commandId = `step-${++this.count}`;
          const changes = this.decide({ kind: "command", machine: one, event, commandId });
          if (changes) return changes;
        }
        return undefined;
      }
    }
  }

  private decide(input: Input): Changes | undefined {
    const { actor, now } = this;
    const result = cascade(this.definition, this.head, input, {
      actor,
      now,
      inbox: 0,
      join: () => undefined,
    });
    if (!result) return undefined;
    this.head = result.head;
    return changes(actor, input, result);
  }

  private refused(why: string, guards: readonly GuardVerdict[]): SimulatedOutcome {
    return { ...this.outcome(false, null, guards), why };
  }

  private outcome(
    accepted: boolean,
    made: Changes | null | undefined,
    guards: readonly GuardVerdict[],
  ): SimulatedOutcome {
    const { effects = [], machines = {}, timers = [] } = this.head?.snapshot ?? {};
    const states = Object.fromEntries(Object.entries(machines).map(([name, { value }]) => [name, value]));
    return { accepted, changes: made ?? null, guards, states, effects, timers };
  }
}

function changes(actor: string, input: Input, result: Cascade): Changes {
  const { snapshot } = result.head;
  const read = readChanges({ commit: "", actor, ...changesOf(result, input), snapshot });
  if (!read) throw new Error(`the changes of ${actor} cannot be read`);
  return read;
}
