/**
 * The personal data of orders: sealed before an order leaves the node that was asked, opened for answers, mails, labels
 * and documents. Owns nothing.
 */
import type { OpenFacts, OrderFacts, PersonalData } from "../../../machines/order-facts.ts";
import type { OrderInput } from "../../../machines/types.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { PaymentTokens } from "../personal/payment-tokens.ts";
import { ERASED, type PersonalData as PersonalSeals } from "../personal/personal-data.ts";
import { factsOf, withheld } from "./facts.ts";

/** Seals and opens what concerns persons. */
export type OrderSeals = {
  readonly personal: PersonalSeals;
  readonly tokens: PaymentTokens;
  /** Whether every present node opens what is sealed. While one cannot, orders are placed with plain data. */
  readonly areOpenedByAll: () => boolean;
};

/** Opens the personal data of an order. It throws what `PersonalData.open` does. */
export type OpensPersonal = (orderId: string, text: string) => Promise<object | typeof ERASED>;

/** For orders whose data is plain. */
export const withoutKeys: OpensPersonal = (orderId) =>
  Promise.reject(new Error(`there are no keys to open the personal data of ${orderId}`));

/** What an answer shows of a person. */
export type ShownPersonal = {
  readonly personal: PersonalData;
  /** The customer's data was erased; `personal` has a word in place of it. */
  readonly erased?: true;
};

/** An order whose data was sealed for this request: its own answer needs no opening. */
export type JustSealed = { readonly text: string; readonly personal: PersonalData };

/** Facts with open personal data; `erased` when the customer's data was erased. @throws as `open` */
export async function openedFacts(
  orderId: string,
  facts: OrderFacts,
  open: OpensPersonal,
): Promise<OpenFacts | typeof ERASED> {
  const { personal } = facts;
  if (typeof personal !== "string") return { ...facts, personal };
  const opened = await open(orderId, personal);
  return opened === ERASED ? ERASED : { ...facts, personal: opened as PersonalData };
}

/** What an answer shows of an acknowledged order. @param own what this request has sealed. @throws as `open` */
export async function shownPersonal(
  orderId: string,
  snapshot: Snapshot,
  open: OpensPersonal,
  own?: JustSealed,
): Promise<ShownPersonal> {
  const facts = factsOf(snapshot);
  if (own !== undefined && facts.personal === own.text) return own;
  const opened = await openedFacts(orderId, facts, open);
  if (opened === ERASED) return { personal: withheld(ERASED, facts.country), erased: true };
  return { personal: opened.personal };
}

/** The input with the card token sealed. @throws Unavailable (retryable); MasterKeyMissing */
export async function withSealedToken(
  input: OrderInput,
  tokens: PaymentTokens,
): Promise<OrderInput["payment"]> {
  const { method, token } = input.payment;
  return token === undefined ? { method } : { method, token: await tokens.seal(input.orderId, token) };
}
