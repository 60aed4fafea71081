/** Planted bugs of parcels that come back: the machines, the stock, the messages. */
import type { Mutant } from "./mutant.ts";

const RETURNS_TEST = "test/unit/services/orders/returns.test.ts";
const FULFILLMENT_TEST = "test/unit/machines/fulfillment.test.ts";
const HOLDS_TEST = "test/unit/services/inventory/shard-holds.test.ts";
const MESSAGES_TEST = "test/unit/services/orders/messages.test.ts";

export const returnsMutants: readonly Mutant[] = [
  {
    id: "returns-stock-twice",
    does: "Goods that are back in stock are put back again.",
    file: "src/services/inventory/hold-decisions.ts",
    find: "if (hold.stored.returned === true) return { output };",
    replace: "",
    tests: [HOLDS_TEST],
  },
  {
    id: "returns-stock-of-released",
    does: "Goods that were never shipped come back.",
    file: "src/services/inventory/hold-decisions.ts",
    find: `if (hold.state !== "shipped") return undefined;`,
    replace: `if (hold.state === "none") return undefined;`,
    tests: [HOLDS_TEST],
  },
  {
    id: "returns-keeps-money",
    does: "The payment does not hear of a return, so the customer's money is kept.",
    file: "src/services/orders/definition.ts",
    find: `"fulfillment.returned": ["order", "payment"],`,
    replace: `"fulfillment.returned": ["order"],`,
    tests: [RETURNS_TEST],
  },
  {
    id: "returns-damaged-goods-sold",
    does: "Damaged goods go back into stock.",
    file: "machines/fulfillment-rules.ts",
    find: "isFit: (_, { restock }: { readonly restock: boolean }) => restock,",
    replace: "isFit: (_, { restock }: { readonly restock: boolean }) => restock || !restock,",
    tests: [FULFILLMENT_TEST, RETURNS_TEST],
  },
  {
    id: "returns-other-parcel",
    does: "A word about another parcel counts.",
    file: "machines/fulfillment-rules.ts",
    find: `    isThisParcel: ({ context }, { trackingNumber }: { readonly trackingNumber: string }) =>
      trackingNumber === context.trackingNumber,`,
    replace: `    isThisParcel: ({ context }, { trackingNumber }: { readonly trackingNumber: string }) =>
      trackingNumber.length === context.trackingNumber?.length,`,
    tests: [FULFILLMENT_TEST],
  },
  {
    id: "returns-settled-as-due",
    does: "A settlement books the amount due instead of what was collected.",
    file: "machines/fulfillment-rules.ts",
    find: "if (due === null || context.dispute?.because === undefined) return due;",
    replace: "if (due === null || context.dispute?.because !== undefined) return due;",
    tests: [RETURNS_TEST],
  },
  {
    id: "returns-message-without-version",
    does: "A message that was applied is shown as one that changed nothing.",
    file: "src/services/orders/messages.ts",
    find: "versions.set(snapshot.inbox, snapshot.version);",
    replace: "versions.set(snapshot.version, snapshot.version);",
    tests: [MESSAGES_TEST],
  },
];
