/** Addresses of an order: refused by their countries' rules, stored for every version, shown, labeled and billed. */
import t from "tap";
import type { ShippingAddress } from "../../../../machines/types.ts";
import { derivedOrderId, requestHash } from "../../../../src/services/orders/order-id.ts";
import type { PlaceOrder } from "../../../../src/services/orders/contract.ts";
import { type OrdersOptions, OrderService } from "../../../../src/services/orders/orders.ts";
import {
  billingLines,
  deliveryLines,
  readOrderDetails,
} from "../../../../src/services/documents/order-details.ts";
import { composeMessage } from "../../../../src/services/email/templates.ts";
import { orderDetails } from "../../../support/order-details.ts";
import { body } from "../../../support/http-services.ts";
import { orderInput } from "../../machines/order-input.ts";
import { ActorsModel } from "./actors-model.ts";
import { OrderWorld } from "./order-world.ts";

const SECRET = "a secret of some length";
const now = { caller: "shop", waitMs: 10_000 };
const hongKong = { line1: "1 Queen's Road Central", city: "Hong Kong", country: "HK" };
const lisbon = { line1: "2 Rua Nova", city: "Lisbon", postalCode: "1100-001", country: "PT" };

function service(more: Partial<OrdersOptions> = {}) {
  const actors = new ActorsModel();
  const orders = new OrderService({
    actors,
    inventory: {
      known: async () => ({ status: "checked", unknown: [] }),
      get: async () => ({ status: "not_found" }),
      recheck: () => {},
    },
    journalOf: () => {
      throw new Error("no history here");
    },
    ids: { next: () => "id1" },
    partitions: 8,
    idempotencySecret: SECRET,
    fulfillment: { mode: "manual", stepDelayMs: 0 },
    hostedPayment: { deadlineMs: 1000, pollMs: 100, pollMaxMs: 100 },
    taxBasisPoints: 2300,
    ...more,
  });
  return { actors, orders };
}

t.test("an order to a country without postal codes is placed, and shown as it was given", async (t) => {
  const { orders } = service();
  const shippingAddress = {
    ...hongKong,
    name: "Bo",
    company: "Bo Ltd",
    state: "Kowloon",
    phone: "+852 1234 5678",
  };
  const order: PlaceOrder = { ...body, shippingAddress, billingAddress: { ...lisbon, taxId: "PT5" } };
  t.match(await orders.place(order, now), { status: "placed" });
  const found = await orders.get("ord_id1");
  if (found.status !== "found") throw new Error(found.status);
  t.strictSame(found.order.shippingAddress, shippingAddress);
  t.strictSame(found.order.billingAddress, { ...lisbon, taxId: "PT5" });
});

t.test("addresses that no country has are refused with a pointer, and nothing is written", async (t) => {
  const { actors, orders } = service();
  const result = await orders.place(
    {
      ...body,
      shippingAddress: { ...lisbon, country: "UK" },
      billingAddress: { line1: "1 Market St", city: "San Francisco", postalCode: "9410", country: "US" },
    },
    now,
  );
  t.match(result, {
    status: "invalid_address",
    faults: [
      { pointer: "/shippingAddress/country", code: "not_allowed", message: /use GB/u },
      { pointer: "/billingAddress/postalCode", code: "invalid_format" },
    ],
  });
  t.equal(actors.starts.length, 0);
});

t.test("an order that 0.1.0 took is answered to a repetition, whatever its address", async (t) => {
  const { actors, orders } = service();
  const order: PlaceOrder = { ...body, shippingAddress: { ...lisbon, country: "ZZ" } };
  const keyed = { ...now, idempotencyKey: "key-1" };
  t.match(await orders.place(order, keyed), { status: "invalid_address" });
  const id = derivedOrderId(SECRET, now.caller, keyed.idempotencyKey);
  const input = { ...orderInput(), orderId: id, shippingAddress: { ...lisbon, country: "ZZ" } };
  await actors.start(id, input, { request: requestHash(order), waitMs: 10_000, mayExist: true });
  t.match(await orders.place(order, keyed), {
    status: "placed",
    order: { id, shippingAddress: { country: "ZZ" } },
  });
  const other = { ...order, shippingAddress: { ...lisbon, country: "UK" } };
  t.match(await orders.place(other, keyed), { status: "idempotency_key_reused" }, "the key decides first");
});

t.test(
  "while nodes of 0.1.0 are present, the digest of a body without the new fields is theirs",
  async (t) => {
    const before = {
      customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
      lines: [{ sku: "TSHIRT-M", quantity: 2 }],
      payment: { method: "credit_card", token: "tok_ok" },
      shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
    };
    const { actors, orders } = service({ hasEarlierNodes: () => true });
    await orders.place(before as PlaceOrder, { ...now, idempotencyKey: "k" });
    t.equal(actors.starts[0]?.options.request, requestHash(before));
    t.equal(requestHash(before), DIGEST_OF_0_1_0);
  },
);
/** Made with version 0.1.0. */
const DIGEST_OF_0_1_0 = "EevYHx_viT197vXerV1TsmXOGJ2R21MZlfIMisH-jDg";

t.test("what is stored for an address without a postal code, 0.1.0 reads as well", async (t) => {
  const { actors, orders } = service({ hasEarlierNodes: () => true });
  await orders.place({ ...body, shippingAddress: hongKong }, now);
  const world = actors.worlds.get("ord_id1");
  const created = world?.events.find(({ type }) => type === "order.created") as unknown as {
    shippingAddress: ShippingAddress;
  };
  t.strictSame(created.shippingAddress, { ...hongKong, postalCode: "" });
  t.same(deliveryLines(readOrderDetails(created)), ["1 Queen's Road Central", "Hong Kong", "HK"]);
});

t.test("the label names its receiver: the person of the address, or else the customer", async (t) => {
  for (const [more, name] of [
    [{}, "Ada Byron"],
    [{ name: "Bo", company: "Bo Ltd", phone: "+852 1234 5678" }, "Bo"],
  ] as const) {
    const input = orderInput();
    const world = new OrderWorld({
      ...input,
      shippingAddress: { ...input.shippingAddress, ...more },
    }).start();
    await world.settleCaller();
    for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }])
      world.step(step);
    await world.perform(world.effect("createShippingLabel"));
    t.match(world.labels, [{ shippingAddress: { ...input.shippingAddress, ...more, name } }]);
  }
});

const billed = (more: object): string[] =>
  billingLines(readOrderDetails({ ...orderDetails("ord_1"), ...more }));

t.test(
  "an invoice is billed to the billing address with company and tax id, or else the shipping address",
  async (t) => {
    const taxId = "PT123";
    const shipping = { ...lisbon, name: "Bo", company: "Receiver Ltd" };
    t.same(billed({}), ["Ada Byron", "1 Main St", "4000-001 Oporto", "PT"]);
    t.same(billed({ taxId, shippingAddress: shipping }), [
      "Ada Byron",
      "Receiver Ltd",
      "2 Rua Nova",
      "1100-001 Lisbon",
      "PT",
      "Tax ID PT123",
    ]);
    const billingAddress = { ...lisbon, name: "C. Babbage", company: "Engines Ltd" };
    t.same(billed({ taxId, billingAddress }), [
      "C. Babbage",
      "Engines Ltd",
      "2 Rua Nova",
      "1100-001 Lisbon",
      "PT",
      "Tax ID PT123",
    ]);
    t.equal(billed({ taxId, billingAddress: { ...billingAddress, taxId: "GB9" } }).at(-1), "Tax ID GB9");
  },
);

t.test("a mail shows the delivery address with its receiver, escaped", async (t) => {
  const shippingAddress = { ...lisbon, name: "<b>Bo</b>", company: "A & B" };
  const order = readOrderDetails({ ...orderDetails("ord_1"), shippingAddress });
  const mail = composeMessage({ id: "e1", type: "order.confirmed" }, order);
  t.match(
    mail?.text,
    /Delivery address\n {2}<b>Bo<\/b>\n {2}A & B\n {2}2 Rua Nova\n {2}1100-001 Lisbon\n {2}PT\n/u,
  );
  t.match(mail?.html, "&lt;b&gt;Bo&lt;/b&gt;<br>A &amp; B<br>2 Rua Nova");
});

t.test(
  "a repeat is answered whichever hash its order was stored with, and another request never",
  async (t) => {
    for (const [storedBy, repeatedBy] of [
      [true, false],
      [false, true],
    ]) {
      let earlier = storedBy === true;
      const { actors, orders } = service({ hasEarlierNodes: () => earlier });
      const keyed = { ...now, idempotencyKey: "key-1" };
      t.match(await orders.place(body, keyed), { status: "placed" });
      earlier = repeatedBy === true;
      t.match(await orders.place(body, keyed), { status: "placed" });
      t.equal(actors.worlds.size, 1);
      const other = { ...body, customer: { ...body.customer, name: "Bo" } };
      t.match(await orders.place(other, keyed), { status: "idempotency_key_reused" });
    }
  },
);
