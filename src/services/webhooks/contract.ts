/** Webhooks as HTTP sees them. Outcomes are values. */
import type { Money } from "../../../machines/types.ts";
import type { UnavailableResult } from "../unavailable.ts";

/** What a gateway says of a payment on its page. `authorization` is there when it was paid, `reason` otherwise. */
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

/** What a carrier says of a parcel. `collected`: what was paid at the door, null for nothing. */
export type DeliveryReport = {
  readonly type: "shipment.delivered";
  readonly data: {
    readonly trackingNumber: string;
    readonly orderId: string;
    readonly collected: Money | null;
  };
};

/** Who sends webhooks; each signs with a secret of its own, so that none can speak for another. */
export type WebhookSender = "payments" | "carrier";

/** `taken`: stored for good. An order that does not exist ignores it. */
export type IntakeResult = { readonly status: "taken" } | UnavailableResult;

/** What comes in by webhook, its signature checked. `id` names the message, however often it comes. */
export interface WebhookIntake {
  /** False when the headers alone show that the signature is missing, malformed or out of its time. */
  hasSignature(headers: Readonly<Record<string, string | string[] | undefined>>): boolean;
  /** The message's id when it is signed rightly and in time; undefined otherwise. Headers in lower case. */
  verify(
    sender: WebhookSender,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: Buffer,
  ): string | undefined;
  payment(id: string, report: PaymentReport): Promise<IntakeResult>;
  delivery(id: string, report: DeliveryReport): Promise<IntakeResult>;
}
