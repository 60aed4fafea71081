/** Orders whose personal data is sealed: what leaves the node that was asked, and what its answers show. */
import { randomBytes } from "node:crypto";
import t from "tap";
import type { OrderFacts } from "../../../../machines/order-facts.ts";
import type { OrderInput } from "../../../../machines/types.ts";
import { openedFacts, shownPersonal } from "../../../../src/services/orders/personal.ts";
import { factsOf, orderFactsRules } from "../../../../src/services/orders/facts.ts";
import { ERASED } from "../../../../src/services/personal/personal-data.ts";
import { PaymentTokens } from "../../../../src/services/personal/payment-tokens.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { orderInput } from "../../machines/order-input.ts";
import { personalStage, sharedKeysOf } from "../personal/stage.ts";
import { newOrder, service } from "./order-service.ts";
import { OrderWorld } from "./order-world.ts";

const noKeys = () => Promise.reject(new Error("no key is needed"));
const PERSON = /Ada|ada@|Main St|tok_ok/u;

function sealing() {
  const stage = personalStage(faultyBucket().bucket);
  const tokens = new PaymentTokens(sharedKeysOf(faultyBucket().bucket), randomBytes, stage.clock);
  return { ...stage, tokens };
}

t.test(
  "the start of an order carries the customer's id and country, and no other personal data",
  async (t) => {
    const { personal, tokens, keys } = sealing();
    const { actors, orders } = service({ seals: { personal, tokens, areOpenedByAll: () => true } });
    await orders.place(newOrder(), { caller: "test", waitMs: 1000 });
    const input = actors.starts[0]?.input as OrderInput;
    t.notMatch(JSON.stringify(input), PERSON);
    t.match(input, {
      customer: { id: "cus_1" },
      country: "PT",
      sealed: { group: await keys.hashOf("cus_1") },
    });
    const facts = orderFactsRules.initial(input) as OrderFacts;
    t.equal(orderFactsRules.group(facts), await keys.hashOf("cus_1"));
    t.equal(await tokens.open(input.orderId, input.payment.token ?? ""), "tok_ok");
    const opened = await openedFacts(input.orderId, facts, (id, text) => personal.open(id, text));
    t.match(opened, {
      personal: { customer: { name: "Ada Byron" }, shippingAddress: { line1: "1 Main St" } },
    });
  },
);

t.test("while a node cannot open sealed data, an order is started with plain data", async (t) => {
  const { personal, tokens } = sealing();
  const { actors, orders } = service({ seals: { personal, tokens, areOpenedByAll: () => false } });
  await orders.place(newOrder(), { caller: "test", waitMs: 1000 });
  t.match(actors.starts[0]?.input, { customer: { name: "Ada Byron" }, payment: { token: "tok_ok" } });
});

t.test("an answer shows the data, or the word erased, and a plain order as it is", async (t) => {
  const { personal, keys, entries } = sealing();
  const plain = new OrderWorld().start();
  const open = (id: string, text: string) => personal.open(id, text);
  t.match(await shownPersonal(plain.id, plain.snapshot, open), {
    personal: { customer: { name: "Ada Byron" } },
  });
  const { customer, shippingAddress, ...input } = orderInput();
  const data = { customer: { name: customer.name, email: customer.email }, shippingAddress };
  const sealed = await personal.whileSealed(
    { customerId: customer.id, orderId: input.orderId, personal: data },
    (one) => Promise.resolve({ value: one, isOver: true }),
  );
  const world = new OrderWorld({ ...input, customer: { id: customer.id }, country: "PT", sealed }).start();
  t.equal(factsOf(world.snapshot).personal, sealed.text);
  t.notMatch(JSON.stringify(world.snapshot), PERSON);
  t.match(await shownPersonal(world.id, world.snapshot, open), { personal: data });
  const own = { text: sealed.text, personal: data };
  t.match(
    await shownPersonal(world.id, world.snapshot, noKeys, own),
    { personal: data },
    "of the same request",
  );
  const { entry, revision } = await entries.customer(`customer.${sealed.group}`);
  const next = keys.withGeneration(sealed.group, entry);
  await entries.store(`customer.${sealed.group}`, { generations: next.generations.slice(1) }, revision);
  keys.forget(sealed.group);
  t.match(await shownPersonal(world.id, world.snapshot, open), {
    erased: true,
    personal: { customer: { name: ERASED, email: ERASED }, shippingAddress: { country: "PT" } },
  });
  const another = { text: "another text", personal: data };
  t.match(
    await shownPersonal(world.id, world.snapshot, open, another),
    { erased: true },
    "of a repeated request",
  );
  t.equal(await openedFacts(world.id, factsOf(world.snapshot), open), ERASED, "labels and mails are refused");
});
