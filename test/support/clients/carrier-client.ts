/** The carrier as a test uses it: its shipments, deliveries, and signed call-backs. */
import { DEVELOPMENT_CARRIER_SECRET } from "../../../config/settings-faults.ts";
import type { Money } from "../../../machines/types.ts";
import type { Misfortune, Shipment } from "../../../nodes/carrier/shipments.ts";
import { signWebhook } from "../../../src/services/webhooks/signature.ts";

/** All shipments in the order of their labels, or those of one order. */
export async function shipments(carrierUrl: string, orderId?: string): Promise<readonly Shipment[]> {
  const query = orderId === undefined ? "" : `?orderId=${orderId}`;
  const response = await fetch(`${carrierUrl}/shipments${query}`);
  return ((await response.json()) as { shipments: readonly Shipment[] }).shipments;
}

/** The carrier delivers; returns the HTTP status. @param collected the amount due when absent */
export async function deliverParcel(
  carrierUrl: string,
  trackingNumber: string,
  collected?: Money | null,
): Promise<number> {
  const response = await fetch(`${carrierUrl}/shipments/${trackingNumber}/deliver`, {
    method: "POST",
    ...(collected === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify({ collected }) }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Something else becomes of the parcel at the carrier; returns the HTTP status. */
export async function failParcel(
  carrierUrl: string,
  trackingNumber: string,
  misfortune: Misfortune,
): Promise<number> {
  const response = await fetch(`${carrierUrl}/shipments/${trackingNumber}/${misfortune}`, { method: "POST" });
  await response.body?.cancel();
  return response.status;
}

export type CallBack = {
  readonly trackingNumber: string;
  readonly orderId: string;
  readonly collected: Money | null;
};

/** Sends the carrier's call-back to any node, under any id; the default secret is the one of development. */
export function callBack(
  nodeUrl: string,
  id: string,
  data: CallBack,
  secret: string = DEVELOPMENT_CARRIER_SECRET,
): Promise<Response> {
  const body = JSON.stringify({ type: "shipment.delivered", timestamp: new Date().toISOString(), data });
  return fetch(`${nodeUrl}/v1/webhooks/carrier`, {
    method: "POST",
    headers: { "content-type": "application/json", ...signWebhook(secret, id, new Date(), body) },
    body,
  });
}
