/** Outgoing webhooks as HTTP sees them: endpoints of other programs that are notified of orders' events. */
import type { UnavailableResult } from "../unavailable.ts";

/** Endpoints of a cluster, at most. */
export const ENDPOINTS_MAX = 20;

/** An endpoint. Times are RFC 3339, UTC. Its secret is shown once, when it is made or rotated. */
export type EndpointView = {
  readonly id: string;
  readonly url: string;
  /** Types of the events that it gets, at least one. */
  readonly types: readonly string[];
  readonly createdAt: string;
};

/** How long the secret before a rotation signs too, ms: the receiver learns the new one meanwhile. */
export const FORMER_SECRET_MS = 24 * 3_600_000;

/** All states of a delivery. `pending`: it is sent again. `failed`: it is not, unless an operator replays it. */
export const deliveryStates = ["pending", "delivered", "failed"] as const;

/** One of {@link deliveryStates}. */
export type DeliveryState = (typeof deliveryStates)[number];

/** One event for one endpoint. What the endpoint answered besides the status is not kept. */
export type DeliveryView = {
  /** The event's id, `<order>.<version>.<n>`: also the `webhook-id`. */
  readonly id: string;
  readonly type: string;
  readonly orderId: string;
  readonly version: number;
  /** Of the event, in its stream. */
  readonly sequence: number;
  readonly stream: number;
  /** When the order changed. */
  readonly occurredAt: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** Of the latest try; null while there was no answer. */
  readonly status: number | null;
  /** Why the latest try failed; null when it did not. */
  readonly error: string | null;
  /** Of the latest try. */
  readonly at: string;
};

/** Why an address is refused, before anything is stored. */
export type UrlFault = { readonly status: "invalid_url"; readonly reason: string };

type NotFound = { readonly status: "not_found" };

/** Outgoing webhooks, at any node. */
export interface OutgoingWebhooks {
  /** Makes an endpoint: it gets the events from now on. */
  create(wanted: {
    readonly url: string;
    readonly types: readonly string[];
  }): Promise<
    | { readonly status: "created"; readonly endpoint: EndpointView; readonly secret: string }
    | UrlFault
    | { readonly status: "too_many_endpoints" }
    | UnavailableResult
  >;
  /** All of them, oldest first. */
  list(): Promise<{ readonly status: "found"; readonly items: readonly EndpointView[] } | UnavailableResult>;
  /**
   * A new secret signs from now on; the one before signs too until `formerUntil` (RFC 3339), and one before that no
   * more.
   */
  rotate(id: string): Promise<
    | {
        readonly status: "rotated";
        readonly endpoint: EndpointView;
        readonly secret: string;
        readonly formerUntil: string;
      }
    | NotFound
    | UnavailableResult
  >;
  /** Nothing more is sent to it, within moments. Its deliveries stay listed until they expire. */
  remove(id: string): Promise<{ readonly status: "removed" } | NotFound | UnavailableResult>;
  /** Deliveries of the last 30 days, by the time of their latest try, oldest first. A page may be short. */
  deliveries(
    id: string,
    page: { readonly limit: number; readonly state?: DeliveryState; readonly after?: number },
  ): Promise<
    | { readonly status: "found"; readonly items: readonly DeliveryView[]; readonly next: number | null }
    | NotFound
    | UnavailableResult
  >;
  /** Sends one delivery again, now and once, whatever its state; the answer has the outcome. */
  replay(
    id: string,
    delivery: string,
  ): Promise<
    | { readonly status: "sent"; readonly delivery: DeliveryView }
    | NotFound
    | { readonly status: "delivery_not_found" }
    | UnavailableResult
  >;
  /** The endpoint gets all its events again from this sequence of each stream on, in order. */
  replayFrom(
    id: string,
    sequence: number,
  ): Promise<
    { readonly status: "replaying"; readonly endpoint: EndpointView } | NotFound | UnavailableResult
  >;
}
