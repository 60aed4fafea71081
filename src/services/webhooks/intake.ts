/**
 * Takes what outside systems tell about orders, and puts it into the order's inbox, where it waits for whoever owns the
 * order. Owns nothing. A message that comes again finds its own id in the stream, or changes nothing in the machine.
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

export type IntakeOptions = {
  /** What each sender signs with. */
  readonly secrets: Readonly<Record<WebhookSender, string>>;
  readonly deliver: Actors["deliver"];
  /** What the promise gives, or undefined when this node is cut off first. */
  readonly orIsolated: <T>(promise: Promise<T>) => Promise<T | undefined>;
};

export function webhookIntake({ secrets, deliver, orIsolated }: IntakeOptions): WebhookIntake {
  const take = async (...input: Parameters<Actors["deliver"]>): Promise<IntakeResult> => {
    const stored = deliver(...input).then(() => true);
    try {
      const taken = await orIsolated(stored);
      return taken ? { status: "taken" } : unavailable("this node was cut off while it stored the message");
    } catch (error) {
      if (error instanceof Unavailable) return unavailable(error.message);
      throw error;
    }
  };
  return {
    hasSignature: (headers) => signedHeaders(headers) !== undefined,
    verify: (sender, headers, body) => verifiedId(secrets[sender], headers, body),
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
