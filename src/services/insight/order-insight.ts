/** What an order is doing, from its snapshot: what it waits for, what it takes, what is open. Pure. */
import type { StateMeta } from "../../../machines/state-meta.ts";
import { effectKey } from "../../runtime/actor/cascade.ts";
import { MachineFault, restoreMachine } from "../../runtime/actor/machine.ts";
import { nextSteps } from "../../runtime/actor/next-steps.ts";
import type { OpenEffect, OpenTimer, Snapshot } from "../../runtime/actor/snapshot.ts";
import type { MachineStates } from "../../runtime/definition.ts";
import { addressed, type AddressedEvent } from "../orders/commands.ts";
import type { OrderCommand } from "../orders/contract.ts";
import { type MachineName, orderMachines } from "../orders/definition.ts";
import { masked } from "../orders/masking.ts";
import { addressedIn, tried } from "../orders/refusals.ts";
import { allowedCommands, dueOnDelivery, orderMachinesOf, orderStatus } from "../orders/status.ts";
import type {
  MachineView,
  OpenCall,
  OrderAction,
  OrderInsight,
  OrderPart,
  OrderStep,
  OrderWait,
  PendingTimer,
} from "./contract.ts";

/** The parts that are asked for. @param now ms since the epoch @throws MachineFault for states of another program */
export function orderInsight(
  id: string,
  snapshot: Snapshot,
  parts: readonly OrderPart[],
  now: number,
): OrderInsight {
  const asked = new Set(parts);
  return {
    ...(asked.has("waits") && { waits: waitsOf(snapshot, now) }),
    ...(asked.has("actions") && { actions: actionsOf(snapshot) }),
    ...(asked.has("effects") && { effects: openCalls(id, snapshot.effects) }),
    ...(asked.has("timers") && { timers: pendingTimers(snapshot.timers) }),
    ...(asked.has("machines") && { machines: machineViews(snapshot.machines) }),
    ...(asked.has("next") && { next: stepsFrom(snapshot.machines) }),
  };
}

/** Calls whose outcome is not known yet. */
export function openCalls(id: string, effects: readonly OpenEffect[]): OpenCall[] {
  return effects.map((effect) => ({
    name: effect.id,
    key: effectKey(id, effect),
    input: masked(effect.input),
    abandoned: effect.abandoned ?? false,
  }));
}

/** Timers that have not fired. */
export function pendingTimers(timers: readonly OpenTimer[]): PendingTimer[] {
  return timers.map(({ dueAt, id, machine }) => ({
    name: `${machine}.${id}`,
    dueAt: new Date(dueAt).toISOString(),
  }));
}

/** The states of the machines, by machine. */
export function machineViews(machines: MachineStates): Readonly<Record<string, MachineView>> {
  const views = Object.entries(machines).map(([name, { context, status, value, version }]) => [
    name,
    { state: value, status, version, context: masked(context) },
  ]);
  return Object.fromEntries(views);
}

/** What could move the machines on. @throws MachineFault for states of another program */
export function stepsFrom(machines: MachineStates): OrderStep[] {
  return (Object.keys(orderMachines) as MachineName[]).flatMap((machine) => {
    const state = machines[machine];
    const entry = orderMachines[machine];
    if (!state) return [];
    return nextSteps(entry.machine, restoreMachine(entry, state, [])).map((step) => ({ machine, ...step }));
  });
}

/** The same for states that were stored at an instant; `undefined` when the present machines do not have them. */
export function stepsThen(machines: MachineStates): OrderStep[] | undefined {
  const isPresent = (name: MachineName): boolean =>
    machines[name] === undefined || machines[name].version === orderMachines[name].version;
  if (!(Object.keys(orderMachines) as MachineName[]).every(isPresent)) return undefined;
  try {
    return stepsFrom(machines);
  } catch (error) {
    if (error instanceof MachineFault) return undefined;
    throw error;
  }
}

function waitsOf(snapshot: Snapshot, now: number): OrderWait[] {
  const commands = allowedCommands(orderMachinesOf(snapshot.machines));
  return (Object.keys(orderMachines) as MachineName[]).flatMap((machine) => {
    const state = snapshot.machines[machine];
    if (!state) return [];
    const { _nodes } = restoreMachine(orderMachines[machine], state, []);
    const innermost = _nodes.filter(({ states }) => Object.keys(states).length === 0);
    return innermost.map(({ meta }) => {
      const { awaits, says, waitsFor } = meta as StateMeta;
      return {
        machine,
        for: awaits,
        ...namedIn(snapshot, machine, awaits, commands),
        sinceMs: Math.max(0, now - snapshot.updatedAt),
        waitsFor,
        says,
      };
    });
  });
}

/** What is awaited, by name. */
function namedIn(
  { effects, machines, timers }: Snapshot,
  machine: MachineName,
  awaits: StateMeta["awaits"],
  commands: readonly OrderCommand["type"][],
): Pick<OrderWait, "name" | "dueAt" | "attempt"> {
  const effect = effects.find((open) => open.machine === machine && !open.abandoned);
  if (awaits === "effect" && effect) {
    const { tries = 0 } = (machines[machine]?.context ?? {}) as { readonly tries?: number };
    return { name: effect.id, attempt: tries + 1 };
  }
  const [timer] = timers.filter((open) => open.machine === machine).toSorted((a, b) => a.dueAt - b.dueAt);
  if (timer && (awaits === "timer" || awaits === "customer")) {
    const { dueAt, name } = pendingTimers([timer])[0] as PendingTimer;
    return { name, dueAt };
  }
  if (awaits !== "person") return { name: null };
  const command = commands.find((type) => type !== "cancel" && machineOf(type) === machine);
  return { name: command ?? null };
}

const machineOf = (type: OrderCommand["type"]): MachineName | undefined =>
  type === "retry" ? undefined : addressed({ type } as Exclude<OrderCommand, { type: "retry" }>).machine;

/** Every command, with the fields that its machine accepts. */
function sampleCommands(snapshot: Snapshot): OrderCommand[] {
  const due = dueOnDelivery(orderMachinesOf(snapshot.machines));
  return [
    { type: "cancel", reason: "sample" },
    { type: "retry" },
    { type: "pick" },
    { type: "quality-check", passed: true },
    { type: "pack" },
    { type: "ship" },
    { type: "deliver", ...(due !== null && due.amount > 0 ? { collected: due } : {}) },
    { type: "settle", reason: "sample" },
    { type: "report-refused" },
    { type: "report-unclaimed" },
    { type: "report-lost" },
    { type: "receive", restock: true },
  ];
}

function actionsOf(snapshot: Snapshot): OrderAction[] {
  const status = orderStatus(orderMachinesOf(snapshot.machines));
  return sampleCommands(snapshot).map((command) => {
    const { type: event } = command;
    const to: AddressedEvent | { readonly status: string } = addressedIn(command, snapshot);
    const prediction = "status" in to ? undefined : tried(snapshot, to);
    if (prediction?.status === "predicted") return { event, enabled: true };
    const unmet = prediction?.status === "illegal" ? prediction.guards.filter(({ verdict }) => !verdict) : [];
    const names = unmet.map(({ guard }) => guard).join(", ");
    const why = names
      ? `The order is ${status}, and these conditions do not hold: ${names}.`
      : `The order is ${status} and has no such step now.`;
    return { event, enabled: false, why };
  });
}
