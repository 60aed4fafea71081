/** A carrier over HTTP with `Idempotency-Key` (the simulator's interface); json-provider.ts reads its answers. */
import type { LabelOutput } from "../../../machines/types.ts";
import { field, idField } from "../providers/answer-fields.ts";
import { type Answer, failed, jsonProvider } from "../providers/json-provider.ts";
import type { Carrier } from "./carrier.ts";

/**
 * Implements the port over one pool of connections. @param baseUrl without a slash at the end. Connections are kept
 * open; idle ones do not keep the process alive.
 */
export function httpCarrier(baseUrl: string): Carrier {
  const provider = jsonProvider("carrier", baseUrl);
  return {
    async createLabel({ orderId, shippingAddress, collect }, call) {
      const answer = await provider.post(
        "/shipments",
        { orderId, shippingAddress, collect: collect ?? null },
        call,
      );
      return label(answer) ?? fail(answer);
    },
    async handOver({ orderId, trackingNumber }, { signal }) {
      const path = `/shipments/${encodeURIComponent(trackingNumber)}/hand-over`;
      const answer = await provider.post(path, { orderId }, { key: `${orderId}:hand-over`, signal });
      return answer.status === 200 ? { outcome: "taken" } : fail(answer);
    },
    async queryStatus({ key, signal }) {
      const answer = await provider.get(`/labels/${encodeURIComponent(key)}`, signal);
      return answer.status === 404 ? undefined : (label(answer) ?? fail(answer));
    },
  };
}

function label({ status, body }: Answer): LabelOutput | undefined {
  const trackingNumber = field(idField, body["trackingNumber"]);
  return status === 200 && trackingNumber !== undefined ? { trackingNumber } : undefined;
}

const fail = (answer: Answer): never => failed("carrier", answer);
