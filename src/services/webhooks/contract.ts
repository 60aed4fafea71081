/** Webhooks as HTTP sees them. Outcomes are values. */
import type { Money } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** A gateway's report about a payment on its page. `authorization` is set when it was paid, `reason` otherwise. */
export type PaymentReport = {
  readonly type: "payment.paid" | "payment.declined";
  readonly data: {
    readonly payment: string;
    readonly orderId: string;
    readonly amount: number;
    readonly currency: string;
    readonly authorization: string | null;
    readonly reason: string | null;
  };
};

/** A carrier's report about a parcel. `collected`: what was paid at the door, null for nothing. */
export type DeliveryReport = {
  readonly type: "shipment.delivered";
  readonly data: {
    readonly trackingNumber: string;
    readonly orderId: string;
    readonly collected: Money | null;
  };
};

/** The senders of webhooks. Each signs with its own secret, so that none can impersonate another. */
export type WebhookSender = "payments" | "carrier";

/** `taken`: stored durably. An input for an order that does not exist has no effect. */
export type IntakeResult = { readonly status: "taken" } | UnavailableResult;

/** Verifies webhooks and stores their reports. `id` identifies the message; a repetition has the same id. */
export interface WebhookIntake {
  /** False when the headers alone show that the signature is missing, malformed, too old or too new. */
  hasSignature(headers: Readonly<Record<string, string | string[] | undefined>>): boolean;
  /** The message's id when its signature is valid and recent; undefined otherwise. Headers in lower case. */
  verify(
    sender: WebhookSender,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: Buffer,
  ): string | undefined;
  /** Stores a report about a payment. Idempotent by `id`. */
  payment(id: string, report: PaymentReport): Promise<IntakeResult>;
  /** Stores a report about a parcel. Idempotent by `id`. */
  delivery(id: string, report: DeliveryReport): Promise<IntakeResult>;
}
