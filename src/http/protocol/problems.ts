/**
 * The one map from problem code to status and title, and the shape of every error answer (RFC 9457).
 * Codes are part of the public contract: docs/errors.md explains each one, and a test keeps both equal.
 */
import type { Fault } from "./faults.ts";

/** `detail` is the sentence for an occurrence that adds nothing more exact. */
type Entry = { readonly status: number; readonly title: string; readonly detail: string };

/** Status, title and default detail by code. */
export const problems = {
  bad_request: {
    status: 400,
    title: "Bad request",
    detail: "The request is not valid HTTP or its URL is malformed.",
  },
  malformed_json: {
    status: 400,
    title: "Malformed JSON",
    detail: "The body is not one valid JSON text in UTF-8.",
  },
  duplicate_key: {
    status: 400,
    title: "Duplicate JSON key",
    detail: "An object of the body names the same key twice.",
  },
  validation_failed: {
    status: 400,
    title: "Invalid input",
    detail: "The input breaks the rules listed in errors.",
  },
  card_number: {
    status: 400,
    title: "Card number",
    detail: "The request has a card number. Cards are paid with a token of the payment gateway.",
  },
  duplicate_sku: { status: 400, title: "Duplicate SKU", detail: "Each SKU may be in one line only." },
  invalid_idempotency_key: {
    status: 400,
    title: "Invalid idempotency key",
    detail: "Idempotency-Key takes 1 to 255 visible ASCII characters.",
  },
  idempotency_key_required: {
    status: 400,
    title: "Idempotency key required",
    detail: "Send an Idempotency-Key, so that a repetition is not done twice.",
  },
  invalid_signature: {
    status: 401,
    title: "Invalid signature",
    detail: "The webhook's signature is missing, wrong, or not from the last five minutes.",
  },
  unauthenticated: {
    status: 401,
    title: "Unauthenticated",
    detail: "Send an API key: `Authorization: Bearer ok_...`.",
  },
  payment_failed: {
    status: 402,
    title: "Payment failed",
    detail: "The payment was refused; the order is closed.",
  },
  payment_expired: {
    status: 402,
    title: "Payment expired",
    detail: "The payment was not authorized in time; the order is closed.",
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    detail: "The caller may not do this; needs has the roles that may.",
  },
  foreign_origin: {
    status: 403,
    title: "Foreign origin",
    detail: "The request comes from a page of another site, or under a name that is not this server's.",
  },
  key_not_found: { status: 404, title: "API key not found", detail: "There is no API key with this id." },
  not_found: { status: 404, title: "Not found", detail: "There is nothing at this address." },
  customer_not_found: {
    status: 404,
    title: "Customer not found",
    detail: "No personal data of this customer was ever sealed.",
  },
  order_not_found: { status: 404, title: "Order not found", detail: "There is no order with this id." },
  version_not_found: {
    status: 404,
    title: "Version not found",
    detail: "The order has no commit with this version.",
  },
  node_not_found: { status: 404, title: "Node not found", detail: "No node of this id is present." },
  partition_not_found: { status: 404, title: "Partition not found", detail: "There is no such partition." },
  machine_not_found: {
    status: 404,
    title: "Machine not found",
    detail: "An order has no machine of this name.",
  },
  sku_not_found: { status: 404, title: "SKU not found", detail: "The catalogue has no such SKU." },
  bulk_not_found: {
    status: 404,
    title: "Bulk operation not found",
    detail: "There is no bulk operation with this id.",
  },
  order_not_parked: {
    status: 404,
    title: "Order not parked",
    detail: "There is no such order, or inputs reach it.",
  },
  webhook_endpoint_not_found: {
    status: 404,
    title: "Webhook endpoint not found",
    detail: "There is no webhook endpoint with this id.",
  },
  webhook_delivery_not_found: {
    status: 404,
    title: "Webhook delivery not found",
    detail: "The endpoint has no delivery with this id; deliveries are kept for 30 days.",
  },
  dead_letter_not_found: {
    status: 404,
    title: "Dead letter not found",
    detail: "There is no dead letter with this id, and there was none that was replayed.",
  },
  invoice_not_ready: {
    status: 404,
    title: "Invoice not ready",
    detail: "The order has no invoice; it is made when the order is ready to ship.",
  },
  credit_note_not_ready: {
    status: 404,
    title: "Credit note not ready",
    detail: "The order has no credit note; one is made when an order that has an invoice is cancelled.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "This address takes only the methods in the Allow header.",
  },
  request_timeout: { status: 408, title: "Request timeout", detail: "The request did not arrive in time." },
  out_of_stock: {
    status: 409,
    title: "Out of stock",
    detail: "Not every line is available; nothing is reserved.",
  },
  orders_open: {
    status: 409,
    title: "Orders open",
    detail: "Orders of the customer are open and need the data. Nothing was erased.",
  },
  reference_taken: {
    status: 409,
    title: "Reference taken",
    detail: "Another order has this external reference, or is being placed with it.",
  },
  price_changed: {
    status: 409,
    title: "Price changed",
    detail: "The order's total is not the expected one; nothing is reserved or charged.",
  },
  illegal_transition: {
    status: 409,
    title: "Not possible now",
    detail: "The order does not take this command in its present state.",
  },
  below_reserved: {
    status: 409,
    title: "Below the reserved quantity",
    detail: "Orders hold more of this SKU than the quantity on hand would be.",
  },
  stock_changed: {
    status: 409,
    title: "Stock changed",
    detail: "The quantity on hand is not the expected one; nothing was done.",
  },
  below_zero: {
    status: 409,
    title: "Below zero",
    detail: "The adjustment would take more pieces than there are; nothing was done.",
  },
  refused: {
    status: 409,
    title: "Refused",
    detail: "The input cannot be applied in the present state; an operator may have to act first.",
  },
  dead_letter_closed: {
    status: 409,
    title: "Dead letter closed",
    detail: "The dead letter was replayed or discarded before.",
  },
  still_parked: {
    status: 409,
    title: "Still parked",
    detail: "The order is parked again, by the same input or by a later one.",
  },
  not_parked: {
    status: 409,
    title: "Not parked",
    detail: "The order is not parked; there is no input to skip.",
  },
  parked_otherwise: {
    status: 409,
    title: "Parked otherwise",
    detail: "The parking that was named has ended; the order is parked by another input.",
  },
  nothing_to_skip: {
    status: 409,
    title: "Nothing to skip",
    detail: "The stored order cannot be read; no input is at fault.",
  },
  too_many_endpoints: {
    status: 409,
    title: "Too many endpoints",
    detail: "There are as many webhook endpoints as there may be; remove one first.",
  },
  selection_changed: {
    status: 409,
    title: "Selection changed",
    detail: "More than a tenth more orders fit than were previewed; nothing was started. Preview again.",
  },
  token_expired: {
    status: 409,
    title: "Token expired",
    detail: "The preview is older than five minutes; nothing was started. Preview again.",
  },
  already_owner: { status: 409, title: "Already the owner", detail: "The node owns it; nothing was done." },
  already_moving: { status: 409, title: "Already moving", detail: "It is being moved to another node now." },
  node_draining: {
    status: 409,
    title: "Node draining",
    detail: "The node gives all away and takes nothing.",
  },
  node_incompatible: {
    status: 409,
    title: "Node incompatible",
    detail: "Its program cannot read all orders there.",
  },
  last_node: { status: 409, title: "Last node", detail: "No other node would take what this one has." },
  token_used: {
    status: 409,
    title: "Token used",
    detail: "The token has started a bulk operation under another idempotency key.",
  },
  bulk_items_expired: {
    status: 410,
    title: "List expired",
    detail: "The list of the operation's orders is kept for 30 days.",
  },
  version_changed: {
    status: 412,
    title: "Version changed",
    detail: "It is not in the state that the request names; nothing was done. Read it again.",
  },
  body_too_large: { status: 413, title: "Body too large", detail: "A body may have 65536 bytes." },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    detail: "Bodies are application/json in UTF-8, without content coding.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency key reused",
    detail: "This key came with another body before.",
  },
  token_unknown: {
    status: 422,
    title: "Unknown token",
    detail: "The token is of no preview; nothing was started.",
  },
  selection_too_large: {
    status: 422,
    title: "Selection too large",
    detail: "A bulk operation has at most 100000 orders; nothing was started.",
  },
  unknown_sku: {
    status: 422,
    title: "Unknown SKU",
    detail: "The catalogue does not have every SKU of the order.",
  },
  sku_not_for_sale: { status: 422, title: "SKU not for sale", detail: "SKUs of the order are off sale." },
  mixed_currency: {
    status: 422,
    title: "Mixed currencies",
    detail: "The SKUs of the order are priced in different currencies.",
  },
  amount_mismatch: {
    status: 422,
    title: "Amount mismatch",
    detail: "The collected amount is not the order's total.",
  },
  overloaded: {
    status: 429,
    title: "Overloaded",
    detail: "Too much is waiting already; nothing was written.",
  },
  headers_too_large: {
    status: 431,
    title: "Headers too large",
    detail: "The headers of the request are too large.",
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    detail: "The server failed; the request id finds the cause in the log.",
  },
  unavailable: {
    status: 503,
    title: "Unavailable for a moment",
    detail: "No node serves this part of the data right now; repeat with the same idempotency key.",
  },
  order_unreadable: {
    status: 503,
    title: "Order unreadable",
    detail:
      "The program that serves this order now cannot read its stored state; nothing was applied. It goes on by itself under a program that can.",
  },
  behind: {
    status: 503,
    title: "List lags",
    detail: "The list of orders does not reach that change yet; repeat the request later.",
  },
  projection_off: { status: 503, title: "No list", detail: "No node of the cluster keeps a list of orders." },
  storage_unavailable: {
    status: 503,
    title: "No room",
    detail:
      "A disk is full or cannot be written, so no new work is taken; nothing was written for this request.",
  },
  maintenance: {
    status: 503,
    title: "Maintenance",
    detail: "No new orders are taken now; open orders go on.",
  },
  too_many_streams: {
    status: 503,
    title: "Too many streams",
    detail: "This node has as many open streams as it serves; ask another node, or later.",
  },
  not_ready: {
    status: 503,
    title: "Not ready",
    detail: "The node cannot serve orders right now; see checks.",
  },
} as const satisfies Record<string, Entry>;

/** A stable name of a problem. */
export type ProblemCode = keyof typeof problems;

/** What one occurrence adds; members besides `detail` and `errors` are extensions of RFC 9457. */
export type ProblemMembers = {
  readonly detail?: string;
  readonly errors?: readonly Fault[];
  readonly [extension: string]: unknown;
};

/** The body of an error answer. `type` is `urn:orderly:problem:` and the code. */
export type Problem = ProblemMembers & {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly requestId: string;
};

/** Media type of every error answer (RFC 9457). */
export const PROBLEM_TYPE = "application/problem+json";

/** The body of an error answer. Extensions never overrule the standard members. */
export function toProblem(code: ProblemCode, requestId: string, members: ProblemMembers = {}): Problem {
  const { status, title, detail } = problems[code];
  const standard = {
    type: `urn:orderly:problem:${code}`,
    title,
    status,
    detail: members.detail ?? detail,
    code,
    requestId,
  };
  // First, so that people read them first; last, so that no extension overrules them.
  return { ...standard, ...members, ...standard };
}

/** A problem, thrown by code that has no reply at hand (parsers, hooks). The error handler sends it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly members: ProblemMembers;
  constructor(code: ProblemCode, members: ProblemMembers = {}) {
    super(code);
    this.code = code;
    this.members = members;
  }
}
