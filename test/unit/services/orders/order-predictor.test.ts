/** What dry runs of orders show, and what they are asked with. */
import t from "tap";
import { masked } from "../../../../src/services/orders/masking.ts";
import { newOrder, now, placed, service } from "./order-service.ts";
import { outOfStock } from "../../machines/order-input.ts";

t.test("a new order is predicted with the reservation, up to the call that comes next", async (t) => {
  const { actors, predictions } = service();
  const prediction = await predictions.place(newOrder(), now);
  t.match(prediction, {
    before: null,
    after: { status: "authorizing", version: 1 },
    events: ["order.created"],
    effects: [{ name: "payment.authorizePayment", input: { token: "masked" } }],
    basedOn: { version: 0, source: "owner" },
  });
  t.notOk("refusal" in prediction);
  t.notOk("customer" in ((prediction as { after: object }).after ?? {}));
  t.strictSame(actors.starts, []);
  t.match(actors.tried, [{ outputs: { reserveInventory: { outcome: "reserved" } } }]);
});

t.test("a new order in maintenance is predicted as refused, and a repetition is not", async (t) => {
  const keyed = { ...now, idempotencyKey: "k" };
  const state = { takingOrders: true, reason: "stocktaking" as string | null, since: null };
  const { orders, predictions } = service({ maintenance: { state: () => state } });
  const id = placed(await orders.place(newOrder(), keyed));
  state.takingOrders = false;
  t.match(await predictions.place(newOrder(), now), {
    status: "predicted",
    before: null,
    refusal: { status: "maintenance", reason: "stocktaking" },
  });
  const repeated = await predictions.place(newOrder(), keyed);
  t.match(repeated, { status: "predicted", before: { id } });
  t.notOk("refusal" in repeated);
});

t.test("nothing that concerns the customer is asked with, and no token", async (t) => {
  const { actors, predictions } = service();
  const order = newOrder();
  await predictions.place({ ...order, billingAddress: order.shippingAddress }, now);
  const asked = JSON.stringify(actors.tried);
  for (const secret of ["Ada", "ada@", "Main St", "tok_"]) t.notOk(asked.includes(secret), secret);
});

t.test("a new order that would be rejected is predicted with the answer", async (t) => {
  const short = service({ reservation: outOfStock });
  const prediction = await short.predictions.place(newOrder(), now);
  t.match(prediction, { refusal: { status: "out_of_stock" }, after: { status: "rejected" } });
  t.notOk("orderId" in ((prediction as { refusal: object }).refusal ?? {}), "there is no such order");
  const unknown = service({ known: { status: "checked", unknown: ["TSHIRT-M"] } });
  t.match(await unknown.predictions.place(newOrder(), now), {
    refusal: { status: "unknown_sku", skus: [{ sku: "TSHIRT-M", index: 0 }] },
    before: null,
    after: null,
    events: [],
  });
  const priced = service({ price: () => ({ amount: 2500, currency: "EUR" }) });
  const expectedTotal = { amount: 1, currency: "EUR" };
  t.match(await priced.predictions.place({ ...newOrder(), expectedTotal }, now), {
    refusal: { status: "price_changed", total: { amount: 5000 } },
    after: null,
  });
});

t.test("a repetition of a request is predicted as what it is", async (t) => {
  const { predictions, orders } = service();
  const keyed = { ...now, idempotencyKey: "k" };
  const id = placed(await orders.place(newOrder(), keyed));
  const same = await predictions.place(newOrder(), keyed);
  t.match(same, { before: { id }, after: { id }, machines: [] });
  t.notOk("refusal" in same);
  const other = { ...newOrder(), lines: [{ sku: "MUG", quantity: 1 }] };
  t.match(await predictions.place(other, keyed), {
    refusal: { status: "idempotency_key_reused", orderId: id },
  });
});

t.test("a retry is predicted of the machine that waits for its next try", async (t) => {
  const { actors, predictions, orders } = service();
  const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
  t.match(await predictions.command(id, { type: "retry" }), {
    refusal: { status: "illegal_transition", guards: [] },
  });
  const world = actors.worlds.get(id);
  if (!world) throw new Error("no order");
  for (const type of ["pick", "quality-check", "pack"]) world.step({ type, passed: true } as never);
  world.fail(world.effect("createShippingLabel"), "retryable");
  t.match(await predictions.command(id, { type: "retry" }), {
    machines: [{ machine: "fulfillment", event: "retry" }],
    effects: [{ name: "fulfillment.createShippingLabel" }],
  });
});

t.test("a delivery with another amount is predicted with the amount due, and the condition", async (t) => {
  const { actors, predictions, orders } = service();
  const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
  const world = actors.worlds.get(id);
  if (!world) throw new Error("no order");
  for (const type of ["pick", "quality-check", "pack"]) world.step({ type, passed: true } as never);
  await world.settle();
  world.step({ type: "ship" });
  await world.performAll();
  const collected = { amount: 1, currency: "EUR" };
  t.match(await predictions.command(id, { type: "deliver", collected }), {
    refusal: { status: "amount_mismatch", expected: { amount: 3998 } },
    guards: [{ guard: "collectsExactly", state: "shipped.awaiting", verdict: false }],
  });
  t.match(await predictions.command("ord_none", { type: "pick" }), { status: "not_found" });
});

t.test("a parked order refuses what is tried, and the answer says whose state it shows", async (t) => {
  const { actors, predictions } = service();
  actors.failing = { status: "refused", code: "actor_parked", reason: "poison" };
  t.match(await predictions.command("ord_1", { type: "pick" }), {
    refusal: { status: "refused", code: "order_parked" },
    before: null,
  });
  actors.failing = { status: "unavailable", reason: "no owner" };
  t.match(await predictions.command("ord_1", { type: "pick" }), { status: "unavailable" });
  t.match(await predictions.place(newOrder(), now), { status: "unavailable" });
});

t.test("secrets and personal data are masked wherever they are", (t) => {
  const input = { orderId: "o", token: "t", lines: [{ name: "n", sku: "A" }], of: { customer: { id: "c" } } };
  t.strictSame(masked(input), {
    orderId: "o",
    token: "masked",
    lines: [{ name: "masked", sku: "A" }],
    of: { customer: "masked" },
  });
  t.strictSame(masked([null, 1, "x"]), [null, 1, "x"]);
  t.end();
});
