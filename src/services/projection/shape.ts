/**
 * The shape of an order: all that filters and counts ask of it and that many orders share. A projection stores each
 * shape once, so that one small index finds orders by any of its parts, and a count is a sum over shapes. Pure.
 */
import type { AnyStateMachine } from "xstate";
import { statesOf } from "../../runtime/actor/machine.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { StateMeta } from "../../../machines/state-meta.ts";
import type { OrderStatus, PaymentMethod } from "../orders/contract.ts";
import { orderMachines } from "../orders/definition.ts";
import {
  allowedCommands,
  fulfillmentStatus,
  orderMachinesOf,
  type OrderStates,
  orderStatus,
  paymentStatus,
  type StateValue,
} from "../orders/status.ts";
import { type OrderFilter, type Wait, waits } from "./contract.ts";

/** Stored as JSON in the file of a projection. Two orders of one shape differ in nothing that is here. */
export type Shape = {
  readonly status: OrderStatus;
  readonly payment: string;
  readonly fulfillment: string;
  readonly method: PaymentMethod;
  /** `<machine>:<path>` of every state that a machine is in, parents included. */
  readonly states: readonly string[];
  /** What its machines wait for, in the order of `waits`. */
  readonly awaited: readonly Wait[];
  /** The state of its machine `order` waits for nothing. */
  readonly over: boolean;
  readonly parked: boolean;
};

/** What an order of this shape waits for. No input reaches a parked one until an operator has acted. */
export const waitsOf = ({ awaited, parked }: Shape): readonly Wait[] => (parked ? ["person"] : awaited);

/** Whether all of an order of this shape has ended: none of its machines waits for anything. */
export const isFinal = (shape: Shape): boolean => shape.over && waitsOf(shape).length === 0;

const pathOf = (node: AnyStateMachine["root"]): string => node.path.join(".");

/** What each state of each machine says about itself, by `<machine>:<path>`. */
const texts: ReadonlyMap<string, StateMeta> = new Map(
  Object.entries(orderMachines).flatMap(([name, { machine }]) =>
    [...statesOf(machine.root)]
      .slice(1)
      .map((node) => [`${name}:${pathOf(node)}`, node.meta as StateMeta] as const),
  ),
);

/** Whether a text names a state of a machine: what the filter `in` takes. */
export const isState = (text: string): boolean => texts.has(text);

/** The shape of an order. @throws when a machine is missing */
export function shapeOf(snapshot: Pick<Snapshot, "machines" | "effects">, parked: boolean): Shape {
  const machines = orderMachinesOf(snapshot.machines);
  const states: string[] = [];
  const awaited = new Set<string>();
  for (const name of ["order", "payment", "fulfillment"] as const) {
    for (const { path, innermost } of pathsOf(machines[name].value)) {
      const state = `${name}:${path}`;
      states.push(state);
      if (innermost) awaited.add(texts.get(state)?.awaits ?? "event");
    }
  }
  if (snapshot.effects.some(({ abandoned }) => abandoned !== true)) awaited.add("effect");
  return {
    status: orderStatus(machines),
    payment: paymentStatus(machines),
    fulfillment: fulfillmentStatus(machines),
    method: machines.order.context.method,
    states,
    awaited: waits.filter((wait) => awaited.has(wait)),
    over: texts.get(`order:${machines.order.value}`)?.awaits === "nothing",
    parked,
  };
}

/** All states of a value, outermost first: `reversing`, `reversing.voiding`. */
function* pathsOf(
  value: StateValue,
  within = "",
): Generator<{ readonly path: string; readonly innermost: boolean }> {
  if (typeof value === "string") {
    yield { path: within + value, innermost: true };
    return;
  }
  for (const [state, inner] of Object.entries(value)) {
    yield { path: within + state, innermost: false };
    yield* pathsOf(inner, `${within}${state}.`);
  }
}

/** Whether an order of this shape takes a command now. A parked one only waits for an operator. */
export function takes({ parked, states }: Shape, action: NonNullable<OrderFilter["can"]>): boolean {
  if (action === "resume" || parked) return action === "resume" && parked;
  return allowedCommands(valuesOf(states)).includes(action);
}

/** The states as the machines have them: what `pathsOf` was made of. */
function valuesOf(states: Shape["states"]): OrderStates {
  const values: Record<string, { value: StateValue }> = {};
  for (const name of ["order", "payment", "fulfillment"]) {
    const own = states.flatMap((state) => (state.startsWith(`${name}:`) ? state.slice(name.length + 1) : []));
    values[name] = { value: valueOf(own, "") };
  }
  return values as OrderStates;
}

/** The value within a path, of all paths of a machine. */
function valueOf(paths: readonly string[], within: string): StateValue {
  const inner = paths.filter((path) => path.startsWith(within) && !path.slice(within.length).includes("."));
  const values = inner.map((path): [string, StateValue] => {
    const name = path.slice(within.length);
    const hasInner = paths.some((other) => other.startsWith(`${path}.`));
    return [name, hasInner ? valueOf(paths, `${path}.`) : ""];
  });
  const [first] = values;
  return values.length === 1 && first?.[1] === "" ? first[0] : Object.fromEntries(values);
}

type ShapeFilter = Pick<
  OrderFilter,
  "status" | "payment" | "fulfillment" | "method" | "in" | "waitsFor" | "parked" | "can" | "stuckFor"
>;

/** Whether a filter says anything about shapes. */
export function asksForShape(filter: ShapeFilter): boolean {
  const { can, fulfillment, in: states, method, parked, payment, status, stuckFor, waitsFor } = filter;
  return [can, fulfillment, states, method, parked, payment, status, stuckFor, waitsFor].some(
    (one) => one !== undefined,
  );
}

/** Whether orders of this shape fit the parts of a filter that are about shapes. */
export function fitsShape(shape: Shape, filter: ShapeFilter): boolean {
  const { can, fulfillment, in: states, method, parked, payment, status, stuckFor, waitsFor } = filter;
  return (
    (status?.includes(shape.status) ?? true) &&
    (payment?.includes(shape.payment) ?? true) &&
    (fulfillment?.includes(shape.fulfillment) ?? true) &&
    (method?.includes(shape.method) ?? true) &&
    (states?.some((state) => shape.states.includes(state)) ?? true) &&
    (waitsFor?.some((wait) => waitsOf(shape).includes(wait)) ?? true) &&
    (parked === undefined || parked === shape.parked) &&
    (can === undefined || takes(shape, can)) &&
    (stuckFor === undefined || !isFinal(shape))
  );
}
