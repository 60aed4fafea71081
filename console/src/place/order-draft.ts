/** An order that is being put together: from the fields of the form to the body of a request. Pure. */
import type { PaymentMethod, PlaceOrder } from "../api/types.ts";
import { choiceParam, patternParam, searchCodec } from "../url/search-codec.ts";

/** The six kinds, with what happens to the money. */
export const kinds: Readonly<Record<PaymentMethod, { readonly title: string; readonly what: string }>> = {
  credit_card: {
    title: "Credit card",
    what: "Authorized now, charged when the parcel is packed.",
  },
  debit_card: { title: "Debit card", what: "Charged by the authorization, at once." },
  tokenized: { title: "Saved payment method", what: "As a credit card, by a stored token." },
  async: { title: "Online payment page", what: "The customer pays on a page of the gateway." },
  cash_on_delivery: { title: "Cash on delivery", what: "The carrier collects the exact amount." },
  in_person: { title: "In person", what: "Paid at the counter, when the goods are handed over." },
};

/** The methods, in the order of the page. */
export const methods = Object.keys(kinds) as [PaymentMethod, ...PaymentMethod[]];

/** Methods that a token of a card or wallet pays. */
export const takesToken = (method: PaymentMethod): boolean =>
  method === "credit_card" || method === "debit_card" || method === "tokenized";

/** Tokens of the gateway simulator, with what it does. */
export const tokens = {
  tok_ok: "accepts",
  tok_declined: "declines: the order ends as payment failed",
  tok_slow: "accepts after 2 s",
  tok_timeout: "never answers: the order ends as payment expired",
  tok_error_then_ok: "fails twice, then accepts: the retries are seen",
  tok_lost_answer: "accepts, and its answer is lost: charged once all the same",
} as const;

/** The address of the form: a method and a token, or all kinds at once. */
export const draftCodec = searchCodec({
  method: choiceParam(methods),
  token: patternParam(/^[\x21-\x7e]{1,255}$/u),
  kind: choiceParam(["one", "all"]),
});

/** One line. */
export type DraftLine = { readonly sku: string; readonly quantity: number };

/** The fields. */
export type Draft = {
  readonly method: PaymentMethod;
  readonly token: string;
  readonly lines: readonly DraftLine[];
  readonly name: string;
  readonly email: string;
  readonly customerId: string;
  readonly line1: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
};

/** What the form begins with. */
export const firstDraft: Draft = {
  method: "credit_card",
  token: "tok_ok",
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  name: "Ada Byron",
  email: "ada@example.com",
  customerId: "cus_1",
  line1: "1 Main St",
  city: "Oporto",
  postalCode: "4000-001",
  country: "PT",
};

/** The body of the request. */
export function bodyOf(draft: Draft): PlaceOrder {
  const { city, country, customerId, email, line1, lines, method, name, postalCode, token } = draft;
  return {
    customer: { id: customerId, email, name },
    lines: lines.map(({ quantity, sku }) => ({ sku, quantity })),
    payment: { method, ...(takesToken(method) ? { token } : {}) },
    shippingAddress: {
      line1,
      city,
      ...(postalCode === "" ? {} : { postalCode }),
      country: country.toUpperCase(),
    },
  };
}

/** Adds a SKU, or one more of it: a SKU is on one line. */
export function withLine(lines: readonly DraftLine[], sku: string): DraftLine[] {
  return lines.some((line) => line.sku === sku)
    ? lines.map((line) => (line.sku === sku ? { ...line, quantity: line.quantity + 1 } : line))
    : [...lines, { sku, quantity: 1 }];
}

/** Sets how many; none removes the line. */
export function withQuantity(lines: readonly DraftLine[], sku: string, quantity: number): DraftLine[] {
  return quantity <= 0
    ? lines.filter((line) => line.sku !== sku)
    : lines.map((line) => (line.sku === sku ? { sku, quantity } : line));
}

/** The same request for a shell. @param origin where the node is, without a slash at the end */
export function curlOf(origin: string, path: string, body: unknown): string {
  const text = JSON.stringify(body).replaceAll("'", String.raw`'\''`);
  return `curl -s ${origin}${path} -H 'content-type: application/json' -d '${text}'`;
}

/** A key that makes a repetition safe. It works without a secure context as well. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
