/** Planted bugs of orders: placing, commands, the machines of the order and of fulfillment, the parcel. */
import type { Mutant } from "./mutant.ts";

const ORDERS = "src/services/orders";
const ORDERS_TEST = "test/unit/services/orders/orders.test.ts";
const TOTAL_TEST = "test/unit/services/orders/expected-total.test.ts";
const COMMANDS_TEST = "test/unit/services/orders/commands.test.ts";
const PLACING_TEST = "test/unit/services/orders/placing.test.ts";
const ORDER_ID_TEST = "test/unit/services/orders/order-id.test.ts";
const DEFINITION_TEST = "test/unit/services/orders/definition.test.ts";
const STATUS_TEST = "test/unit/services/orders/status.test.ts";
const ORDER_TEST = "test/unit/machines/order.test.ts";
const FULFILLMENT_TEST = "test/unit/machines/fulfillment.test.ts";
const ENDS_TEST = "test/unit/services/orders/ends.test.ts";
const RULES_TEST = "test/unit/machines/rules.test.ts";

const ADDRESSES = "src/services/addresses";
const COUNTRY_RULES_TEST = "test/unit/services/addresses.test.ts";
const ADDRESSES_TEST = "test/unit/services/orders/addresses.test.ts";

export const ordersMutants: readonly Mutant[] = [
  {
    id: "orders-address-of-any-country",
    does: "Every code of two characters is a country.",
    file: `${ADDRESSES}/countries.ts`,
    find: "(code: string): boolean => assigned.has(code);",
    replace: "(code: string): boolean => assigned.has(code) || code.length === 2;",
    tests: [COUNTRY_RULES_TEST],
  },
  {
    id: "orders-postal-code-everywhere",
    does: "Every country requires a postal code.",
    file: `${ADDRESSES}/countries.ts`,
    find: `postalCode: require.includes("Z") ? "required"`,
    replace: `postalCode: require.includes("A") ? "required"`,
    tests: [COUNTRY_RULES_TEST],
  },
  {
    id: "orders-billing-address-unchecked",
    does: "A billing address follows no rules.",
    file: `${ORDERS}/orders.ts`,
    find: `...faultsWithin("billingAddress", billingAddress),`,
    replace: `...faultsWithin("billingAddress", billingAddress && undefined),`,
    tests: [ADDRESSES_TEST],
  },
  {
    id: "orders-address-before-key",
    does: "An order whose address is refused today is not found by its key.",
    file: `${ORDERS}/orders.ts`,
    find: "const first = keyed ? await actors.read(id) : NO_ORDER;",
    replace: `const first = keyed && refusal.status !== "invalid_address" ? await actors.read(id) : NO_ORDER;`,
    tests: [ADDRESSES_TEST],
  },
  {
    id: "orders-no-postal-code-absent",
    does: "An address without a postal code is stored without the member, which 0.1.0 refuses.",
    file: `${ORDERS}/orders.ts`,
    find: `return { ...address, postalCode: address.postalCode ?? "" } as A;`,
    replace: "return { ...address } as unknown as A;",
    tests: [ADDRESSES_TEST],
  },
  {
    id: "orders-label-without-receiver",
    does: "A label does not name the customer.",
    file: "machines/fulfillment-rules.ts",
    find: "{ ...(customer && { name: customer.name }), ...shippingAddress }",
    replace: "{ ...(!customer && { name: total.currency }), ...shippingAddress }",
    tests: [ADDRESSES_TEST],
  },
  {
    id: "orders-keys-of-callers-mixed",
    does: "Caller and idempotency key are joined without a border, so two callers can share an order.",
    file: `${ORDERS}/order-id.ts`,
    find: ".update(JSON.stringify([caller, idempotencyKey]))",
    replace: ".update(caller + idempotencyKey)",
    tests: [ORDER_ID_TEST],
  },
  {
    id: "orders-hash-depends-on-field-order",
    does: "The hash of a request depends on the order of its fields.",
    file: `${ORDERS}/order-id.ts`,
    find: "Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))",
    replace: "Object.fromEntries(Object.entries(part))",
    tests: [ORDER_ID_TEST],
  },
  {
    id: "orders-total-not-compared-again",
    does: "A price that changed after the comparison with the catalogue is charged.",
    file: "machines/order.ts",
    find: "(context.expectedTotal === undefined || sameMoney(output.total, context.expectedTotal)),",
    replace: "(context.expectedTotal === undefined || sameMoney(output.total, output.total)),",
    tests: [ORDER_TEST, TOTAL_TEST],
  },
  {
    id: "orders-changed-price-keeps-stock",
    does: "An order that ends because its price changed keeps its stock.",
    file: "machines/order.ts",
    find: `{ type: "keepPriceChange", params: ({ event }) => event.output },
              { type: "emitClosed", params: { held: true } },`,
    replace: `{ type: "keepPriceChange", params: ({ event }) => event.output },
              { type: "emitClosed", params: { held: false } },`,
    tests: [ORDER_TEST, TOTAL_TEST],
  },
  {
    id: "orders-changed-price-writes-order",
    does: "An order whose total is not the expected one is started, and uses up its key.",
    file: `${ORDERS}/placing.ts`,
    find: "return sameMoney(total, expectedTotal) ? undefined : priceChanged({ lines: priced, total });",
    replace: "return sameMoney(total, total) ? undefined : priceChanged({ lines: priced, total });",
    tests: [TOTAL_TEST],
  },
  {
    id: "orders-keyed-start-as-new",
    does: "An order with an idempotency key is started as if it could not exist.",
    file: `${ORDERS}/orders.ts`,
    find: "mayExist: keyed,",
    replace: "mayExist: keyed && waitMs === 0,",
    tests: [ORDERS_TEST],
  },
  {
    id: "orders-key-without-request-hash",
    does: "The request's hash is not stored, so a reused key with another body finds the first order.",
    file: `${ORDERS}/orders.ts`,
    find: "...(keyed ? { request: requestHash(order) } : {}),",
    replace: "...(keyed ? { request: requestHash(id) } : {}),",
    tests: [ORDERS_TEST],
  },
  {
    id: "orders-repeat-shows-later-outcome",
    does: "A repeated key of an order that had a payment page is answered with what happened since.",
    file: `${ORDERS}/placing.ts`,
    find: `if (hadPaymentPage(machines)) return { status: "placed"`,
    replace: `if (hadPaymentPage(machines) && reason === "") return { status: "placed"`,
    tests: [PLACING_TEST],
  },
  {
    id: "orders-delivery-without-amount",
    does: "A delivery without an amount is accepted although money is due.",
    file: `${ORDERS}/commands.ts`,
    find: "if (collected === undefined) return due.amount === 0;",
    replace: "if (collected === undefined) return due.amount >= 0;",
    tests: [ORDERS_TEST],
  },
  {
    id: "orders-delivery-in-other-currency",
    does: "A delivery collects the right amount in another currency.",
    file: `${ORDERS}/commands.ts`,
    find: "return collected.amount === due.amount && collected.currency === due.currency;",
    replace: "return collected.amount === due.amount && collected.currency.length === due.currency.length;",
    tests: [COMMANDS_TEST],
  },
  {
    id: "orders-settled-while-authorizing",
    does: "A caller does not wait for the authorization.",
    file: `${ORDERS}/definition.ts`,
    find: `order === "awaiting_inventory" || order === "authorizing") return false;`,
    replace: `order === "awaiting_inventory") return false;`,
    tests: [DEFINITION_TEST, ORDERS_TEST],
  },
  {
    id: "orders-settled-while-releasing",
    does: "A caller who cancels does not wait for the release of the stock.",
    file: `${ORDERS}/definition.ts`,
    find: `    releasing === "giving_back" ||\n`,
    replace: `    releasing === "released" ||\n`,
    tests: [DEFINITION_TEST],
  },
  {
    id: "orders-closed-order-keeps-payment",
    does: "The payment does not hear that its order has ended, so its money is not returned.",
    file: `${ORDERS}/definition.ts`,
    find: `"order.closed": ["payment", "fulfillment"],`,
    replace: `"order.closed": ["fulfillment"],`,
    tests: [DEFINITION_TEST],
  },
  {
    id: "orders-internal-event-published",
    does: "An event between the machines is published.",
    file: `${ORDERS}/definition.ts`,
    find: `  "capture.requested",
  "fulfillment.ready",`,
    replace: `  "capture.requested",`,
    tests: [DEFINITION_TEST],
  },
  {
    id: "orders-lapsed-capture-not-retried",
    does: "An order whose authorization has lapsed shows no retry to an operator.",
    file: `${ORDERS}/status.ts`,
    find: `payment: ["capture_failed", "capture_lapsed", "void_failed", "refund_failed"],`,
    replace: `payment: ["capture_failed", "void_failed", "refund_failed"],`,
    tests: [STATUS_TEST],
  },
  {
    id: "orders-rejected-order-keeps-hold",
    does: "An order whose reservation has an unknown outcome ends without closing its hold.",
    file: "machines/order.ts",
    find: `actions: ["keepInventoryUnavailable", { type: "emitClosed", params: { held: true } }],`,
    replace: `actions: ["keepInventoryUnavailable", { type: "emitClosed", params: { held: false } }],`,
    tests: [ORDER_TEST],
  },
  {
    id: "orders-refused-reservation-repeated",
    does: "A reservation that was refused is tried again.",
    file: "machines/order.ts",
    find: `failure.kind !== "refused" && mayReserveAgain((context.tries ?? 0) + 1),`,
    replace: `failure.kind !== "unknown" && mayReserveAgain((context.tries ?? 0) + 1),`,
    tests: [ORDER_TEST],
  },
  {
    id: "orders-expired-payment-keeps-stock",
    does: "An order whose payment has expired does not release its stock.",
    file: "machines/order.ts",
    find: `entry: ["emitPaymentExpired", { type: "emitClosed", params: { held: true } }],`,
    replace: `entry: ["emitPaymentExpired"],`,
    tests: [ORDER_TEST],
  },
  {
    id: "orders-cancelled-while-shipping",
    does: "An order can be cancelled while its goods are being handed over.",
    file: "machines/order.ts",
    find: `    shipping: {
      on: {
        "fulfillment.shipped": {`,
    replace: `    shipping: {
      on: {
        cancel: {
          actions: { type: "keepReason", params: ({ event }) => event.reason },
          target: "cancelled",
        },
        "fulfillment.shipped": {`,
    tests: [ORDER_TEST],
  },
  {
    id: "orders-released-stock-is-shipped",
    does: "A parcel is shipped although its hold was released.",
    file: "machines/fulfillment-rules.ts",
    find: `isReleased: (_, output: EndHoldOutput) => output.outcome === "released",`,
    replace: `isReleased: (_, output: EndHoldOutput) => output.outcome !== "released",`,
    tests: [FULFILLMENT_TEST],
  },
  {
    id: "orders-delivery-of-other-parcel",
    does: "The carrier's report about another parcel counts as this one's delivery.",
    file: "machines/fulfillment-rules.ts",
    find: "trackingNumber === context.trackingNumber &&\n",
    replace: '(trackingNumber !== "" || context.trackingNumber === undefined) &&\n',
    tests: [FULFILLMENT_TEST],
  },
  {
    id: "orders-early-delivery-lost",
    does: "A delivery that is reported before the hand-over has ended is forgotten.",
    file: "machines/fulfillment.ts",
    find: `        { guard: "wasDelivered", target: "delivered" },\n`,
    replace: "",
    tests: [FULFILLMENT_TEST],
  },
  {
    id: "orders-collects-less-at-the-door",
    does: "Less than the total is accepted at the door.",
    file: "machines/money.ts",
    find: "return collected !== undefined && sameMoney(collected, total);",
    replace: "return collected !== undefined && sameMoney({ ...collected, amount: total.amount }, total);",
    tests: [RULES_TEST],
  },
  {
    id: "orders-one-retry-too-many",
    does: "A failed effect is repeated once more than the bound.",
    file: "machines/retry.ts",
    find: "return tries < retry.most;",
    replace: "return tries <= retry.most;",
    tests: [RULES_TEST],
  },
  {
    id: "orders-label-key-per-call",
    does: "A label's key is that of the effect, so an order that repeats the request gets two labels.",
    file: "src/services/fulfillment/carrier.ts",
    find: "run: ({ actor, input, signal }) => carrier.createLabel(input as LabelInput, labelCall(actor, signal)),",
    replace:
      "run: ({ key, input, signal }) => carrier.createLabel(input as LabelInput, labelCall(key, signal)),",
    tests: ["test/unit/services/fulfillment/carrier.test.ts"],
  },
  {
    id: "orders-other-invoice-in-parcel",
    does: "An invoice under another number goes into the parcel.",
    file: "src/services/fulfillment/invoice-retrieval.ts",
    find: `if (metadata["number"] !== number)`,
    replace: `if (metadata["number"] === "" && number !== "")`,
    tests: ["test/unit/services/fulfillment/invoice-retrieval.test.ts"],
  },
  {
    id: "orders-failed-payment-not-told",
    does: "An order whose payment fails ends without an event, so its customer gets no mail.",
    file: "machines/order.ts",
    find: `entry: ["emitPaymentFailed", { type`,
    replace: `entry: [{ type`,
    tests: [ENDS_TEST, ORDER_TEST],
  },
  {
    id: "orders-late-rejection-not-told",
    does: "A rejection after several tries counts as answered, so its customer gets no mail.",
    file: "machines/order.ts",
    find: "context.unattended === true || (context.tries ?? 0) > 0",
    replace: "context.unattended === true || (context.tries ?? 0) < 0",
    tests: [ENDS_TEST, ORDER_TEST],
  },
  {
    id: "orders-async-rejection-not-told",
    does: "An order whose caller does not wait is not marked.",
    file: `${ORDERS}/orders.ts`,
    find: "...(waitMs < ATTENDED_MS && {",
    replace: "...(waitMs < 0 && {",
    tests: [ORDERS_TEST],
  },
  {
    id: "orders-mail-promises-wait-for-cash",
    does: "The first mail says that the shop waits for money that is due at the door.",
    file: "src/services/email/templates.ts",
    find: "isPaidAtTheDoor(payment.method)",
    replace: "!isPaidAtTheDoor(payment.method)",
    tests: [ENDS_TEST],
  },
];
