/** The public events of orders: what a consumer of the stream may rely on. Names and members are public formats. */
import { Type } from "typebox";
import { subjects } from "../subjects.ts";
import { fulfillmentEvents } from "./fulfillment-events.ts";
import { orderEvents } from "./order-events.ts";
import { paymentEvents } from "./payment-events.ts";
import type { PublicEvent } from "./schema-parts.ts";

export type { PublicEvent } from "./schema-parts.ts";

/** Every event that may leave an order, once each. */
export const publicEvents: readonly PublicEvent[] = [...orderEvents, ...paymentEvents, ...fulfillmentEvents];

/** The subject of an event, with `{partition}` in place of the partition. */
export const eventAddress = (type: string): string => subjects.events(type).replace("*", "{partition}");

/** Headers of every event: CloudEvents 1.0 in NATS's binary mode, and the version of the facts. */
export const eventHeaders = Type.Object({
  "ce-specversion": Type.Literal("1.0"),
  "ce-id": Type.String({
    pattern: "^ord_[^.]+\\.[1-9][0-9]*\\.[0-9]+$",
    description:
      "`<order>.<version>.<n>`: the same in every delivery. Consumers recognize a repeat by it. Events of an order are ordered by version, then by n",
    examples: ["ord_4f0v5Xk2.3.0"],
  }),
  "ce-type": Type.String({ description: "As in the subject", examples: ["order.created"] }),
  "ce-source": Type.Literal(subjects.source),
  "ce-subject": Type.String({ description: "The order", examples: ["ord_4f0v5Xk2"] }),
  "ce-time": Type.String({ format: "date-time", description: "When the order changed" }),
  "content-type": Type.Literal("application/json"),
  "Orderly-Facts": Type.Optional(
    Type.String({
      pattern: "^[1-9][0-9]*$",
      description: "Version of the order's facts that it goes with; absent in events of version 0.1.0",
    }),
  ),
});
