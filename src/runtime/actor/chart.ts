/**
 * A statechart as data: states, transitions with their edge ids, calls, timers, names of conditions and actions. Made
 * from the machine itself, so that a picture, an outline and a table of it cannot differ from what runs. Pure.
 * Proved by: test/unit/runtime/actor/chart.test.ts
 */
import type { AnyStateMachine } from "xstate";
import { type Edge, edgesOf } from "./edges.ts";
import { statesOf } from "./machine.ts";

/** One state of a chart. */
export type ChartState = {
  /** `packed.labelling`; empty: the whole machine. */
  readonly path: string;
  /** Path of the state around it; null for the whole machine. */
  readonly parent: string | null;
  readonly kind: "atomic" | "compound" | "parallel" | "final";
  /** Path of the state in it that is entered first; absent where there is none. */
  readonly initial?: string;
  /** Calls that are made while it is active. */
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  /** Names of the actions when it is entered and left, in order. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** What the chart says about it, as it is there. */
  readonly meta?: unknown;
};

/** One transition of a chart. */
export type ChartTransition = Edge & {
  /** Names of its actions, in order. */
  readonly actions: readonly string[];
  /** Of a delayed one: the name of the delay, or the delay in ms. */
  readonly after?: string | number;
};

/** A machine as a chart. States from the outside to the inside, transitions in the order in which they are checked. */
export type Chart = {
  readonly id: string;
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
  /** Names of all conditions, sorted. */
  readonly guards: readonly string[];
};

type Node = AnyStateMachine["root"];

/** The chart of a machine. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = [...statesOf(machine.root)];
  const byPath = new Map(nodes.map((node) => [pathOf(node), node]));
  const transitions = edgesOf(machine).map((edge) => transitionOf(edge, byPath.get(edge.source)));
  const guards = new Set(transitions.flatMap(({ guard }) => guard ?? []));
  return { id: machine.id, states: nodes.map(stateOf), transitions, guards: [...guards].toSorted() };
}

function stateOf(node: Node): ChartState {
  const [first] = node.type === "compound" ? node.initial.target : [];
  return {
    path: pathOf(node),
    parent: node.parent ? pathOf(node.parent) : null,
    kind: node.type === "history" ? "atomic" : node.type,
    ...(first && { initial: pathOf(first) }),
    invokes: node.invoke.map(({ id, src }) => ({ id, src: typeof src === "string" ? src : id })),
    entry: node.entry.map(nameOf),
    exit: node.exit.map(nameOf),
    ...(node.meta === undefined ? {} : { meta: node.meta as unknown }),
  };
}

function transitionOf(edge: Edge, source: Node | undefined): ChartTransition {
  const siblings = edge.event === "" ? source?.always : source?.transitions.get(edge.event);
  const delay = source?.after.find(({ eventType }) => eventType === edge.event)?.delay;
  const after = typeof delay === "string" || typeof delay === "number" ? { after: delay } : {};
  return { ...edge, actions: (siblings?.[edge.index]?.actions ?? []).map(nameOf), ...after };
}

const pathOf = ({ path }: Pick<Node, "path">): string => path.join(".");

/** The name of an action in its chart; of one without a name: what kind of action it is. */
function nameOf(action: unknown): string {
  if (typeof action === "string") return action;
  const { type } = action as { readonly type?: unknown };
  return typeof type === "string" ? type : "inline";
}
