/** From the outcomes of the order service to answers: the one file that knows which outcome has which HTTP answer. */
import type { CommandResult, OrderView, PlaceResult } from "../../services/orders/contract.ts";
import { etagOf } from "../protocol/etag.ts";
import type { Fault } from "../protocol/faults.ts";
import type { Preferences } from "../protocol/preferences.ts";
import { type ProblemSink, sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";

/** The part of a reply that an order needs, whatever the route's types are. */
export type OrderSink = Omit<ProblemSink, "send"> & { send(payload: OrderView | Buffer): unknown };

/** Sends the order with its version as `ETag`. Orders are personal data: a cache must revalidate every copy. */
export function sendOrder<S extends OrderSink>(reply: S, status: number, order: OrderView): S {
  reply.code(status);
  reply.header("etag", etagOf(order.version));
  reply.header("cache-control", "private, no-cache");
  reply.send(order);
  return reply;
}

/** Answers `POST /v1/orders`. */
export function sendPlaced<S extends OrderSink>(reply: S, result: PlaceResult, preferences: Preferences): S {
  switch (result.status) {
    case "placed":
    case "pending": {
      if (preferences.applied !== "") reply.header("preference-applied", preferences.applied);
      reply.header("location", `/v1/orders/${result.order.id}`);
      const settled = result.status === "placed" && !preferences.answerAtOnce;
      return sendOrder(reply, settled ? 201 : 202, result.order);
    }
    case "out_of_stock":
      return sendProblem(reply, "out_of_stock", { orderId: result.orderId, missing: result.missing });
    case "invalid_address":
      return sendProblem(reply, "validation_failed", { errors: result.faults });
    case "unknown_sku":
      return sendProblem(reply, "unknown_sku", { errors: result.skus.map(unknownSku) });
    case "mixed_currency":
      return sendProblem(reply, "mixed_currency", { currencies: result.currencies });
    case "price_changed": {
      const { status, ...members } = result;
      return sendProblem(reply, status, members);
    }
    case "payment_failed":
    case "payment_expired":
      return sendProblem(reply, result.status, { orderId: result.orderId, reason: result.reason });
    case "idempotency_key_reused":
      return sendProblem(reply, "idempotency_key_reused", { orderId: result.orderId });
    default:
      return sendUnavailable(reply, result);
  }
}

/** Answers a command to an existing order. */
export function sendCommanded<S extends OrderSink>(reply: S, result: CommandResult): S {
  switch (result.status) {
    case "done":
      return sendOrder(reply, 200, result.order);
    case "illegal_transition":
      return sendProblem(reply, "illegal_transition", {
        detail: `The order is ${result.state} and does not take this command now.`,
        state: result.state,
        allowedEvents: result.allowedEvents,
      });
    case "amount_mismatch":
      return sendProblem(reply, "amount_mismatch", { expected: result.expected });
    case "not_found":
      return sendProblem(reply, "order_not_found");
    default:
      return sendUnavailable(reply, result);
  }
}

function unknownSku({ sku, index }: { readonly sku: string; readonly index: number }): Fault {
  return { pointer: `/lines/${index}/sku`, code: "unknown_sku", message: "is not in the catalogue", sku };
}
