/** From the outcomes of the order service to answers: the one file that knows which outcome has which HTTP answer. */
import type { PredictedOrder } from "../../services/predictions/contract.ts";
import type { CommandResult, OrderView, PlaceResult } from "../../services/orders/contract.ts";
import type { Sequenced } from "../../services/unavailable.ts";
import { etagOf } from "../protocol/etag.ts";
import type { Fault } from "../protocol/faults.ts";
import type { Preferences } from "../protocol/preferences.ts";
import type { ProblemCode, ProblemMembers } from "../protocol/problems.ts";
import { type ProblemSink, retryAfter, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";

/** The part of a reply that an order needs, whatever the route's types are. */
export type OrderSink = Omit<ProblemSink, "send"> & { send(payload: OrderView | Buffer): unknown };

/** When a caller may try again whose order was refused, ms: maintenance takes minutes. */
const MAINTENANCE_RETRY_MS = 60_000;

/** The header that says what a list has to know (`minSequence`) in order to show what was done. */
export const SEQUENCE_HEADER = "orderly-sequence";

/** Its description in the document. */
export const sequenceHeader = {
  [SEQUENCE_HEADER]: {
    type: "string",
    description: "Position of the order's newest record: `minSequence` of `GET /v1/orders` takes it",
  },
} as const;

/** Sets the header, where the position is known. */
export function stateSequence(reply: Pick<ProblemSink, "header">, storedAt: string | undefined): void {
  if (storedAt !== undefined) reply.header(SEQUENCE_HEADER, storedAt);
}

/** Sends the order with its version as `ETag`. Orders are personal data: a cache must revalidate every copy. */
export function sendOrder<S extends OrderSink>(reply: S, status: number, order: OrderView): S {
  reply.code(status);
  reply.header("etag", etagOf(order.version));
  reply.header("cache-control", "private, no-cache");
  reply.send(order);
  return reply;
}

/** A problem with its members. */
export type Occurrence = { readonly code: ProblemCode; readonly members?: ProblemMembers };

/** The problem of a refused order or command. */
export function refusalProblem(refusal: NonNullable<PredictedOrder["refusal"]>): Occurrence {
  switch (refusal.status) {
    case "invalid_address":
      return { code: "validation_failed", members: { errors: refusal.faults } };
    case "unknown_sku":
      return { code: "unknown_sku", members: { errors: refusal.skus.map(unknownSku) } };
    case "sku_not_for_sale":
      return { code: "sku_not_for_sale", members: { errors: refusal.skus.map(skuNotForSale) } };
    case "illegal_transition": {
      const { allowedEvents, guards, state } = refusal;
      const detail = `The order is ${state} and does not take this command now.`;
      return { code: "illegal_transition", members: { detail, state, allowedEvents, guards } };
    }
    case "still_parked":
      return { code: "still_parked", members: { reason: refusal.reason } };
    case "refused":
      return { code: "refused", members: { refusal: refusal.code } };
    default: {
      const { status, ...members } = refusal;
      return { code: status, members };
    }
  }
}

/** Answers `POST /v1/orders`. */
export function sendPlaced<S extends OrderSink>(
  reply: S,
  { storedAt, ...result }: Sequenced<PlaceResult>,
  preferences: Preferences,
): S {
  stateSequence(reply, storedAt);
  switch (result.status) {
    case "placed":
    case "pending": {
      if (preferences.applied !== "") reply.header("preference-applied", preferences.applied);
      reply.header("location", `/v1/orders/${result.order.id}`);
      const settled = result.status === "placed" && !preferences.answerAtOnce;
      return sendOrder(reply, settled ? 201 : 202, result.order);
    }
    case "overloaded":
    case "storage_unavailable":
    case "unavailable":
    case "unreadable":
      return sendUnavailable(reply, result);
    default:
      return sendRefusal(reply, result);
  }
}

/** Answers a command to an existing order. */
export function sendCommanded<S extends OrderSink>(
  reply: S,
  { storedAt, ...result }: Sequenced<CommandResult>,
): S {
  stateSequence(reply, storedAt);
  switch (result.status) {
    case "done":
      return sendOrder(reply, 200, result.order);
    case "not_found":
      return sendProblem(reply, "order_not_found");
    case "illegal_transition":
    case "reference_taken":
    case "amount_mismatch":
    case "version_changed":
    case "idempotency_key_reused":
      return sendRefusal(reply, result);
    default:
      return sendUnavailable(reply, result);
  }
}

function sendRefusal<S extends OrderSink>(reply: S, refusal: Parameters<typeof refusalProblem>[0]): S {
  const { code, members } = refusalProblem(refusal);
  if (code === "maintenance") retryAfter(reply, MAINTENANCE_RETRY_MS);
  return sendProblem(reply, code, members);
}

function skuNotForSale({ sku, index }: { readonly sku: string; readonly index: number }): Fault {
  return { pointer: `/lines/${index}/sku`, code: "sku_not_for_sale", message: "is off sale", sku };
}

function unknownSku({ sku, index }: { readonly sku: string; readonly index: number }): Fault {
  return { pointer: `/lines/${index}/sku`, code: "unknown_sku", message: "is not in the catalogue", sku };
}
