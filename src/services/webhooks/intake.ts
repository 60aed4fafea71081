/**
 * Takes the reports of outside systems and writes them to the order's inbox, where they wait for the order's owner.
 * Owns nothing. The stream deduplicates a repeated message by its id; the machine ignores any other repetition.
 */
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { GatewayDeclined, GatewayPaid } from "../../../machines/payment-events.ts";
import type { Actors } from "../../runtime/actors.ts";
import { Unavailable } from "../../runtime/ports.ts";
import type { Money } from "../../../machines/types.ts";
import { unavailable } from "../unavailable.ts";
import type {
  DeliveryReport,
  IntakeResult,
  PaymentReport,
  WebhookIntake,
  WebhookSender,
} from "./contract.ts";
import { signedHeaders, verifiedId } from "./signature.ts";

/** What the intake needs of its node. */
export type IntakeOptions = {
  /** The secret of each sender. */
  readonly secrets: Readonly<Record<WebhookSender, string>>;
  readonly deliver: Actors["deliver"];
  /** ms since the epoch, by the server's clock. */
  readonly now: () => number;
  /** The value of the promise, or undefined when this node becomes isolated first. */
  readonly orIsolated: <T>(promise: Promise<T>) => Promise<T | undefined>;
};

/** See {@link WebhookIntake}. */
export function webhookIntake({ secrets, deliver, now, orIsolated }: IntakeOptions): WebhookIntake {
  const take = async (...input: Parameters<Actors["deliver"]>): Promise<IntakeResult> => {
    const stored = deliver(...input).then(() => true);
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
    hasSignature: (headers) => signedHeaders(headers, now()) !== undefined,
    verify: (sender, headers, body) => verifiedId(secrets[sender], headers, body, now()),
    payment: (id, report) => take(report.data.orderId, "payment", paymentEvent(report), id),
    delivery: (id, report) => take(report.data.orderId, "fulfillment", deliveredEvent(report), id),
  };
}

function paymentEvent({ type, data }: PaymentReport): GatewayPaid | GatewayDeclined {
  const { payment, authorization, reason } = data;
  const amount: Money = { amount: data.amount, currency: data.currency };
  return type === "payment.paid" && authorization !== null
    ? { type: "gateway.paid", payment, authorization, amount }
    : { type: "gateway.declined", payment, reason: reason ?? "declined" };
}

function deliveredEvent({ data }: DeliveryReport): FulfillmentEvent {
  const { trackingNumber, collected } = data;
  return { type: "carrier.delivered", trackingNumber, collected };
}
