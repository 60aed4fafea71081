/**
 * Delivers parcels, on request or automatically some time after their hand-over, or lets them be refused, unclaimed,
 * lost or returned, on request; reports each of these to the shop.
 * Owns: the timers of the parcels in transit.  Does not own: the shipments, how the shop receives a report.
 * A crash leaves the state of the file: the next run delivers parcels in transit and sends the missing reports.
 */
import type { Money } from "../../machines/types.ts";
import type { Refusal } from "../simulators/refusal.ts";
import type { Misfortune, Shipment, Shipments } from "./shipments.ts";

/** What the courier works with. */
export type CourierOptions = {
  readonly shipments: Shipments;
  /** From the hand-over to the door, ms; undefined: nothing is delivered automatically. */
  readonly deliverAfterMs: number | undefined;
  /** Reports to the shop; when it returns, the message is stored. `id` names the message permanently. */
  readonly report: (id: string, message: object) => void;
  /** ms since the epoch */
  readonly now: () => number;
};

/** The courier of one file of shipments. */
export class Courier {
  private readonly options: CourierOptions;
  private readonly timers = new Map<string, NodeJS.Timeout>();

  /** Continues the deliveries and reports of an earlier run. */
  constructor(options: CourierOptions) {
    this.options = options;
    for (const shipment of options.shipments.unreported()) this.report(shipment);
    if (options.deliverAfterMs === undefined) return;
    for (const shipment of options.shipments.list()) this.drive(shipment);
  }

  /** The shop gives a parcel to the carrier. */
  handOver(trackingNumber: string, orderId: string): Shipment | Refusal {
    const shipment = this.options.shipments.handOver(trackingNumber, orderId);
    if ("trackingNumber" in shipment) this.drive(shipment);
    return shipment;
  }

  /** Delivers a parcel. @param collected what was paid at the door; undefined: the amount to collect */
  deliver(trackingNumber: string, collected?: Money | null): Shipment | Refusal {
    this.forgetTimer(trackingNumber);
    const shipment = this.options.shipments.deliver(trackingNumber, collected);
    if ("trackingNumber" in shipment) this.report(shipment);
    return shipment;
  }

  /** A parcel does not stay with its receiver. */
  fail(trackingNumber: string, misfortune: Misfortune): Shipment | Refusal {
    this.forgetTimer(trackingNumber);
    const shipment = this.options.shipments.fail(trackingNumber, misfortune);
    if ("trackingNumber" in shipment) this.report(shipment);
    return shipment;
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private forgetTimer(trackingNumber: string): void {
    clearTimeout(this.timers.get(trackingNumber));
    this.timers.delete(trackingNumber);
  }

  private drive({ trackingNumber, status, handedOverAt }: Shipment): void {
    const { deliverAfterMs, now } = this.options;
    if (deliverAfterMs === undefined || status !== "handed_over" || handedOverAt === null) return;
    if (this.timers.has(trackingNumber)) return;
    const left = Math.max(Date.parse(handedOverAt) + deliverAfterMs - now(), 0);
    this.timers.set(
      trackingNumber,
      setTimeout(() => this.deliver(trackingNumber), left),
    );
  }

  private report({ trackingNumber, orderId, collected, status, deliveredAt, failedAt }: Shipment): void {
    const { report, shipments } = this.options;
    const delivered = status === "delivered";
    report(`msg_${trackingNumber}_${status}`, {
      type: `shipment.${status}`,
      timestamp: delivered ? deliveredAt : failedAt,
      data: { trackingNumber, orderId, ...(delivered && { collected }) },
    });
    shipments.reported(trackingNumber);
  }
}
