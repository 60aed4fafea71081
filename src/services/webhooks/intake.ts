/**
 * Takes the reports of outside systems and writes them to the order's inbox, where they wait for the order's owner.
 * The stream deduplicates a repeated message by its id, the order by its latest inputs; the machine ignores any other
 * repetition. A message that no order takes is kept for operators.
 * Owns: its counts.
 * Invariants
 *   webhook.B1. An id belongs to its sender: no message of one sender is a repeat of another one's, or of a worker's.
 *   webhook.B2. A repeat with another body than the first message is not applied.
 *   webhook.B3. A message is taken when it is in the inbox of its order, or kept as unmatched, and not before.
 *   webhook.B4. A message about an order that does not exist is in no inbox: an order that appears later never gets it.
 * Proved by: test/unit/services/webhooks.test.ts, test/unit/services/webhook-ids.test.ts,
 *   test/unit/services/unmatched.test.ts
 */
import { createHmac } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { GatewayDeclined, GatewayPaid } from "../../../machines/payment-events.ts";
import type { Actors } from "../../runtime/actors.ts";
import type { Failpoints } from "../../runtime/failpoints.ts";
import { type Log, Unavailable } from "../../runtime/ports.ts";
import type { Money } from "../../../machines/types.ts";
import { unavailable } from "../unavailable.ts";
import type {
  DeliveryReport,
  IntakeResult,
  PaymentReport,
  UnmatchedReason,
  WebhookIntake,
  WebhookSender,
} from "./contract.ts";
import type { OrderInbox, OutsideInput } from "./order-inbox.ts";
import { signedHeaders, verifiedId } from "./signature.ts";
import { type Digests, hidden, keepUnmatched, type Unmatched, type UnmatchedRegisters } from "./unmatched.ts";

/** What the intake needs of its node. */
export type IntakeOptions = {
  /** The secrets of each sender, the newest first: at least one, several while a secret is being changed. */
  readonly secrets: Readonly<Record<WebhookSender, readonly string[]>>;
  readonly deliver: Actors["deliver"];
  /** ms since the epoch, by the server's clock. */
  readonly now: () => number;
  readonly inbox: OrderInbox;
  readonly unmatched: UnmatchedRegisters;
  /** The value of the promise, or undefined when this node becomes isolated first. */
  readonly orIsolated: <T>(promise: Promise<T>) => Promise<T | undefined>;
  readonly log: Log;
  /** Tests only: ends the process at a chosen place. */
  readonly failpoints?: Failpoints | undefined;
};

/** A report as the order's machine takes it, and the message that it came in. */
type Report = {
  readonly sender: WebhookSender;
  readonly id: string;
  readonly type: string;
  readonly orderId: string;
  readonly machine: "payment" | "fulfillment";
  readonly event: GatewayPaid | GatewayDeclined | FulfillmentEvent;
  readonly body: Buffer;
};

/** The id of a message in inboxes and records. No `webhook-id` has a slash: no sender can name another one's. */
const inputId = (sender: WebhookSender, id: string): string => `${sender}/${id}`;

const none = (): Record<UnmatchedReason, number> => ({ unknown_order: 0, unknown_type: 0 });

/** See {@link WebhookIntake}. */
export function webhookIntake(options: IntakeOptions): WebhookIntake {
  const { secrets, deliver, inbox, unmatched, orIsolated, now, log, failpoints } = options;
  const counts = {
    otherBody: { payments: 0, carrier: 0 },
    unmatched: { payments: none(), carrier: none() },
  };

  const countOther = (sender: WebhookSender, id: string, orderId: string | null): void => {
    counts.otherBody[sender]++;
    const fields = { sender, webhook: hidden(id), order: orderId === null ? null : hidden(orderId) };
    log.warn(fields, "webhook repeated with another body: not applied");
  };

  const keep = async (message: Unmatched): Promise<void> => {
    const { sender, id, type, orderId, reason } = message;
    const kept = await keepUnmatched(unmatched, message, digestsOf(secrets[sender]), failpoints);
    if (kept === "other_body") countOther(sender, id, orderId);
    if (kept !== "stored") return;
    counts.unmatched[sender][reason]++;
    const order = orderId === null ? null : hidden(orderId);
    log.warn(
      { sender, webhook: hidden(id), type: hidden(type), order, reason },
      "signed webhook that no order takes: kept, see GET /v1/webhooks/unmatched",
    );
  };

  const put = async (report: Report): Promise<void> => {
    const { sender, id, orderId, machine, event, body } = report;
    if (!(await inbox.exists(orderId))) return keep({ ...report, reason: "unknown_order" });
    const digests = digestsOf(secrets[sender])(body);
    const isRepeatOf = (first: OutsideInput): boolean =>
      first.digest === undefined ? isDeepStrictEqual(first.event, event) : digests.includes(first.digest);
    const first = firstOf(await inbox.inputs(orderId), report);
    if (first && !isRepeatOf(first)) return countOther(sender, id, orderId);
    // A repeat keeps the id of the first message: stream and order know it by that.
    const delivered = await deliver(orderId, machine, event, first?.id ?? inputId(sender, id), digests[0]);
    if (first || delivered === "stored") return;
    // Stored by another request at this moment, perhaps with another body.
    const other = firstOf(await inbox.inputs(orderId), report);
    if (other === undefined) throw new Unavailable("the stream knows the message, and it cannot be read yet");
    if (!isRepeatOf(other)) countOther(sender, id, orderId);
  };

  const take = async (work: Promise<void>): Promise<IntakeResult> => {
    const stored = work.then(() => true);
    try {
      const taken = await orIsolated(stored);
      return taken
        ? { status: "taken" }
        : unavailable("this node became isolated while it stored the message");
    } catch (error) {
      if (error instanceof Unavailable) return unavailable(error.message);
      throw error;
    }
  };

  return {
    counts,
    hasSignature: (headers) => signedHeaders(headers, now()) !== undefined,
    verify: (sender, headers, body) => verifiedId(secrets[sender], headers, body, now()),
    payment: (id, report, body) => {
      const { type, data } = report;
      const machine = "payment";
      const event = paymentEvent(report);
      return take(put({ sender: "payments", id, type, orderId: data.orderId, machine, event, body }));
    },
    delivery: (id, report, body) => {
      const { type, data } = report;
      const machine = "fulfillment";
      const event = parcelEvent(report);
      return take(put({ sender: "carrier", id, type, orderId: data.orderId, machine, event, body }));
    },
    unknownType: (sender, id, { type, orderId }, body) =>
      take(keep({ sender, id, type, orderId, reason: "unknown_type", body })),
  };
}

/**
 * Digests of a text, one for each secret: the first one is stored. A message whose first copy came before its secret
 * changed has one of the others. With a key, since a body may hold what must not be found out from a stored digest.
 */
const digestsOf =
  (secrets: readonly string[]): Digests =>
  (text) =>
    secrets.map((secret) => createHmac("sha256", secret).update(text).digest("base64url"));

/**
 * The first message of this sender and id in the order's inbox. Version 0.1.0 stored ids without their sender and
 * without a digest: there, the machine shows the sender. Where both senders used the id, the order has taken one of the
 * two messages at most, and which is not known: then neither is this one's first, and the machine recognizes a repeat.
 */
function firstOf(inputs: readonly OutsideInput[], { sender, id, machine }: Report): OutsideInput | undefined {
  const own = inputs.find((input) => input.digest !== undefined && input.id === inputId(sender, id));
  if (own) return own;
  const before = inputs.filter((input) => input.digest === undefined && input.id === id);
  return before.every((input) => input.machine === machine) ? before[0] : undefined;
}

function paymentEvent({ type, data }: PaymentReport): GatewayPaid | GatewayDeclined {
  const { payment, authorization, reason } = data;
  const amount: Money = { amount: data.amount, currency: data.currency };
  return type === "payment.paid" && authorization !== null
    ? { type: "gateway.paid", payment, authorization, amount }
    : { type: "gateway.declined", payment, reason: reason ?? "declined" };
}

/** The machine's event of each report about a parcel that does not stay with its receiver. */
const parcelWords = {
  "shipment.refused": "carrier.refused",
  "shipment.unclaimed": "carrier.unclaimed",
  "shipment.lost": "carrier.lost",
  "shipment.returned": "carrier.returned",
} as const;

function parcelEvent(report: DeliveryReport): FulfillmentEvent {
  const { trackingNumber } = report.data;
  if (report.type !== "shipment.delivered") return { type: parcelWords[report.type], trackingNumber };
  return { type: "carrier.delivered", trackingNumber, collected: report.data.collected };
}
