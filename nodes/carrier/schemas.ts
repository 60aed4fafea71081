/** Schemas of the carrier simulator's requests. */
import { Type } from "typebox";

const Id = Type.String({ minLength: 1, maxLength: 200 });
const Text = Type.String({ maxLength: 500 });
const Money = Type.Object({
  amount: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  currency: Type.String({ format: "currency" }),
});

/** Body of `POST /shipments`. Money in minor units. Further fields are ignored. */
export const LabelBody = Type.Object({
  orderId: Id,
  shippingAddress: Type.Object({
    name: Type.Optional(Text),
    company: Type.Optional(Text),
    line1: Text,
    line2: Type.Optional(Text),
    city: Text,
    state: Type.Optional(Text),
    postalCode: Text,
    country: Text,
    phone: Type.Optional(Text),
  }),
  collect: Type.Union([Money, Type.Null()]),
});

/** The client names every label, so that it can request the label again. */
export const LabelHeaders = Type.Object({ "idempotency-key": Type.String({ minLength: 1, maxLength: 400 }) });

/** Body of `POST /shipments/{trackingNumber}/hand-over`. */
export const HandOverBody = Type.Object({ orderId: Id });

/** Body of `POST /shipments/{trackingNumber}/deliver`; without `collected`, the amount to collect was collected. */
export const DeliverBody = Type.Object({ collected: Type.Optional(Type.Union([Money, Type.Null()])) });

/** The shipment of an address. */
export const ShipmentParams = Type.Object({ trackingNumber: Type.String() });
/** The key of `GET /labels/{idempotencyKey}`; any text. */
export const KeyParams = Type.Object({ idempotencyKey: Type.String() });
/** `GET /shipments?orderId=` lists one order's. */
export const ShipmentsQuery = Type.Object({ orderId: Type.Optional(Id) });
