/** The schema of the error answer, and the documented problems of a route. */
import { Type } from "typebox";
import { faultCodes } from "./faults.ts";
import { PROBLEM_TYPE, type ProblemCode, problems, toProblem } from "./problems.ts";
import { oneOf, ref } from "./schema-parts.ts";

/** Every error answer (RFC 9457). Some codes add members, so it is not closed. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: "URN of the problem", examples: ["urn:orderly:problem:out_of_stock"] }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: oneOf(Object.keys(problems), "Stable name of the problem"),
    requestId: Type.String({ description: "Finds the request in the log; also the X-Request-Id header" }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({ description: "JSON pointer into the input" }),
          code: oneOf([...faultCodes]),
          message: Type.String(),
        }),
        { description: "Every fault of a bad input" },
      ),
    ),
  },
  {
    $id: "Problem",
    title: "Problem",
    additionalProperties: true,
    description: "RFC 9457 problem details; some codes add members of their own",
  },
);

/** Members that some codes add, shown in the examples. */
const extensions: Partial<Record<ProblemCode, object>> = {
  validation_failed: {
    errors: [{ pointer: "/lines/0/quantity", code: "out_of_range", message: "must be >= 1" }],
  },
  card_number: {
    errors: [{ pointer: "/payment/token", code: "not_allowed", message: "has a card number" }],
  },
  duplicate_sku: {
    errors: [{ pointer: "/lines/1/sku", code: "duplicate_sku", message: "is in line 0 already" }],
  },
  unknown_sku: {
    errors: [
      { pointer: "/lines/0/sku", code: "unknown_sku", message: "is not in the catalogue", sku: "TSHIRT-XXL" },
    ],
  },
  dead_letter_closed: { state: "replayed" },
  sku_not_for_sale: {
    errors: [{ pointer: "/lines/0/sku", code: "sku_not_for_sale", message: "is off sale", sku: "TSHIRT-M" }],
  },
  out_of_stock: { orderId: "ord_4f0v5Xk2", missing: [{ sku: "TSHIRT-M", requested: 2, available: 1 }] },
  reference_taken: { orderId: "ord_4f0v5Xk2" },
  price_changed: {
    total: { amount: 4398, currency: "EUR" },
    lines: [{ sku: "TSHIRT-M", quantity: 2, unitPrice: { amount: 2199, currency: "EUR" } }],
  },
  forbidden: { needs: ["operator", "admin"] },
  orders_open: { orders: ["ord_4f0v5Xk2"], total: 1 },
  payment_failed: { orderId: "ord_4f0v5Xk2", reason: "card_declined" },
  payment_expired: { orderId: "ord_4f0v5Xk2", reason: "timeout" },
  idempotency_key_reused: { orderId: "ord_4f0v5Xk2" },
  illegal_transition: { state: "shipped", allowedEvents: ["deliver"], guards: [] },
  amount_mismatch: { expected: { amount: 3998, currency: "EUR" } },
  mixed_currency: { currencies: ["EUR", "USD"] },
  below_reserved: { reserved: 12 },
  version_changed: { version: 8 },
  already_owner: { epoch: 412 },
  already_moving: { to: "node-3" },
  stock_changed: { onHand: 9 },
  below_zero: { onHand: 2 },
  token_used: { bulkId: "blk_01jdkq0r9dfk8t3e4m5n6p7q8r" },
  selection_changed: { previewed: 1200, count: 1450 },
  selection_too_large: { count: 140000 },
  maintenance: { reason: "stocktaking until 14:00" },
  behind: { progress: 0.42 },
  refused: { refusal: "order_parked" },
  still_parked: { reason: "machine payment failed: no such method" },
  order_unreadable: {
    kind: "newer",
    reason: "this node cannot read the actor: machine payment: stored by version 3, this node runs 2",
  },
  not_ready: { checks: [{ name: "nats", ok: false, detail: "disconnected" }] },
};

/** Problems that any route may answer with. */
const everywhere: readonly ProblemCode[] = [
  "bad_request",
  "unauthenticated",
  "forbidden",
  "foreign_origin",
  "internal_error",
];

/** Problems of a route that reads a body. */
export const bodyProblems = [
  "malformed_json",
  "duplicate_key",
  "validation_failed",
  "card_number",
  "body_too_large",
  "unsupported_media_type",
] as const satisfies readonly ProblemCode[];

/** Problems of a route whose service is spread over the nodes. */
export const serviceProblems = [
  "overloaded",
  "unavailable",
  "order_unreadable",
  "storage_unavailable",
] as const satisfies readonly ProblemCode[];

/**
 * OpenAPI responses for these problems, by status, with one example per code. They are only in the document: problems
 * are sent as bytes, and a serializer for each would triple the time to start.
 */
export function problemResponses(codes: readonly ProblemCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set([...codes, ...everywhere]), (code) => problems[code].status);
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, problemResponse(some)]));
}

function problemResponse(codes: readonly ProblemCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].detail}`).join("\n\n"),
    content: {
      [PROBLEM_TYPE]: {
        schema: ref("Problem"),
        examples: Object.fromEntries(
          codes.map((code) => [
            code,
            { value: toProblem(code, "req_3pXw", extensions[code] as Record<string, unknown> | undefined) },
          ]),
        ),
      },
    },
  };
}
