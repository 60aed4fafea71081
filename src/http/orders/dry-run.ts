/** `?dryRun=true`: what a request would do. Always 200; a refusal is part of the answer. */
import { type Static, Type } from "typebox";
import type { PredictedOrder } from "../../services/predictions/contract.ts";
import type { UnavailableResult } from "../../services/unavailable.ts";
import { problems } from "../protocol/problems.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { nullable, oneOf, time } from "../protocol/schema-parts.ts";
import { type OrderSink, refusalProblem } from "./order-answers.ts";
import { guardVerdict, historyTransition, OrderOutline } from "./order-schema.ts";

/** Query of every request that can be tried. */
export const dryRunQuery = Type.Object(
  {
    dryRun: Type.Optional(
      oneOf(
        ["true", "false"],
        "`true`: answer what the request would do. Nothing is written, called or held, and no version is used up",
      ),
    ),
  },
  { additionalProperties: false },
);

/** The answer to a dry run, in the document of a route. */
export const dryRunAnswer = { schema: "DryRun", when: "With `dryRun=true`:" };

/** Whether the request is only tried. */
export const isDryRun = ({ dryRun }: Static<typeof dryRunQuery>): boolean => dryRun === "true";

const accepted = {
  dryRun: true,
  accepted: true,
  before: { version: 4, status: "confirmed" },
  after: { version: 5, status: "cancelled" },
  machines: [
    {
      machine: "order",
      from: "confirmed",
      to: "cancelled",
      event: "cancel",
      edge: "confirmed:cancel:0",
      edges: ["confirmed:cancel:0"],
    },
  ],
  events: ["order.cancelled"],
  effects: [
    {
      name: "payment.voidPayment",
      key: "ord_4f0v5Xk2:payment.voidPayment:5000",
      input: { orderId: "ord_4f0v5Xk2", authorization: "auth_1", attempt: 1 },
    },
  ],
  timers: [],
  guards: [
    { machine: "payment", state: "authorized", event: "order.closed", guard: "isHeld", verdict: true },
  ],
  basedOn: { version: 4, source: "owner" },
};

/** Answer to a dry run. */
export const DryRun = Type.Object(
  {
    dryRun: Type.Literal(true),
    accepted: Type.Boolean({ description: "False: the request would be refused, see `refusal`" }),
    refusal: Type.Optional(
      Type.Object(
        { code: oneOf(Object.keys(problems), "Code of the problem"), status: Type.Integer() },
        { additionalProperties: true, description: "The problem that would be answered, with its members" },
      ),
    ),
    before: nullable(OrderOutline),
    after: nullable(OrderOutline),
    machines: Type.Array(historyTransition, { description: "The steps of the machines, in order" }),
    events: Type.Array(Type.String(), { description: "Public events, in order" }),
    effects: Type.Array(
      Type.Object({
        name: Type.String({ description: "Machine and invocation" }),
        key: Type.String({ description: "Idempotency key of the call" }),
        input: Type.Unknown({ description: "Personal data and secrets are masked" }),
      }),
      { description: "Calls that would be made" },
    ),
    timers: Type.Array(Type.Object({ name: Type.String(), dueAt: time })),
    guards: Type.Array(guardVerdict, { description: "The conditions that were checked, in order" }),
    basedOn: Type.Object({
      version: Type.Integer({ description: "Of the order; 0 for a new one" }),
      source: oneOf(
        ["owner", "stored"],
        "`stored`: no owner answered, so it is predicted from what is stored",
      ),
    }),
  },
  {
    $id: "DryRun",
    title: "DryRun",
    description:
      "What a request would do. `before` and `after` are orders without what concerns the customer",
    examples: [accepted],
  },
);

/** Answers a dry run. */
export function sendPredicted<S extends OrderSink>(
  reply: S,
  result: PredictedOrder | { readonly status: "not_found" } | UnavailableResult,
): S {
  if (result.status === "not_found") return sendProblem(reply, "order_not_found");
  if (result.status !== "predicted") return sendUnavailable(reply, result);
  const { refusal, status: _, ...prediction } = result;
  const problem = refusal && refusalProblem(refusal);
  const answer = {
    dryRun: true,
    accepted: problem === undefined,
    ...(problem && {
      refusal: { code: problem.code, status: problems[problem.code].status, ...problem.members },
    }),
    ...prediction,
  };
  reply.code(200);
  reply.header("content-type", "application/json; charset=utf-8");
  reply.header("cache-control", "private, no-store");
  // As bytes: the serializer of this status has another schema.
  reply.send(Buffer.from(JSON.stringify(answer)));
  return reply;
}
