/**
 * What is true of an order and no machine decides with: who ordered, what at which price, and where it goes. Stored
 * once for each change, beside the records (docs/formats.md). Pure.
 */
import type {
  Address,
  BillingAddress,
  Customer,
  Money,
  OrderedLine,
  OrderInput,
  PaymentMethod,
  PricedLine,
  ShippingAddress,
} from "./types.ts";

/** A line of an order. `id` stays the line's own for the order's life: `l1`, `l2` ... in the order of the request. */
export type OrderLine = (OrderedLine | PricedLine) & { readonly id: string };

/** What identifies a person, or says where one lives. */
export type PersonalData = {
  readonly customer: Omit<Customer, "id">;
  /** Of a customer that is a business. */
  readonly taxId?: string;
  readonly shippingAddress: ShippingAddress;
  /** Absent: the order is billed to the shipping address. */
  readonly billingAddress?: BillingAddress;
};

/** See the top of the file. Stored: its field names are a format. */
export type OrderFacts = {
  readonly customer: Pick<Customer, "id">;
  readonly personal: PersonalData;
  /** Country of the shipping address, ISO 3166-1 alpha-2. */
  readonly country: Address["country"];
  /** Priced once the stock is reserved. */
  readonly lines: readonly OrderLine[];
  /** Null until the stock is reserved. */
  readonly total: Money | null;
  readonly method: PaymentMethod;
  /** The rate when the order was placed; null when that was before rates were recorded. */
  readonly taxBasisPoints: number | null;
  /** Its events carry all of this: a node of an earlier version may work on them. */
  readonly wide?: true;
};

/** What facts are made of. */
type Known = Pick<OrderInput, "customer" | "taxId" | "shippingAddress" | "billingAddress" | "wide"> &
  Pick<OrderFacts, "total" | "method" | "taxBasisPoints"> & {
    readonly lines: readonly (OrderedLine | PricedLine)[];
  };

/** The facts of an order of which this is known. */
export function orderFacts(known: Known): OrderFacts {
  const { billingAddress, customer, lines, method, shippingAddress, taxBasisPoints, taxId, total, wide } =
    known;
  const { id, ...person } = customer;
  return {
    customer: { id },
    personal: {
      customer: person,
      ...(taxId === undefined ? {} : { taxId }),
      shippingAddress,
      ...(billingAddress ? { billingAddress } : {}),
    },
    country: shippingAddress.country,
    lines: numbered(lines),
    total,
    method,
    taxBasisPoints,
    ...(wide && { wide }),
  };
}

/** The facts of a new order. */
export function factsOfInput(input: OrderInput): OrderFacts {
  return orderFacts({ ...input, total: null, method: input.payment.method });
}

/** The facts once the lines are reserved: in the order of the request, with the catalogue's names and prices. */
export function pricedFacts(facts: OrderFacts, lines: readonly PricedLine[], total: Money): OrderFacts {
  return { ...facts, lines: numbered(lines), total };
}

function numbered<Line extends OrderedLine>(lines: readonly Line[]): (Line & { readonly id: string })[] {
  return lines.map((line, index) => ({ id: `l${index + 1}`, ...line }));
}
