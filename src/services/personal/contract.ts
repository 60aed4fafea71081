/** The erasure of a customer's data as HTTP sees it. Outcomes are values. */
import type { UnavailableResult } from "../unavailable.ts";

/** The outcome of a request to erase. */
export type EraseResult =
  /** Every order that the customer had placed when the request began reads erased. */
  | { readonly status: "erased"; readonly at: string; readonly reason: string; readonly orders: number }
  /** Nothing was deleted: these orders still need the data. At most 100; `total` is their number. */
  | { readonly status: "orders_open"; readonly orders: readonly string[]; readonly total: number }
  /** No data of this customer was ever sealed. */
  | { readonly status: "not_found" }
  /** Also while a node has not confirmed that it uses the new key. The same request, repeated, goes on. */
  | UnavailableResult;

/** Erases the personal data of customers. */
export interface Customers {
  /** Repeatable. @param reason recorded, without personal data */
  erase(customerId: string, reason: string): Promise<EraseResult>;
}
