/** The answer to a repeated key is that of the first request, whatever has happened to the order since. */
import t from "tap";
import { placeResult } from "../../../../src/services/orders/placing.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const { lines } = orderInput();
const answerOf = ({ id, snapshot }: OrderWorld) => placeResult(id, snapshot, lines);

t.test("an order whose page was shown is answered with it, also when the customer did not pay", async (t) => {
  const world = new OrderWorld(orderInput("async")).start();
  await world.performAll();
  t.match(answerOf(world), { status: "placed", order: { payment: { url: /^http/u } } });
  t.ok(world.choose("decline"));
  await world.performAll();
  t.match(answerOf(world), { status: "placed", order: { status: "payment_failed" } });
});

t.test("an order that was cancelled after its confirmation is answered as placed", async (t) => {
  const world = await new OrderWorld(orderInput("credit_card")).start().performAll();
  t.match(answerOf(world), { status: "placed", order: { status: "confirmed" } });
  world.cancel();
  t.match(answerOf(world), { status: "placed", order: { status: "cancelled" } });
});

t.test("an order without a payment page whose payment fails is answered with the reason", async (t) => {
  const world = new OrderWorld(orderInput("credit_card")).start();
  t.match(answerOf(world), { status: "pending", order: { status: "authorizing" } });
  world.gateway.declines = true;
  await world.performAll();
  t.match(answerOf(world), { status: "payment_failed", orderId: world.id });
});
