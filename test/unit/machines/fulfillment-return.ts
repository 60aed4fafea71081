/** Parcels that do not stay with their receiver, and disputed amounts: given states and outcomes of the fulfillment. */
import type { OrderInput } from "../../../machines/types.ts";
import type { Chart } from "./chart.ts";
import { auto, manual, reach, type W } from "./fulfillment-stage.ts";
import type { Then } from "./scenarios.ts";

type Outcomes = Readonly<Partial<Record<W, Then>>>;

const delivered: Then = { to: "delivered", emits: ["fulfillment.delivered"] };
const restocking: Then = {
  to: "restocking.putting_back",
  emits: ["fulfillment.returned"],
  invokes: ["returnInventory"],
};
const writtenOff: Then = { to: "returned", emits: ["fulfillment.returned"] };

/** The carrier has delivered, and collected another amount than the one due. */
export const disputed: Then = { to: "disputed", emits: ["fulfillment.amount_differs"] };

/** A credit note is kept where the order has ended. */
export const credited = (to: string): Outcomes => ({
  "credit note issued": { to, emits: ["credit_note.created"] },
});

const lostOrReceived: Outcomes = {
  "carrier lost": writtenOff,
  "report lost": writtenOff,
  receive: restocking,
  "receive damaged": writtenOff,
};

/** What sends a parcel in transit back. */
export function sentBack({ mode }: OrderInput["fulfillment"]): Outcomes {
  const [comes, arrives] = mode === "auto" ? ["pausing", "pausing"] : ["awaiting", "arrived"];
  const delays = mode === "auto" ? { delays: [1500] } : {};
  const emits = ["fulfillment.returning"];
  const returning: Then = { to: `returning.${comes}`, emits, ...delays };
  return {
    ...lostOrReceived,
    "carrier refused": returning,
    "carrier unclaimed": returning,
    "report refused": returning,
    "report unclaimed": returning,
    "carrier returned": { to: `returning.${arrives}`, emits, ...delays },
  };
}

type Given = Readonly<Record<string, { readonly reach: () => Chart; readonly outcomes: Outcomes }>>;

/** The given states, from the ways to a parcel in transit. */
export function returns(
  ways: Readonly<Record<"stockGone" | "shipped" | "autoShipped", readonly W[]>>,
): Given {
  const { stockGone, shipped, autoShipped } = ways;
  const consigning = (word: W, then: Then): Given[string] => ({
    reach: reach("debit_card", manual, ...stockGone, word),
    outcomes: {
      "carrier delivered": { to: "shipping.consigning" },
      "carrier delivered and collected": { to: "shipping.consigning" },
      "carrier delivered and collected too little": { to: "shipping.consigning" },
      "carrier refused": { to: "shipping.consigning" },
      "carrier unclaimed": { to: "shipping.consigning" },
      "carrier lost": { to: "shipping.consigning" },
      "carrier returned": { to: "shipping.consigning" },
      "handed over": { ...then, emits: ["fulfillment.shipped", ...(then.emits ?? [])] },
      "not handed over": { to: "shipping.consignment_failed", delays: [1000] },
    },
  });
  const returning: Outcomes = {
    "deliver and collect": delivered,
    "carrier delivered and collected": delivered,
    ...lostOrReceived,
  };
  return {
    "consigning, and lost already": consigning("carrier lost", writtenOff),
    "consigning, and refused already": consigning("carrier refused", {
      to: "returning.awaiting",
      emits: ["fulfillment.returning"],
    }),
    "consigning, and delivered with another amount already": consigning(
      "carrier delivered and collected",
      disputed,
    ),
    "disputed, to be paid at the door": {
      reach: reach("cash_on_delivery", manual, ...shipped, "carrier delivered and collected too little"),
      outcomes: {
        ...sentBack(manual),
        settle: delivered,
        "deliver and collect": delivered,
        "carrier delivered and collected": delivered,
      },
    },
    "disputed, paid already": {
      reach: reach("debit_card", manual, ...shipped, "carrier delivered and collected"),
      outcomes: {
        ...sentBack(manual),
        settle: delivered,
        deliver: delivered,
        "deliver and collect nothing": delivered,
        "carrier delivered": delivered,
      },
    },
    "coming back": {
      reach: reach("cash_on_delivery", manual, ...shipped, "carrier refused"),
      outcomes: { ...returning, "carrier returned": { to: "returning.arrived" } },
    },
    "back at the sender": {
      reach: reach("cash_on_delivery", manual, ...shipped, "report unclaimed", "carrier returned"),
      outcomes: returning,
    },
    "coming back, by itself": {
      reach: reach("cash_on_delivery", auto, ...autoShipped, "report refused"),
      outcomes: { ...returning, "pause over": restocking },
    },
    restocking: {
      reach: reach("debit_card", manual, ...shipped, "receive"),
      outcomes: {
        "stock returned": { to: "returned" },
        "stock not returned": { to: "restocking.restock_failed", delays: [1000] },
        ...credited("restocking.putting_back"),
      },
    },
    "restock failed": {
      reach: reach("debit_card", manual, ...shipped, "receive", "stock not returned"),
      outcomes: {
        "pause over": { to: "restocking.putting_back", invokes: ["returnInventory"] },
        retry: { to: "restocking.putting_back", invokes: ["returnInventory"] },
        ...credited("restocking.restock_failed"),
      },
    },
    returned: {
      reach: reach("debit_card", manual, ...shipped, "carrier lost"),
      outcomes: credited("returned"),
    },
    "returned, with a credit note": {
      reach: reach("debit_card", manual, ...shipped, "carrier lost", "credit note issued"),
      outcomes: {},
    },
  };
}
