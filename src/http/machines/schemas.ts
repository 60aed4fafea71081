/** The machines of an order as data, and simulations: schemas. */
import { type Static, Type } from "typebox";
import { simulationBounds } from "../../services/machines/contract.ts";
import { closed, nullable, oneOf, ORDER_ID, text, time } from "../protocol/schema-parts.ts";
import { paymentMethod } from "../orders/place-order-schema.ts";
import { guardVerdict, historyTransition } from "../orders/order-schema.ts";

const outline = {
  kind: Type.String({ description: "Its name in records and histories", examples: ["payment"] }),
  version: Type.Integer(),
  versions: Type.Array(Type.Integer(), { description: "Versions of stored orders that this program reads" }),
  hash: Type.String({ description: "Changes whenever the chart does" }),
};

/** Answer of `GET /v1/machines`. */
export const MachineList = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        ...outline,
        states: Type.Integer({ description: "Number of states" }),
        transitions: Type.Integer({ description: "Number of transitions" }),
      }),
    ),
  },
  { $id: "MachineList", title: "MachineList" },
);

const names = Type.Array(Type.String());

/** Answer of `GET /v1/machines/{kind}`. */
export const MachineChart = Type.Object(
  {
    ...outline,
    states: Type.Array(
      Type.Object({
        path: Type.String({ description: "Empty: the whole machine", examples: ["packed.labelling"] }),
        parent: nullable(Type.String()),
        kind: oneOf(["atomic", "compound", "parallel", "final"]),
        initial: Type.Optional(Type.String({ description: "The state in it that is entered first" })),
        invokes: Type.Array(Type.Object({ id: Type.String(), src: Type.String() }), {
          description: "Calls that are made while it is active",
        }),
        entry: names,
        exit: names,
        texts: Type.Optional(
          Type.Object({
            meaning: Type.String({ description: "How an order that is in it is doing" }),
            awaits: Type.String({ description: "What kind of thing it waits for" }),
            waitsFor: Type.String({ description: "For operators" }),
            says: Type.String({ description: "For support and customers" }),
          }),
        ),
      }),
      { description: "From the outside to the inside" },
    ),
    transitions: Type.Array(
      Type.Object({
        id: Type.String({ description: "As histories name it", examples: ["confirmed:cancel:0"] }),
        source: Type.String(),
        event: Type.String({ description: "Empty: it follows by itself" }),
        index: Type.Integer({ description: "Its place among those of this source and event" }),
        targets: names,
        guard: Type.Optional(Type.String({ description: "Its condition" })),
        actions: names,
        after: Type.Optional(
          Type.Union([Type.String(), Type.Integer()], { description: "Its delay, by name or in ms" }),
        ),
      }),
      { description: "In the order in which they are checked" },
    ),
    guards: names,
    listensTo: Type.Array(Type.String(), { description: "Events of the other machines that it receives" }),
  },
  { $id: "MachineChart", title: "MachineChart", description: "A machine as a chart" },
);

/** Path parameters of one machine. */
export const machineParams = Type.Object({
  kind: Type.String({ pattern: "^[a-z_]{1,40}$", examples: ["payment"] }),
});

const name = text(200);
const fields = { additionalProperties: false };
const from = Type.Object(
  {
    orderId: Type.Optional(
      Type.String({ pattern: ORDER_ID, description: "An order as one of its commits has left it" }),
    ),
    version: Type.Optional(Type.Integer({ minimum: 1, description: "Of that commit; with `orderId`" })),
    kind: Type.Optional(
      text(200, "A new order; events without a machine go to this one first. Instead of `orderId`"),
    ),
    input: Type.Optional(
      Type.Object(
        {
          method: Type.Optional(paymentMethod),
          mode: Type.Optional(oneOf(["auto", "manual"])),
          stepDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
        },
        { ...fields, description: "Of the new order; with `kind`" },
      ),
    ),
  },
  fields,
);

const step = Type.Object(
  {
    event: Type.Optional(text(200, "An event happens, with `data` as its fields")),
    machine: Type.Optional(text(200, "The machine that the event is for; with `event`")),
    data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    effect: Type.Optional(text(200, "An open call ends, with `output` or `error`")),
    output: Type.Optional(Type.Unknown()),
    error: Type.Optional(
      Type.Object({ code: name, kind: oneOf(["refused", "retryable", "unknown"]) }, fields),
    ),
    timer: Type.Optional(text(200, "A pending timer fires")),
  },
  fields,
);

/** Body of `POST /v1/machines/simulate`. */
export const Simulate = closed(
  { from, steps: Type.Array(step, { maxItems: simulationBounds.steps }) },
  {
    $id: "Simulate",
    examples: [
      {
        from: { kind: "payment", input: { method: "credit_card" } },
        steps: [{ effect: "order.reserveInventory", output: { outcome: "closed", as: "released" } }],
      },
    ],
  },
);

/** The validated body. */
export type Simulate = Static<typeof Simulate>;

/** Answer of `POST /v1/machines/simulate`. */
export const Simulation = Type.Object(
  {
    complete: Type.Boolean({ description: "False: the time was up before the last step" }),
    results: Type.Array(
      Type.Object({
        accepted: Type.Boolean(),
        why: Type.Optional(Type.String({ description: "Why it was not" })),
        states: Type.Record(Type.String(), Type.Unknown(), { description: "By machine" }),
        machines: Type.Array(historyTransition),
        events: names,
        effects: Type.Array(Type.String(), { description: "Calls that the step opened" }),
        timers: Type.Array(Type.String(), { description: "Timers that the step armed" }),
        guards: Type.Array(guardVerdict),
        open: Type.Object({
          effects: Type.Array(
            Type.Object({
              name: Type.String(),
              key: Type.String(),
              input: Type.Unknown(),
              abandoned: Type.Boolean(),
            }),
          ),
          timers: Type.Array(Type.Object({ name: Type.String(), dueAt: time })),
        }),
      }),
      { description: "The first is the beginning, then one for each step" },
    ),
  },
  { $id: "Simulation", title: "Simulation" },
);
