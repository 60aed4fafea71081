/** Whether the edges that a step names lead through its chart from the state before to the state after. */
import type { AnyStateMachine } from "xstate";
import { type Edge, edgesOf } from "../../../src/runtime/actor/edges.ts";
import type { StepRead } from "../../../src/runtime/actor/record-changes.ts";

type Node = AnyStateMachine["root"];

const charts = new WeakMap<AnyStateMachine, ReadonlyMap<string, Edge>>();

function chartOf(machine: AnyStateMachine): ReadonlyMap<string, Edge> {
  const known = charts.get(machine);
  if (known) return known;
  const chart = new Map(edgesOf(machine).map((edge) => [edge.id, edge]));
  charts.set(machine, chart);
  return chart;
}

/** The innermost state of a state value, by path. */
export function leafOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [entry] = Object.entries(value as Record<string, unknown>);
  return entry === undefined ? "" : `${entry[0]}.${leafOf(entry[1])}`;
}

/** The state that is entered with this one, the innermost. */
function entered(machine: AnyStateMachine, path: string): string {
  let node: Node = machine.root;
  for (const key of path === "" ? [] : path.split(".")) node = node.states[key] as Node;
  while (node.initial?.target[0]) node = node.initial.target[0];
  return node.path.join(".");
}

const isWithin = (leaf: string, source: string): boolean =>
  source === "" || leaf === source || leaf.startsWith(`${source}.`);

/** What is wrong with a step of a machine without parallel states; empty when nothing is. */
export function stepFaults(machine: AnyStateMachine, step: Omit<StepRead, "machine">): string[] {
  const { edges, event, from, to } = step;
  const chart = chartOf(machine);
  const faults: string[] = [];
  let leaf = from === null ? entered(machine, "") : leafOf(from);
  for (const [place, id] of edges.entries()) {
    const edge = chart.get(id);
    if (!edge) return [...faults, `${id} is no edge of ${machine.id}`];
    if (!isWithin(leaf, edge.source)) faults.push(`${id} does not leave ${leaf}`);
    if (place === 0 && from !== null && edge.event !== event) faults.push(`${id} does not take ${event}`);
    if (edge.targets[0] !== undefined) leaf = entered(machine, edge.targets[0]);
  }
  if (leaf !== leafOf(to)) faults.push(`${edges.join()} leads to ${leaf}, and not to ${leafOf(to)}`);
  return faults;
}
