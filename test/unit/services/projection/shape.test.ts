/** Which orders take a command, by their shapes: what the preview of a bulk operation counts. */
import t from "tap";
import { asksForShape, fitsShape, shapeOf, takes } from "../../../../src/services/projection/shape.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "../orders/order-world.ts";

t.test("an order takes what its state allows; a parked one only takes the resume", async (t) => {
  const manual = { mode: "manual", stepDelayMs: 0 } as const;
  const world = await new OrderWorld(orderInput("cash_on_delivery", manual)).start().settle();
  const open = shapeOf(world.snapshot, false);
  const parked = shapeOf(world.snapshot, true);
  t.match(open.states, ["order:confirmed"]);
  t.strictSame(
    (["cancel", "pick", "pack", "retry", "resume"] as const).filter((action) => takes(open, action)),
    ["cancel", "pick"],
  );
  t.strictSame(
    (["cancel", "pick", "resume"] as const).filter((action) => takes(parked, action)),
    ["resume"],
  );
  t.ok(asksForShape({ can: "cancel" }));
  t.ok(fitsShape(open, { can: "cancel" }));
  t.notOk(fitsShape(open, { can: "ship" }));
  t.notOk(fitsShape(parked, { can: "cancel" }));
  t.notOk(fitsShape(open, { can: "cancel", status: ["cancelled"] }), "with the other filters");
});
