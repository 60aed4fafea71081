import type { PaymentMethod } from "../../../../machines/types.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

/** A manual order with this payment method, shipped. @param options see OrderWorld */
export async function shipped(method: PaymentMethod, options?: { joins: boolean }): Promise<OrderWorld> {
  const world = await new OrderWorld(orderInput(method), options).start().performAll();
  if (method === "async") world.choose("pay");
  for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }])
    world.step(step);
  await world.performAll();
  world.issueInvoice();
  world.step({ type: "ship" });
  return world.performAll();
}
