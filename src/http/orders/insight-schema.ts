/** What an order is doing, and what it was at an instant: schemas, and what a page needs of each command. */
import { type Static, type TSchema, Type } from "typebox";
import { orderParts, type OrderPart } from "../../services/insight/contract.ts";
import type { OrderCommand } from "../../services/orders/contract.ts";
import { nullable, oneOf, ORDER_ID, time } from "../protocol/schema-parts.ts";
import {
  CancelOrder,
  DeliverOrder,
  QualityCheck,
  ReceiveParcel,
  SettleDispute,
  WithReason,
} from "./command-schemas.ts";
import { History } from "./order-schema.ts";

const part = `(?:${orderParts.join("|")})`;

/** Query of `GET /v1/orders/{id}`. */
export const includeQuery = Type.Object(
  {
    include: Type.Optional(
      Type.String({
        pattern: `^${part}(?:,${part}){0,${orderParts.length}}$`,
        description: `What to add to the order: ${orderParts.join(", ")}; several by commas`,
        examples: ["waits,actions"],
      }),
    ),
  },
  { additionalProperties: false },
);

/** The parts that a query asks for. */
export const partsOf = ({ include = "" }: Static<typeof includeQuery>): OrderPart[] =>
  include === "" ? [] : (include.split(",") as OrderPart[]);

/** Path parameters of one commit of an order. */
export const instantParams = Type.Object({
  id: Type.String({ pattern: ORDER_ID, description: "Order id", examples: ["ord_4f0v5Xk2"] }),
  version: Type.String({ pattern: "^[1-9]\\d{0,8}$", description: "Version of the order", examples: ["3"] }),
});

/** What a page shows of a command. `danger`: it cannot be undone. */
type CommandInfo = {
  readonly title: string;
  /** After the address of the order. */
  readonly path: string;
  readonly body: TSchema;
  readonly danger?: true;
  readonly needsReason?: true;
};

/** All commands, by their names in the API. */
export const commandInfos: Readonly<Record<OrderCommand["type"], CommandInfo>> = {
  cancel: { title: "Cancel the order", path: "cancel", body: CancelOrder, danger: true },
  retry: { title: "Try the failed step again", path: "retry", body: WithReason },
  pick: { title: "Pick the items", path: "fulfillment/pick", body: WithReason },
  "quality-check": {
    title: "Record the quality check",
    path: "fulfillment/quality-check",
    body: QualityCheck,
  },
  pack: { title: "Pack the parcel", path: "fulfillment/pack", body: WithReason },
  ship: { title: "Hand the parcel to the carrier", path: "fulfillment/ship", body: WithReason },
  deliver: { title: "Record the delivery", path: "fulfillment/deliver", body: DeliverOrder },
  settle: {
    title: "Accept the collected amount",
    path: "fulfillment/settle",
    body: SettleDispute,
    danger: true,
    needsReason: true,
  },
  "report-refused": {
    title: "Report the parcel as refused",
    path: "fulfillment/report-refused",
    body: WithReason,
  },
  "report-unclaimed": {
    title: "Report the parcel as unclaimed",
    path: "fulfillment/report-unclaimed",
    body: WithReason,
  },
  "report-lost": {
    title: "Report the parcel as lost",
    path: "fulfillment/report-lost",
    body: WithReason,
    danger: true,
  },
  receive: {
    title: "Receive the parcel back",
    path: "fulfillment/receive",
    body: ReceiveParcel,
    danger: true,
  },
};

const openCall = Type.Object({
  name: Type.String({ examples: ["payment.capturePayment"] }),
  key: Type.String({ description: "Idempotency key" }),
  input: Type.Unknown({ description: "Personal data and secrets are masked" }),
  abandoned: Type.Boolean({ description: "The order has left the state that made the call" }),
});
const timer = Type.Object({ name: Type.String(), dueAt: time });
const machineView = Type.Object({
  state: Type.Unknown({ description: "Nested states as objects" }),
  status: oneOf(["active", "done", "error"]),
  version: Type.Integer({ description: "Of the machine that wrote it" }),
  context: Type.Unknown({ description: "What it remembers; personal data and secrets are masked" }),
});
const machines = Type.Record(Type.String(), machineView, { description: "By machine" });

const next = Type.Array(
  Type.Object({
    machine: Type.String(),
    edge: Type.String({
      description: "Id of a transition that leaves an active state, as in charts and histories",
      examples: ["confirmed:cancel:0"],
    }),
    verdict: nullable(
      Type.Boolean({
        description:
          "Whether it is taken if its event happens now; null: that depends on what the event says",
      }),
    ),
  }),
);

/** What `include` adds to an order. */
export const OrderInsight = Type.Object(
  {
    waits: Type.Optional(
      Type.Array(
        Type.Object({
          machine: Type.String(),
          for: oneOf(["effect", "timer", "event", "person", "customer", "nothing"]),
          name: nullable(Type.String({ description: "The call, the timer or the command" })),
          dueAt: Type.Optional(time),
          attempt: Type.Optional(Type.Integer({ description: "Of a call: which try it is" })),
          sinceMs: Type.Integer({ description: "Since the order's last change" }),
          waitsFor: Type.String({ description: "For operators" }),
          says: Type.String({ description: "For support and customers" }),
        }),
        { description: "What each machine waits for" },
      ),
    ),
    actions: Type.Optional(
      Type.Array(
        Type.Object({
          event: Type.String({ description: "The command" }),
          title: Type.String(),
          path: Type.String({
            description: "After the address of the order: where the command is sent",
            examples: ["fulfillment/pick"],
          }),
          enabled: Type.Boolean(),
          why: Type.Optional(Type.String({ description: "Why it is not" })),
          schema: Type.Unknown({ description: "JSON Schema of its body" }),
          danger: Type.Boolean({ description: "It cannot be undone" }),
          needsReason: Type.Boolean(),
        }),
        { description: "Every command, and whether the order takes it now" },
      ),
    ),
    effects: Type.Optional(Type.Array(openCall, { description: "Calls whose outcome is not known yet" })),
    timers: Type.Optional(Type.Array(timer, { description: "Timers that have not fired" })),
    machines: Type.Optional(machines),
    next: Type.Optional({ ...next, description: "What could move the machines on, innermost states first" }),
  },
  { $id: "OrderInsight", title: "OrderInsight", description: "What `include` adds to an order" },
);

/** Answer of `GET /v1/orders/{id}/history/{version}`. */
export const OrderInstant = Type.Object(
  {
    ...History.properties.items.items.properties,
    machines,
    open: Type.Object({ effects: Type.Array(openCall), timers: Type.Array(timer) }),
    next: Type.Optional({
      ...next,
      description: "What could have moved the machines on; absent when the present machines are others",
    }),
    published: Type.Array(Type.Object({ id: Type.String(), type: Type.String(), data: Type.Unknown() }), {
      description: "The events as they were published",
    }),
  },
  { $id: "OrderInstant", title: "OrderInstant", description: "One commit, and the state that it left" },
);
