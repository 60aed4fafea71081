/**
 * The edges of a statechart: its transitions, each with an id that stays the same while the chart does. Records name
 * the edges that an input took, and a chart finds them again by their ids.
 */
import type { AnyStateMachine, AnyTransitionDefinition } from "xstate";
import type { TransitionTaken } from "./snapshot.ts";

/** One transition of a machine, as its chart has it. */
export type Edge = {
  /** `<source>:<event>:<index>`. */
  readonly id: string;
  /** Path of the state that it leaves: `packed.labelling`; empty: the whole machine. */
  readonly source: string;
  /** The event as the chart has it; empty: it follows by itself (`always`). */
  readonly event: string;
  /** Its place among those of this source and event, from 0: conditions are checked in this order. */
  readonly index: number;
  /** Paths of the states that it enters; empty: the state stays. */
  readonly targets: readonly string[];
  /** Name of its condition; absent: it has none, or one without a name. */
  readonly guard?: string;
};

type Node = AnyStateMachine["root"];

/** The event of a machine's first step, which no edge takes. */
export const INIT = "xstate.init";

/** Ids of transitions, made when they are first taken. */
const ids = new WeakMap<AnyTransitionDefinition, string>();

/** The id of a transition that a machine has taken. */
export function edgeId(transition: AnyTransitionDefinition): string {
  const known = ids.get(transition);
  if (known !== undefined) return known;
  const { eventType, source } = transition;
  const siblings = eventType === "" ? source.always : source.transitions.get(eventType);
  const id = `${pathOf(source)}:${eventType}:${siblings?.indexOf(transition) ?? -1}`;
  ids.set(transition, id);
  return id;
}

/** All edges of a machine, states from the outside to the inside, each in the order of the chart. */
export function edgesOf(machine: AnyStateMachine): Edge[] {
  const edges: Edge[] = [];
  const visit = (node: Node): void => {
    for (const transitions of [...node.transitions.values(), node.always ?? []]) {
      for (const transition of transitions) edges.push(edgeOf(transition));
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return edges;
}

function edgeOf(transition: AnyTransitionDefinition): Edge {
  const id = edgeId(transition);
  const { eventType, guard, source, target } = transition;
  const name = typeof guard === "string" ? guard : (guard as { readonly type?: unknown } | undefined)?.type;
  return {
    id,
    source: pathOf(source),
    event: eventType,
    index: Number(id.slice(id.lastIndexOf(":") + 1)),
    targets: (target ?? []).map(pathOf),
    ...(typeof name === "string" ? { guard: name } : {}),
  };
}

const pathOf = ({ path }: Pick<Node, "path">): string => path.join(".");

/** The event in the id of an edge. */
const eventIn = (id: string): string => id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"));

/**
 * A step of one machine as its record has it. Without `event` where the first edge, or the beginning, states it.
 * @param event the type of the event that the machine took
 * @param edges the transitions that it took, in order
 */
export function transitionTaken(
  machine: string,
  from: unknown,
  to: unknown,
  event: string,
  edges: readonly string[],
): TransitionTaken {
  const [first] = edges;
  const implied = from === null ? INIT : first === undefined ? undefined : eventIn(first);
  return {
    machine,
    from,
    to,
    ...(event === implied ? {} : { event }),
    ...(edges.length > 0 ? { edges } : {}),
  };
}

/** The type of the event that a machine took; `undefined` in a record that does not know it. */
export function eventTaken({ edges, event, from }: TransitionTaken): string | undefined {
  if (event !== undefined) return event;
  if (from === null || from === undefined) return INIT;
  const [first] = edges ?? [];
  return first === undefined ? undefined : eventIn(first);
}
