import t from "tap";
import { type Carrier, carrierEffects } from "../../../../src/services/fulfillment/carrier.ts";
import { factsOfInput } from "../../../../machines/order-facts.ts";
import { orderInput } from "../../machines/order-input.ts";
import { instantCarrier } from "../../../support/instant-carrier.ts";

const facts = factsOfInput(orderInput());

const context = (actor: string, generation: number) => ({
  actor,
  key: `${actor}:fulfillment.createShippingLabel:${generation}`,
  input: { orderId: actor },
  facts,
  attempt: 1,
  resumed: false,
  signal: new AbortController().signal,
});

t.test("an order gets one tracking number, however often its label is requested", async (t) => {
  const { createShippingLabel: effect } = carrierEffects(instantCarrier);
  const first = await effect.run(context("ord_1", 3001));
  t.match(first, { trackingNumber: /^ORD[0-9A-F]{14}$/ });
  t.strictSame(await effect.run(context("ord_1", 5000)), first, "a later effect of the same order");
  t.strictSame(await effect.queryStatus?.(context("ord_1", 6000)), { found: true, output: first });
  t.notSame(await effect.run(context("ord_2", 3001)), first);
});

t.test("a label that was never made is not found", async (t) => {
  const keys: string[] = [];
  const empty: Carrier = {
    ...instantCarrier,
    queryStatus: async ({ key }) => {
      keys.push(key);
      return undefined;
    },
  };
  const { createShippingLabel } = carrierEffects(empty);
  t.strictSame(await createShippingLabel.queryStatus?.(context("ord_1", 1)), { found: false });
  t.strictSame(keys, ["ord_1:label"]);
});
