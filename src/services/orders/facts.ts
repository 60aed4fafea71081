/**
 * An order's facts (machines/order-facts.ts) as the runtime keeps them, and as events and documents show them. Pure.
 */
import type { OrderPriced } from "../../../machines/order-events.ts";
import {
  annotated,
  factsOfInput,
  type OpenFacts,
  orderFacts,
  type OrderFacts,
  type PersonalData,
  pricedFacts,
} from "../../../machines/order-facts.ts";
import type {
  BillingAddress,
  Customer,
  Money,
  OrderedLine,
  OrderInput,
  PaymentMethod,
  PricedLine,
  ShippingAddress,
} from "../../../machines/types.ts";
import type { EventObject, FactsRules, MachineStates } from "../../runtime/definition.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";

/** What the context of the machine `order` held before version 5, and holds in replies to nodes of that time. */
type WideContext = {
  readonly customer: Customer;
  readonly taxId?: string;
  readonly method: PaymentMethod;
  readonly shippingAddress: ShippingAddress;
  readonly billingAddress?: BillingAddress;
  readonly taxBasisPoints?: number | null;
  readonly lines: readonly (OrderedLine | PricedLine)[];
  readonly total: Money | null;
};

/** An order as documents and mails need it: the public form of its events until version 3 of the definition. */
export type OrderDetails = Omit<WideContext, "method" | "lines" | "taxBasisPoints" | "total"> & {
  readonly orderId: string;
  readonly lines: readonly PricedLine[];
  readonly total: Money;
  readonly payment: { readonly method: PaymentMethod };
  /**
   * Tax that the prices include, in hundredths of a percent of the net price, at the time when the order was placed.
   * Null for an order placed before rates were recorded.
   */
  readonly taxBasisPoints: number | null;
};

/** Type of the command that changes the annotations of an order. */
export const ANNOTATE = "annotate";

/** See {@link FactsRules}. */
export const orderFactsRules: FactsRules = {
  initial: (input) => factsOfInput(input as OrderInput),
  changes: {
    "order.priced": (facts, event) => {
      const { lines, total } = event as OrderPriced;
      return pricedFacts(facts as OrderFacts, lines, total);
    },
  },
  commands: {
    [ANNOTATE]: (facts, event) => {
      const { type: _, ...changes } = event;
      return annotated(facts as OrderFacts, changes);
    },
  },
  // Orders whose data is not sealed have none.
  group: (facts) => (facts as OrderFacts).group ?? "-",
  publish: (event, facts) => publicEvent(event, facts as OrderFacts),
  split: splitFacts,
  merge: (machines, facts) => mergedFacts(machines, facts as OrderFacts),
};

/** The facts of an acknowledged order, also of one in the reply of a node with an earlier definition. */
export function factsOf({ facts, machines }: Snapshot): OrderFacts {
  return (facts?.data ?? splitFacts(machines)) as OrderFacts;
}

/** An order as mails and documents need it. @throws before the order is priced: programmer fault */
export function detailsOf(orderId: string, facts: OpenFacts): OrderDetails {
  const { lines, total } = facts;
  if (total === null) throw new Error(`order ${orderId} is not priced yet`);
  const { customer, ...personal } = personalOf(facts);
  return {
    orderId,
    customer,
    ...personal,
    lines: lines as readonly PricedLine[],
    total,
    payment: { method: facts.method },
    taxBasisPoints: facts.taxBasisPoints,
  };
}

/** The customer of an order, with name and address for mails. */
export function customerOf({ customer, personal }: OpenFacts): Customer {
  return { ...customer, ...personal.customer };
}

/** The personal data of an order, and the customer with the id. */
function personalOf(facts: OpenFacts): PersonalData & { readonly customer: Customer } {
  return { ...facts.personal, customer: customerOf(facts) };
}

/** In place of personal data that is not shown. Every field that an order must have is there. */
export function withheld(word: string, country: string): PersonalData {
  const shippingAddress = { line1: word, city: word, postalCode: "", country };
  return { customer: { email: word, name: word }, shippingAddress };
}

/** The facts as they are where nothing can be opened: what is sealed is withheld. */
export function openFacts(facts: OrderFacts): OpenFacts {
  const { personal } = facts;
  return { ...facts, personal: typeof personal === "string" ? withheld("sealed", facts.country) : personal };
}

const isRejection = (type: string): boolean =>
  type === "order.rejected" || type === "order.rejected_unanswered";

/**
 * An event with what its machine does not know: whose order it is, and the first one with all that concerns no person.
 * The events of a wide order have everything, as in version 0.1.0.
 */
function publicEvent(event: EventObject, facts: OrderFacts): EventObject {
  const { type } = event;
  const isRefund = type === "payment.refunded";
  if (!isRefund && (!type.startsWith("order.") || type === "order.completed")) return event;
  const customer = facts.wide ? customerOf(openFacts(facts)) : facts.customer;
  const ordered = facts.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  if (isRejection(type)) return extended(event, { customer, lines: ordered });
  if (facts.wide && !isRefund)
    return extended(
      event,
      detailsOf((event as unknown as { readonly orderId: string }).orderId, openFacts(facts)),
    );
  if (type !== "order.created") return extended(event, { customer });
  const { country, lines, method, taxBasisPoints } = facts;
  return extended(event, { customer, lines, payment: { method }, taxBasisPoints, country });
}

/** What the machine has emitted comes last: it is the same in every form. */
const extended = (event: EventObject, more: object): EventObject => ({ ...more, ...event });

/** The data of an event with all that mails and documents need. */
export function completedData(orderId: string, data: object, facts: OpenFacts): object {
  const customer = customerOf(facts);
  if (facts.total === null) return { ...data, customer };
  // The lines of a document are those with prices.
  const { lines, ...details } = detailsOf(orderId, facts);
  return { ...details, ...data, customer, lines };
}

/** The facts of an order that version 3 of the definition, or an earlier one, has stored in its machine `order`. */
function splitFacts({ order }: MachineStates): OrderFacts {
  const context = order?.context as WideContext;
  return orderFacts({ ...context, taxBasisPoints: context.taxBasisPoints ?? null, wide: true });
}

function mergedFacts(machines: MachineStates, facts: OrderFacts): MachineStates {
  const { order } = machines;
  if (!order) return machines;
  const { lines, taxBasisPoints } = facts;
  const context = { ...(order.context as object), ...personalOf(openFacts(facts)), lines, taxBasisPoints };
  return { ...machines, order: { ...order, context } };
}
