import t from "tap";
import { labelEffect, localCarrier } from "../../../src/services/fulfillment/carrier.ts";
import { orderInput } from "../machines/order-input.ts";

const { shippingAddress } = orderInput();

t.test("an order gets one tracking number, however often its label is asked for", async (t) => {
  const effect = labelEffect(localCarrier);
  const ask = (actor: string, generation: number): Promise<unknown> =>
    effect.run({
      actor,
      key: `${actor}:fulfillment.createShippingLabel:${generation}`,
      input: { orderId: actor, shippingAddress },
      attempt: 1,
      resumed: false,
      signal: new AbortController().signal,
    });
  const first = await ask("ord_1", 3001);
  t.match(first, { trackingNumber: /^ORD[0-9A-F]{14}$/ });
  t.strictSame(await ask("ord_1", 5000), first, "a later effect of the same order");
  t.notSame(await ask("ord_2", 3001), first);
});
