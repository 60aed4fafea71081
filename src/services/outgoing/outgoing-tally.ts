/** Counts outgoing webhooks on one node, for metrics. Nothing of it is stored. */
import type { BreakerState } from "../../runtime/effects/circuit-breaker.ts";
import type { DeliveryState } from "./contract.ts";

/** Outgoing webhooks on a node: 0 everywhere but on the one that sends. */
export type OutgoingCounts = {
  /** Endpoints by breaker. */
  readonly endpoints: Readonly<Record<BreakerState, number>>;
  /** Deliveries in memory that are not over. */
  readonly pending: number;
  /** Requests since the start of the process, by what became of the delivery. */
  readonly tries: Readonly<Record<"delivered" | "retried" | "failed", number>>;
};

/** What a sender shows of itself. */
export type SenderState = { readonly breaker: BreakerState; readonly pending: number };

/** The senders of a node, and what they have sent. */
export class OutgoingTally {
  private readonly senders = new Set<() => SenderState>();
  private readonly tries = { delivered: 0, retried: 0, failed: 0 };

  /** A sender begins; the answer removes it. */
  begins(state: () => SenderState): () => void {
    this.senders.add(state);
    return () => void this.senders.delete(state);
  }

  /** A request has ended. @param state of its delivery now */
  tried(state: DeliveryState): void {
    this.tries[state === "pending" ? "retried" : state]++;
  }

  /** The counts now. */
  counts(): OutgoingCounts {
    const endpoints = { closed: 0, half_open: 0, open: 0 };
    let pending = 0;
    for (const state of this.senders) {
      const sender = state();
      endpoints[sender.breaker]++;
      pending += sender.pending;
    }
    return { endpoints, pending, tries: { ...this.tries } };
  }
}
