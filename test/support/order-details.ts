/** The shop and the order that the tests of documents and mails use. */
import type { Seller } from "../../config/seller-settings.ts";
import type { OrderDetails } from "../../src/services/orders/facts.ts";
import type { FactsReader } from "../../src/services/orders/facts-reader.ts";

export const seller: Seller = {
  name: "A shop",
  address: ["2 Shop Street", "1000-001 Lisbon", "Portugal"],
  taxId: "PT123456789",
};

/** The data of an order's events, as its machine emits them. */
export function orderDetails(orderId: string): OrderDetails {
  return {
    orderId,
    customer: { id: "cus_1", email: `${orderId}@example.com`, name: "Ada Byron" },
    lines: [
      { sku: "TSHIRT-M", name: "T-shirt M", quantity: 2, unitPrice: { amount: 1999, currency: "EUR" } },
      { sku: "MUG-BLUE", name: "Blue mug", quantity: 1, unitPrice: { amount: 850, currency: "EUR" } },
    ],
    total: { amount: 4848, currency: "EUR" },
    payment: { method: "credit_card" },
    shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
    taxBasisPoints: 2300,
  };
}

/** For events that carry everything. */
export const noFacts: FactsReader = () => Promise.reject(new Error("no facts are needed"));
