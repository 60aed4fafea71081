/** Schemas of the payment gateway simulator's requests. */
import { Type } from "typebox";

const Id = Type.String({ minLength: 1, maxLength: 200 });
const Amount = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Currency = Type.String({ format: "currency" });

/** Body of `POST /payments/authorize`. `amount` in minor units. Further fields are ignored. */
export const AuthorizeBody = Type.Object({
  orderId: Id,
  method: Type.String({ minLength: 1, maxLength: 40 }),
  token: Type.String({ maxLength: 200 }),
  amount: Amount,
  currency: Currency,
});

/** Body of `POST /payments/capture`, `/void` and `/refund`. */
export const SettleBody = Type.Object({
  orderId: Id,
  authorization: Type.Union([Id, Type.Null()]),
  amount: Type.Optional(Amount),
  currency: Type.Optional(Currency),
});

/** Body of `POST /payments/pages`. */
export const PageBody = Type.Object({
  orderId: Id,
  amount: Amount,
  currency: Currency,
  expiresInMs: Type.Integer({ minimum: 1, maximum: 31_536_000_000 }),
});

/** The page of an address. */
export const PageParams = Type.Object({ id: Type.String() });

/** The customer's choice, in the form of the page. */
export const ChoiceBody = Type.Object({ action: Type.Enum(["pay", "pay_late", "decline"]) });

/** The client names every operation, so that it can repeat the request. */
export const OperationHeaders = Type.Object({
  "idempotency-key": Type.String({ minLength: 1, maxLength: 400 }),
});

/** The key of `GET /operations/{idempotencyKey}`; any text. */
export const OperationParams = Type.Object({ idempotencyKey: Type.String() });
/** `GET /ledger?orderId=` lists one order's entries. */
export const LedgerQuery = Type.Object({ orderId: Type.Optional(Id) });
