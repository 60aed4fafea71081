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
  OpenInput,
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

/** What people and other systems add to an order. Stored plain: not for personal data. */
export type Annotations = {
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** The client's own name of the order; no other order has it. */
  readonly externalReference?: string;
  readonly note?: string;
};

/** What changes of them: what is given replaces what was there, null removes it. */
export type AnnotationChanges = { readonly [Name in keyof Annotations]?: Annotations[Name] | null };

/** See the top of the file. Stored: its field names are a format. */
export type OrderFacts = {
  readonly customer: Pick<Customer, "id">;
  /** A text: sealed (src/services/personal). Machines and runtime never open it. */
  readonly personal: PersonalData | string;
  /** With sealed data: one token that all orders of the customer share. */
  readonly group?: string;
  /** Country of the shipping address, ISO 3166-1 alpha-2. */
  readonly country: Address["country"];
  /** Priced once the stock is reserved. */
  readonly lines: readonly OrderLine[];
  /** Null until the stock is reserved. */
  readonly total: Money | null;
  readonly method: PaymentMethod;
  /** The rate when the order was placed; null when that was before rates were recorded. */
  readonly taxBasisPoints: number | null;
  /** Absent: none. */
  readonly annotations?: Annotations;
  /** Id of the caller that placed it; absent: it showed no credentials, or the order is older. */
  readonly placedBy?: string;
  /** Its events carry all of this: a node of an earlier version may work on them. */
  readonly wide?: true;
};

/** Facts whose personal data can be read. */
export type OpenFacts = Omit<OrderFacts, "personal"> & { readonly personal: PersonalData };

/** What facts are made of. */
type Known = OpenInput &
  Pick<OrderInput, "wide"> &
  Pick<OrderFacts, "total" | "method" | "taxBasisPoints"> & {
    readonly lines: readonly (OrderedLine | PricedLine)[];
  };

/** The personal data of an order's input. */
export function personalOfInput({
  billingAddress,
  customer,
  shippingAddress,
  taxId,
}: OpenInput): PersonalData {
  const { id: _, ...person } = customer;
  return {
    customer: person,
    ...(taxId === undefined ? {} : { taxId }),
    shippingAddress,
    ...(billingAddress ? { billingAddress } : {}),
  };
}

/** The facts of an order of which this is known. */
export function orderFacts(known: Known): OpenFacts {
  const { customer, lines, method, shippingAddress, taxBasisPoints, total, wide } = known;
  return {
    customer: { id: customer.id },
    personal: personalOfInput(known),
    country: shippingAddress.country,
    lines: numbered(lines),
    total,
    method,
    taxBasisPoints,
    ...(wide && { wide }),
  };
}

/** The facts after a change of the annotations. */
export function annotated(facts: OrderFacts, changes: AnnotationChanges): OrderFacts {
  const { annotations: before, ...rest } = facts;
  const after = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return after.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(after) };
}

/** The facts of a new order. */
export function factsOfInput(input: OrderInput): OrderFacts {
  const { externalReference, placedBy } = input;
  const facts = { ...newFacts(input), ...(placedBy === undefined ? {} : { placedBy }) };
  return externalReference === undefined ? facts : annotated(facts, { externalReference });
}

function newFacts(input: OrderInput): OrderFacts {
  const known = { ...input, total: null, method: input.payment.method };
  if (known.sealed === undefined) return orderFacts(known);
  const { country, customer, lines, method, sealed, taxBasisPoints, total } = known;
  const { group, text } = sealed;
  return { customer, personal: text, group, country, lines: numbered(lines), total, method, taxBasisPoints };
}

/** The facts once the lines are reserved: in the order of the request, with the catalogue's names and prices. */
export function pricedFacts(facts: OrderFacts, lines: readonly PricedLine[], total: Money): OrderFacts {
  return { ...facts, lines: numbered(lines), total };
}

function numbered<Line extends OrderedLine>(lines: readonly Line[]): (Line & { readonly id: string })[] {
  return lines.map((line, index) => ({ id: `l${index + 1}`, ...line }));
}
