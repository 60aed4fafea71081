/**
 * The machines of an order as data, and simulations of them. What concerns persons is no part of a machine's state, so
 * nothing of it is shown. Owns nothing.
 * Proved by: test/unit/services/orders/machines.test.ts
 */
import type { StateMeta } from "../../../machines/state-meta.ts";
import { type Chart, chartOf } from "../../runtime/actor/chart.ts";
import { machineFingerprint } from "../../runtime/actor/fingerprint.ts";
import { MachineFault } from "../../runtime/actor/machine.ts";
import {
  simulate,
  type SimulatedOutcome,
  type SimulatedStep as RuntimeStep,
  type SimulationStart,
} from "../../runtime/actor/simulation.ts";
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import type { ActorDefinition, MachineEntry } from "../../runtime/definition.ts";
import { type Clock, type Journal, Unavailable } from "../../runtime/ports.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import { openCalls, pendingTimers } from "../insight/order-insight.ts";
import type { PlaceOrder } from "../orders/contract.ts";
import { historyTransition } from "../orders/history.ts";
import { requestHash } from "../orders/order-id.ts";
import { orderInput, type OrderPlan } from "../orders/order-input.ts";
import { subjects } from "../subjects.ts";
import { unavailable } from "../unavailable.ts";
import {
  type MachineChart,
  type MachineOutline,
  type Machines,
  type MachineState,
  type SimulatedFrom,
  type SimulatedResult,
  type SimulatedStep,
  simulationBounds,
} from "./contract.ts";

/** What the machines as data need of their node. */
export type OrderMachinesOptions = {
  readonly definition: ActorDefinition;
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Pick<Journal, "readAll">;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  readonly clock: Pick<Clock, "monotonic" | "now">;
  /** What this node adds to every order. */
  readonly plan: OrderPlan;
};

/** See {@link Machines}. */
export function orderMachinesAsData(options: OrderMachinesOptions): Machines {
  const { definition } = options;
  const charts = machineCharts(definition);
  // Facts are no part of a machine's state.
  const { facts: _, ...machinesOnly } = definition;
  return {
    list: () => [...charts.values()].map(outlineOf),
    chart: (kind) => charts.get(kind),
    simulate: async (from, steps) => {
      try {
        const start = "kind" in from ? newOrder(from, options) : await storedOrder(from, options);
        if ("status" in start) return start;
        const first = "kind" in from ? from.kind : undefined;
        if (first !== undefined && !charts.has(first)) return { status: "machine_not_found" };
        return simulated({ ...options, definition: machinesOnly }, start, steps, first);
      } catch (error) {
        if (error instanceof Unavailable) return unavailable(error.message);
        if (error instanceof MachineFault)
          return unavailable(`this node does not know its states: ${error.message}`);
        throw error;
      }
    },
  };
}

type Charted = Pick<ActorDefinition, "listens" | "machines">;

/** The machines as charts, by their names; the hash of one does not depend on who listens to it. */
export function machineCharts(definition: Charted): ReadonlyMap<string, MachineChart> {
  return new Map(
    Object.entries(definition.machines).map(([kind, entry]) => [kind, chartFrom(definition, kind, entry)]),
  );
}

function chartFrom(definition: Charted, kind: string, entry: MachineEntry): MachineChart {
  const chart = chartOf(entry.machine);
  const earliest = Math.min(entry.version, ...Object.keys(entry.migrations ?? {}).map(Number));
  return {
    kind,
    version: entry.version,
    versions: Array.from({ length: entry.version - earliest + 1 }, (_, place) => earliest + place),
    hash: requestHash({ chart, fingerprint: machineFingerprint(entry) }),
    states: chart.states.map(stateWithTexts),
    transitions: chart.transitions,
    guards: chart.guards,
    listensTo: Object.keys(definition.listens).filter((type) => definition.listens[type]?.includes(kind)),
  };
}

function stateWithTexts({ meta, ...state }: Chart["states"][number]): MachineState {
  if (meta === undefined) return state;
  const { awaits, meaning, says, waitsFor } = meta as StateMeta;
  return { ...state, texts: { meaning, awaits, waitsFor, says } };
}

function outlineOf({ hash, kind, states, transitions, version, versions }: MachineChart): MachineOutline {
  return { kind, version, versions, hash, states: states.length, transitions: transitions.length };
}

const SIMULATED = "ord_simulated";

/** Of the order that is only thought of: no machine decides with any of it. */
const sample: PlaceOrder = {
  customer: { id: "simulated", email: "simulated@example.com", name: "simulated" },
  lines: [{ sku: "SIMULATED", quantity: 1 }],
  payment: { method: "cash_on_delivery" },
  shippingAddress: { line1: "simulated", city: "simulated", country: "PT" },
};

function newOrder(
  { input = {} }: Extract<SimulatedFrom, { readonly kind: string }>,
  { plan }: OrderMachinesOptions,
): SimulationStart {
  const { method = "cash_on_delivery", mode, stepDelayMs } = input;
  const fulfillment = {
    mode: mode ?? plan.fulfillment.mode,
    stepDelayMs: stepDelayMs ?? plan.fulfillment.stepDelayMs,
  };
  const order = { ...sample, payment: { method, token: "simulated" } };
  const how = { waitMs: Number.POSITIVE_INFINITY, wide: false };
  return { kind: "start", input: orderInput(SIMULATED, order, { ...plan, fulfillment }, how) };
}

type NotThere = { readonly status: "not_found" } | { readonly status: "version_not_found" };

async function storedOrder(
  { orderId, version }: Extract<SimulatedFrom, { readonly orderId: string }>,
  { journalOf, partitions }: OrderMachinesOptions,
): Promise<SimulationStart | NotThere> {
  const partition = partitionOf(orderId, partitions);
  const records = await journalOf(partition).readAll(subjects.record(partition, orderId));
  if (records.length === 0) return { status: "not_found" };
  const snapshots = records.flatMap((message) => readSnapshot(message) ?? []);
  const snapshot = snapshots.find((one) => one.version === version);
  return snapshot ? { kind: "stored", snapshot } : { status: "version_not_found" };
}

function simulated(
  { clock, definition }: Pick<OrderMachinesOptions, "clock" | "definition">,
  start: SimulationStart,
  steps: readonly SimulatedStep[],
  first: string | undefined,
): Extract<Awaited<ReturnType<Machines["simulate"]>>, { readonly status: "simulated" }> {
  const ends = clock.monotonic() + simulationBounds.timeMs;
  const asked = steps.slice(0, simulationBounds.steps).map((step) => runtimeStep(step, first));
  const results: SimulatedResult[] = [];
  const how = { actor: SIMULATED, now: clock.now(), goesOn: () => clock.monotonic() < ends };
  for (const outcome of simulate(definition, start, asked, how)) results.push(resultOf(outcome));
  return { status: "simulated", results, complete: results.length === steps.length + 1 };
}

/** An event goes to the machine that is named, else to the one that the simulation is about, else to any. */
function runtimeStep(step: SimulatedStep, first: string | undefined): RuntimeStep {
  if ("timer" in step) return { kind: "timer", name: step.timer };
  if ("effect" in step) {
    const outcome =
      "error" in step ? { error: { ...step.error, message: step.error.code } } : { output: step.output };
    return { kind: "effect", name: step.effect, outcome };
  }
  const { data, event: type, machine } = step;
  return {
    kind: "event",
    ...(machine === undefined ? {} : { machine }),
    ...(first !== undefined && machine === undefined && { first }),
    event: { ...data, type },
  };
}

function resultOf({ changes, effects, timers, ...outcome }: SimulatedOutcome): SimulatedResult {
  return {
    ...outcome,
    machines: (changes?.transitions ?? []).map(historyTransition),
    events: changes?.events ?? [],
    effects: changes?.effects.opened ?? [],
    timers: changes?.timers.armed ?? [],
    open: { effects: openCalls(SIMULATED, effects), timers: pendingTimers(timers) },
  };
}
