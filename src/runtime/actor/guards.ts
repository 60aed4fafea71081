/**
 * What the conditions of charts answer while a step is decided. The machines that are observed are copies whose
 * conditions report their answers (`machine.provide`): the machines that write records are never touched. A step is
 * synchronous, so what is reported while one runs belongs to it.
 * Proved by: test/unit/runtime/actor/guards.test.ts
 */
import type { AnyStateMachine } from "xstate";
import type { ActorDefinition, MachineEntry } from "../definition.ts";
import { type Edge, edgesOf } from "./edges.ts";
import { type Selection, selection } from "./machine.ts";

/** One condition as it was checked. */
export type GuardVerdict = {
  readonly machine: string;
  /** Path of the state that the transition leaves; empty: the whole machine, or not certain. */
  readonly state: string;
  /** The event as the chart has it; empty: the transition follows by itself. */
  readonly event: string;
  /** Name of the condition. */
  readonly guard: string;
  readonly verdict: boolean;
};

type Guard = (args: { readonly event: { readonly type: string } }, params: unknown) => boolean;

/** Where answers go; `undefined` while nothing observes. */
let verdicts: GuardVerdict[] | undefined;

const copies = new WeakMap<AnyStateMachine, Map<string, AnyStateMachine>>();
const definitions = new WeakMap<ActorDefinition, ActorDefinition>();

/** The definition with observed machines. */
export function observedDefinition(definition: ActorDefinition): ActorDefinition {
  const known = definitions.get(definition);
  if (known) return known;
  const machines = Object.entries(definition.machines).map(([name, entry]) => [
    name,
    observedEntry(name, entry),
  ]);
  const observed = { ...definition, machines: Object.fromEntries(machines) };
  definitions.set(definition, observed);
  return observed;
}

/** The entry of a machine with its observed copy. @param name of the machine in its definition */
export function observedEntry<E extends Pick<MachineEntry, "machine">>(name: string, entry: E): E {
  return { ...entry, machine: copyOf(name, entry.machine) };
}

/** Runs something synchronous that steps observed machines. @returns what they checked meanwhile, in order */
export function observing<T>(run: () => T): { readonly value: T; readonly guards: readonly GuardVerdict[] } {
  const before = verdicts;
  const guards: GuardVerdict[] = [];
  verdicts = guards;
  try {
    return { value: run(), guards };
  } finally {
    verdicts = before;
  }
}

function copyOf(name: string, machine: AnyStateMachine): AnyStateMachine {
  const named = copies.get(machine) ?? new Map<string, AnyStateMachine>();
  copies.set(machine, named);
  const known = named.get(name);
  if (known) return known;
  const places = new Places(machine);
  const guards = Object.entries(machine.implementations.guards).map(([guard, check]) => [
    guard,
    // A condition that is composed of others is reported by its parts.
    typeof check === "function" && !("check" in check)
      ? observedGuard(name, guard, check as Guard, places)
      : check,
  ]);
  const copy = machine.provide({ guards: Object.fromEntries(guards) as never });
  named.set(name, copy);
  return copy;
}

function observedGuard(machine: string, guard: string, check: Guard, places: Places): Guard {
  return (args, params) => {
    const verdict = check(args, params);
    const at = selection();
    if (verdicts && at) verdicts.push({ machine, ...places.of(guard, args.event.type, at), guard, verdict });
    return verdict;
  };
}

/** Finds the transition whose condition is being checked: by its name, in the order in which XState checks them. */
class Places {
  private readonly edges: readonly Edge[];
  private at: Selection | undefined;
  private candidates: readonly Edge[] = [];
  private next = 0;

  constructor(machine: AnyStateMachine) {
    this.edges = edgesOf(machine).filter(({ guard }) => guard !== undefined);
  }

  of(guard: string, type: string, at: Selection): Pick<GuardVerdict, "state" | "event"> {
    if (at !== this.at) this.begin(at);
    const fits = (edge: Edge): boolean =>
      edge.guard === guard && (edge.event === "" || edge.event === type || edge.event.endsWith("*"));
    const later = this.candidates.findIndex((edge, place) => place >= this.next && fits(edge));
    const edge = this.candidates[later] ?? this.candidates.find(fits) ?? this.edges.find(fits);
    this.next = later + 1;
    return { state: edge?.source ?? "", event: edge?.event ?? type };
  }

  /** Transitions that may be selected in this state: innermost states first. An event is taken before any `always`. */
  private begin(at: Selection): void {
    const { from, isFirst } = at;
    this.at = at;
    this.next = 0;
    const active = new Set(from?._nodes.map(({ path }) => path.join(".")));
    const inside = this.edges
      .filter(({ source }) => active.has(source))
      .toSorted((a, b) => b.source.length - a.source.length);
    const always = inside.filter(({ event }) => event === "");
    const taken = inside.filter(({ event }) => event !== "");
    this.candidates = isFirst ? taken : [...always, ...taken];
  }
}
