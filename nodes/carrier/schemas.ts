import { Type } from "typebox";

const Id = Type.String({ minLength: 1, maxLength: 200 });
const Text = Type.String({ maxLength: 500 });
const Money = Type.Object({
  amount: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  currency: Type.String({ pattern: "^[A-Z]{3}$" }),
});

/** Body of `POST /shipments`. Money in minor units. Further fields are ignored. */
export const LabelBody = Type.Object({
  orderId: Id,
  shippingAddress: Type.Object({
    line1: Text,
    line2: Type.Optional(Text),
    city: Text,
    postalCode: Text,
    country: Text,
  }),
  collect: Type.Union([Money, Type.Null()]),
});

/** Every label is named by who asks for it, so that it can be asked for again. */
export const LabelHeaders = Type.Object({ "idempotency-key": Type.String({ minLength: 1, maxLength: 400 }) });

/** Body of `POST /shipments/{trackingNumber}/hand-over`. */
export const HandOverBody = Type.Object({ orderId: Id });

/** Body of `POST /shipments/{trackingNumber}/deliver`; without `collected`, what was to be collected was. */
export const DeliverBody = Type.Object({ collected: Type.Optional(Type.Union([Money, Type.Null()])) });

export const ShipmentParams = Type.Object({ trackingNumber: Type.String() });
export const KeyParams = Type.Object({ idempotencyKey: Type.String() });
/** `GET /shipments?orderId=` for one order's. */
export const ShipmentsQuery = Type.Object({ orderId: Type.Optional(Id) });
