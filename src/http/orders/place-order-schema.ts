/** Body of `POST /v1/orders`. */
import { externalReference } from "./annotations-schema.ts";
import { type Static, Type } from "typebox";
import { isHosted, needsToken, paymentMethods } from "../../services/orders/contract.ts";
import { httpLimits } from "../protocol/limits.ts";
import { closed, moneyInput, oneOf, sku, text } from "../protocol/schema-parts.ts";

const named = (methods: readonly string[]): string => methods.map((name) => `\`${name}\``).join(", ");

/** How an order is paid: one of the payment methods. */
export const paymentMethod = oneOf(
  paymentMethods,
  `With a token of the card or wallet: ${named(paymentMethods.filter(needsToken))}. Paid on a hosted page: ${named(paymentMethods.filter(isHosted))}.`,
);

/** The customer of an order. */
export const customer = Type.Object(
  {
    id: text(128, "The caller's id of the customer"),
    email: Type.String({ format: "email", maxLength: 254 }),
    name: text(200),
    taxId: Type.Optional(text(50, "Tax id of a business; it is shown on the invoice")),
  },
  { additionalProperties: false },
);

const addressParts = {
  name: Type.Optional(text(200, "The person at this address; the customer when absent")),
  company: Type.Optional(text(200)),
  line1: text(200),
  line2: Type.Optional(text(200)),
  city: text(100),
  state: Type.Optional(
    text(
      100,
      "State, province or another part of the country; required where labels need it, as in US, CA and AU",
    ),
  ),
  postalCode: Type.Optional(
    text(20, "In the form of the country; required where mail cannot be delivered without, not in HK or AE"),
  ),
  country: Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2", examples: ["PT"] }),
};

/** The address to which an order is shipped. */
export const shippingAddress = Type.Object(
  {
    ...addressParts,
    phone: Type.Optional(
      Type.String({
        minLength: 3,
        maxLength: 40,
        pattern: "^[+]?[0-9(][0-9 ()./-]*$",
        description: "For the carrier",
        examples: ["+351 22 000 0000"],
      }),
    ),
  },
  { additionalProperties: false },
);

/** Who is billed. */
export const billingAddress = Type.Object(
  { ...addressParts, taxId: Type.Optional(text(50, "In place of the customer's")) },
  { additionalProperties: false },
);

/** The example of the document; also valid input. */
export const placeOrderExample = {
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  payment: { method: "credit_card", token: "tok_ok" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
};

/** Body of `POST /v1/orders`. */
export const PlaceOrderBody = closed(
  {
    customer,
    lines: Type.Array(
      Type.Object(
        { sku, quantity: Type.Integer({ minimum: 1, maximum: httpLimits.quantity }) },
        { additionalProperties: false },
      ),
      {
        minItems: 1,
        maxItems: httpLimits.lines,
        description: "Each SKU once. Prices come from the catalogue.",
      },
    ),
    expectedTotal: Type.Optional({
      ...moneyInput(httpLimits.lines * httpLimits.quantity * httpLimits.amount),
      description: "The total that the customer agreed to: another one is refused with `price_changed`",
    }),
    payment: Type.Object(
      {
        method: paymentMethod,
        token: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 255,
            pattern: "^[\\x21-\\x7e]*$",
            description: "Token of the card or wallet; never a card number",
          }),
        ),
      },
      { additionalProperties: false },
    ),
    shippingAddress,
    billingAddress: Type.Optional({
      ...billingAddress,
      description: "Who is billed, when that is not the customer at the shipping address",
    }),
    externalReference: Type.Optional(externalReference),
  },
  { $id: "PlaceOrder", examples: [placeOrderExample] },
);

/** The validated body. */
export type PlaceOrderBody = Static<typeof PlaceOrderBody>;
