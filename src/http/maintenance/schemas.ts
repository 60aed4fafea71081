/** Schemas of the maintenance mode. */
import { type Static, Type } from "typebox";
import { closed, nullable, text, time } from "../protocol/schema-parts.ts";

/** Body of `POST /v1/maintenance`. */
export const SetMaintenance = closed(
  {
    takingOrders: Type.Boolean({ description: "False: new orders are refused with 503 `maintenance`" }),
    reason: { ...text(200), description: "Shown to callers whose orders are refused" },
  },
  { $id: "SetMaintenance", examples: [{ takingOrders: false, reason: "stocktaking until 14:00" }] },
);

/** Whether new orders are taken. */
export const MaintenanceMode = Type.Object(
  {
    takingOrders: Type.Boolean(),
    reason: nullable(Type.String({ description: "Of the newest change" })),
    since: nullable(time),
  },
  { $id: "Maintenance", title: "Maintenance" },
);

/** The validated body. */
export type SetMaintenance = Static<typeof SetMaintenance>;
