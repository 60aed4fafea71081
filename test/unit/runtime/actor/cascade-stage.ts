/** Small machines, and cascades on them. */
import { type AnyStateMachine, type EventObject, fromPromise, setup } from "xstate";
import {
  type Cascade,
  type CascadeContext,
  cascade,
  type Head,
} from "../../../../src/runtime/actor/cascade.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { ActorDefinition, EffectHandler, MachineEntry } from "../../../../src/runtime/definition.ts";

export const NOW = 1_000_000;

/** No test runs it: a cascade only asks for it. */
const job: EffectHandler = {
  provider: "jobs",
  timeoutMs: 1000,
  maxAttempts: 1,
  backoffMs: 1,
  run: () => Promise.reject(new Error("not run")),
};

export function definitionOf(
  machines: Readonly<Record<string, AnyStateMachine>>,
  listens: ActorDefinition["listens"] = {},
  more: Partial<ActorDefinition> = {},
): ActorDefinition {
  const entries = Object.entries(machines).map(([name, machine]): [string, MachineEntry] => [
    name,
    { machine, version: 1 },
  ]);
  return { machines: Object.fromEntries(entries), listens, effects: { job }, settled: () => true, ...more };
}

export const calm: CascadeContext = { actor: "a", now: NOW, inbox: 0, join: () => undefined };
export const begin = (
  definition: ActorDefinition,
  context: Partial<CascadeContext> = {},
  input: object = {},
): Cascade => must(cascade(definition, undefined, { kind: "start", input }, { ...calm, ...context }));

export function must(result: Cascade | undefined): Cascade {
  if (!result) throw new Error("nothing took the input");
  return result;
}

/** Applies an input to the stored state: every step goes through JSON, as after a restart. */
export function next(
  definition: ActorDefinition,
  { snapshot }: Head,
  input: Input,
  context: Partial<CascadeContext> = {},
): Cascade | undefined {
  const stored = JSON.parse(JSON.stringify(snapshot)) as Head["snapshot"];
  return cascade(definition, restore(definition, stored), input, { ...calm, ...context });
}

export const command = (machine: string, type: string, more: object = {}): Input => ({
  kind: "command",
  machine,
  event: { type, ...more },
  commandId: `${type}!`,
});
export const valueOf = (head: Head, machine: string): unknown => head.snapshot.machines[machine]?.value;

/** A machine with an effect `job`, declared in the same way as the machines of an application. */
export const jobTypes = {} as {
  context: Record<string, unknown>;
  events: EventObject & Record<string, unknown>;
};
export const withJob = setup({
  types: jobTypes,
  actors: { job: fromPromise<unknown, unknown>(() => Promise.reject(new Error("run by the runtime"))) },
});

export const waiting = withJob.createMachine({
  id: "waiting",
  initial: "idle",
  context: {},
  states: {
    idle: { on: { go: "busy" } },
    busy: {
      invoke: { id: "job", src: "job", onDone: "done", onError: "failed" },
      on: { leave: "left" },
    },
    left: { on: { "effect.late.job": "late", go: "busy" } },
    done: {},
    failed: {},
    late: {},
  },
});
export const jobs = definitionOf({ w: waiting });

export const outcome = (generation: number): Input => ({
  kind: "effect",
  id: "w.job",
  generation,
  outcome: { output: 1 },
});
