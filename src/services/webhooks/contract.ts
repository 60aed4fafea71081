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
export type DeliveryReport =
  | {
      readonly type: "shipment.delivered";
      readonly data: {
        readonly trackingNumber: string;
        readonly orderId: string;
        readonly collected: Money | null;
      };
    }
  /** It does not stay with its receiver; `shipment.returned`: it is back at the sender. */
  | {
      readonly type: "shipment.refused" | "shipment.unclaimed" | "shipment.lost" | "shipment.returned";
      readonly data: { readonly trackingNumber: string; readonly orderId: string };
    };

/** The senders of webhooks, in the order in which their messages are listed. */
export const webhookSenders = ["payments", "carrier"] as const;

/** One of the senders. Each signs with its own secret, so that none can impersonate another. */
export type WebhookSender = (typeof webhookSenders)[number];

/** Why no order takes a signed message: its order does not exist, or its type is not known. */
export const unmatchedReasons = ["unknown_order", "unknown_type"] as const;

/** One of the reasons. */
export type UnmatchedReason = (typeof unmatchedReasons)[number];

/** `taken`: stored durably, in the order's inbox or, when no order takes it, as an unmatched message. */
export type IntakeResult = { readonly status: "taken" } | UnavailableResult;

/** Numbers of messages since the process started. */
export type WebhookCounts = {
  /** Repeats whose body was not that of the first message; they were not applied. */
  readonly otherBody: Readonly<Record<WebhookSender, number>>;
  /** Unmatched messages that were stored. */
  readonly unmatched: Readonly<Record<WebhookSender, Readonly<Record<UnmatchedReason, number>>>>;
};

/**
 * Verifies webhooks and stores their reports. `id` identifies the message among those of its sender about its order; a
 * repetition has the same id and the same body. `body`: the bytes that were signed, which are JSON.
 */
export interface WebhookIntake {
  readonly counts: WebhookCounts;
  /** False when the headers alone show that the signature is missing, malformed, too old or too new. */
  hasSignature(headers: Readonly<Record<string, string | string[] | undefined>>): boolean;
  /** The message's id when its signature is valid and recent; undefined otherwise. Headers in lower case. */
  verify(
    sender: WebhookSender,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: Buffer,
  ): string | undefined;
  /** Stores a report about a payment. Idempotent by `id`. */
  payment(id: string, report: PaymentReport, body: Buffer): Promise<IntakeResult>;
  /** Stores a report about a parcel. Idempotent by `id`. */
  delivery(id: string, report: DeliveryReport, body: Buffer): Promise<IntakeResult>;
  /** Stores a message of a type that is not known. Idempotent by `id`. `orderId`: null when it names no order. */
  unknownType(
    sender: WebhookSender,
    id: string,
    about: { readonly type: string; readonly orderId: string | null },
    body: Buffer,
  ): Promise<IntakeResult>;
}

/** A signed message that no order takes, as operators see it. Card numbers and e-mail addresses are hidden. */
export type UnmatchedMessage = {
  readonly sender: WebhookSender;
  /** Its `webhook-id`. */
  readonly id: string;
  readonly type: string;
  /** As the message has it; null when it names none. */
  readonly orderId: string | null;
  readonly reason: UnmatchedReason;
  /** The JSON that was signed. */
  readonly body: string;
  /** True when only the beginning of the body is kept. */
  readonly bodyCut: boolean;
  /** When it was stored: RFC 3339, UTC. */
  readonly at: string;
};

/** What operators see of the unmatched messages. Outcomes are values. */
export interface UnmatchedMessages {
  /** By sender, oldest first. `after`: `next` of the page before. */
  list(page: {
    readonly limit: number;
    readonly sender?: WebhookSender;
    readonly after?: string;
  }): Promise<
    | { readonly status: "found"; readonly items: readonly UnmatchedMessage[]; readonly next: string | null }
    | UnavailableResult
  >;
}
