/** Bodies of the commands to an existing order. */
import { type Static, Type } from "typebox";
import { httpLimits } from "../protocol/limits.ts";
import { closed, moneyInput, text } from "../protocol/schema-parts.ts";

/** The recorded reason of a cancellation that gives none. */
export const DEFAULT_CANCEL_REASON = "Cancelled on request";

/** Body of the command `cancel`. */
export const CancelOrder = closed(
  {
    reason: Type.Optional({
      ...text(500, "Shown on the order and in the e-mail"),
      default: DEFAULT_CANCEL_REASON,
    }),
  },
  { $id: "CancelOrder", examples: [{ reason: "Ordered by mistake" }] },
);

/** Body of a request without fields. */
export const NoFields = closed({}, { $id: "NoFields", examples: [{}] });

const reason = Type.Optional(text(500, "Why; recorded in the order's history"));

/** Body of a command that has no fields but the reason. */
export const WithReason = closed({ reason }, { $id: "WithReason", examples: [{ reason: "Asked by phone" }] });

/** Body of the command `quality-check`. */
export const QualityCheck = closed(
  { passed: Type.Boolean({ description: "False sends the order back to `stored`" }), reason },
  { $id: "QualityCheck", examples: [{ passed: true }] },
);

/** Body of the command `deliver`. */
export const DeliverOrder = closed(
  {
    collected: Type.Optional({
      ...moneyInput(httpLimits.amount * httpLimits.quantity * httpLimits.lines),
      description: "Cash on delivery and in person: what the customer paid",
    }),
    reason,
  },
  { $id: "DeliverOrder", examples: [{ collected: { amount: 3998, currency: "EUR" } }] },
);

/** Body of the command `receive`. */
export const ReceiveParcel = closed(
  {
    restock: Type.Boolean({ description: "True: the goods can be sold again. False writes them off" }),
    reason,
  },
  { $id: "ReceiveParcel", examples: [{ restock: true }] },
);

/** Body of the command `settle`. */
export const SettleDispute = closed(
  { reason: { ...text(500, "Why the amount is accepted; shown on the order") } },
  { $id: "SettleDispute", examples: [{ reason: "The rest was written off" }] },
);

/** Components whose fields are all optional: their commands take an empty body as `{}`. */
export const mayBeEmpty: ReadonlySet<string> = new Set([
  "CancelOrder",
  "NoFields",
  "WithReason",
  "DeliverOrder",
  "SkipInput",
]);

/** The validated body of a command that has no fields but the reason. */
export type WithReason = Static<typeof WithReason>;
/** The validated body of `cancel`. */
export type CancelOrder = Static<typeof CancelOrder>;
/** The validated body of `quality-check`. */
export type QualityCheck = Static<typeof QualityCheck>;
/** The validated body of `receive`. */
export type ReceiveParcel = Static<typeof ReceiveParcel>;
/** The validated body of `settle`. */
export type SettleDispute = Static<typeof SettleDispute>;
/** The validated body of `deliver`. */
export type DeliverOrder = Static<typeof DeliverOrder>;
