/**
 * Brings parcels to the door: when somebody says so, or by itself some time after they were handed over; and has the
 * shop told.
 * Owns: the timers of the parcels on their way.  Does not own: the shipments, how the shop is told.
 * A crash leaves what the file says: parcels on their way are delivered later, and the shop is told what it was not.
 */
import type { Shipment, Shipments } from "./shipments.ts";
import type { Refusal } from "../simulators/refusal.ts";
import type { Money } from "../../machines/types.ts";

export type CourierOptions = {
  readonly shipments: Shipments;
  /** From the hand-over to the door, ms; undefined: nothing is delivered by itself. */
  readonly deliverAfterMs: number | undefined;
  /** Tells the shop; the message is written down when it returns. `id` names the message for ever. */
  readonly tell: (id: string, message: object) => void;
  /** ms since the epoch */
  readonly now: () => number;
};

export class Courier {
  private readonly options: CourierOptions;
  private readonly timers = new Map<string, NodeJS.Timeout>();

  /** Goes on with what an earlier run has left. */
  constructor(options: CourierOptions) {
    this.options = options;
    for (const shipment of options.shipments.untold()) this.tell(shipment);
    if (options.deliverAfterMs === undefined) return;
    for (const shipment of options.shipments.list()) this.drive(shipment);
  }

  /** A parcel becomes the carrier's. */
  handOver(trackingNumber: string, orderId: string): Shipment | Refusal {
    const shipment = this.options.shipments.handOver(trackingNumber, orderId);
    if ("trackingNumber" in shipment) this.drive(shipment);
    return shipment;
  }

  /** @param collected what was paid at the door; undefined: what was to be collected */
  deliver(trackingNumber: string, collected?: Money | null): Shipment | Refusal {
    clearTimeout(this.timers.get(trackingNumber));
    this.timers.delete(trackingNumber);
    const shipment = this.options.shipments.deliver(trackingNumber, collected);
    if ("trackingNumber" in shipment) this.tell(shipment);
    return shipment;
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
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

  private tell({ trackingNumber, orderId, collected, deliveredAt }: Shipment): void {
    const { tell, shipments } = this.options;
    tell(`msg_${trackingNumber}_delivered`, {
      type: "shipment.delivered",
      timestamp: deliveredAt,
      data: { trackingNumber, orderId, collected },
    });
    shipments.told(trackingNumber);
  }
}
