/** Steps of a simulation as texts of an address, and what can be sent next. Pure. */
import { eventText } from "../charts/labels.ts";
import { type ChartIndex, isWithin, leavesOf } from "../charts/machine-chart.ts";
import type { Simulate, Simulation } from "../api/types.ts";

/** One step, as the API takes it. */
export type Step = Simulate["steps"][number];
/** What one step did. */
export type StepResult = Simulation["results"][number];

/** Longer addresses are not taken everywhere. */
const MOST = 100;

/** Steps of an address; none for a text that is no list of steps. */
export function readSteps(text: string): readonly Step[] {
  if (text === "") return [];
  try {
    const read = JSON.parse(text) as unknown;
    return Array.isArray(read) && read.every(isStep) ? read.slice(0, MOST) : [];
  } catch {
    return [];
  }
}

const isStep = (value: unknown): value is Step =>
  typeof value === "object" &&
  value !== null &&
  ["event", "effect", "timer"].some((kind) => typeof (value as Record<string, unknown>)[kind] === "string");

/** The text of some steps; empty for none. */
export const writeSteps = (steps: readonly Step[]): string =>
  steps.length === 0 ? "" : JSON.stringify(steps);

/** A step in words. */
export function stepText({ effect, error, event, machine, timer }: Step): string {
  if (event !== undefined) return machine === undefined ? event : `${event} to ${machine}`;
  if (timer !== undefined)
    return `timer ${eventText(timer.slice(timer.indexOf(".") + 1)).replace("after ", "")}`;
  return error === undefined ? `${effect} answers` : `${effect} fails: ${error.kind}`;
}

/** Events that a machine takes in its state, each once; those of the runtime are not sent by hand. */
export function eventsFor(index: ChartIndex, value: unknown): string[] {
  const leaves = leavesOf(value);
  const own = index.chart.transitions.filter(
    ({ event, source }) =>
      event !== "" && !event.startsWith("xstate.") && leaves.some((leaf) => isWithin(leaf, source)),
  );
  return [...new Set(own.map(({ event }) => event))];
}

const money = { amount: 1000, currency: "EUR" };

/** Answers that calls of an order give when all goes well; the person can change them. */
const answers: Readonly<Record<string, unknown>> = {
  reserveInventory: {
    outcome: "reserved",
    lines: [{ sku: "SIMULATED", name: "Simulated", quantity: 1, unitPrice: money }],
    total: money,
  },
  releaseInventory: { outcome: "released" },
  shipInventory: { outcome: "shipped" },
  returnInventory: { outcome: "returned" },
  authorizePayment: { outcome: "authorized", authorization: "auth_simulated" },
  capturePayment: { outcome: "captured" },
  voidPayment: { outcome: "voided" },
  refundPayment: { outcome: "refunded" },
  createPaymentPage: { payment: "pay_simulated", url: "https://example.com/pay" },
  checkPayment: { outcome: "pending" },
  createShippingLabel: { trackingNumber: "SIM123" },
  retrieveInvoice: { number: "SIM-1", bytes: 1, sha256: "x" },
  handOverParcel: { outcome: "taken" },
};

/** What a call answers at first in the form; an empty object where nothing is known. */
export const answerOf = (call: string): string =>
  JSON.stringify(answers[call.slice(call.indexOf(".") + 1)] ?? {}, null, 1);

/** Fields of events that their machine needs: a start for the form. */
const fields: Readonly<Record<string, unknown>> = {
  cancel: { reason: "simulated" },
  "quality-check": { passed: true },
  "order.created": { total: money },
  "order.closed": { held: true },
  "invoice.issued": { number: "SIM-1", issuedAt: "2026-01-01T00:00:00.000Z" },
};

/** What an event says at first in the form. */
export const fieldsOfEvent = (event: string): string => JSON.stringify(fields[event] ?? {}, null, 1);

/** A JSON object or value; `undefined` for a text that is none. */
export function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
