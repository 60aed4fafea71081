/** Orders with the total that their customer agreed to. */
import t from "tap";
import type { Money, PlaceOrder } from "../../../../src/services/orders/contract.ts";
import { newOrder, now, placed, service } from "./order-service.ts";

const eur = (amount: number): Money => ({ amount, currency: "EUR" });
const expecting = (expectedTotal: Money): PlaceOrder => ({ ...newOrder(), expectedTotal });
const priced = (amount: number) => [{ sku: "TSHIRT-M", quantity: 2, unitPrice: eur(amount) }];

t.test("an order whose total is not the expected one is refused, and nothing is written", async (t) => {
  let price = eur(2199);
  const { orders, actors } = service({ price: () => price });
  const keyed = { ...now, idempotencyKey: "k1" };
  const changed = { status: "price_changed", total: eur(4398), lines: priced(2199) };
  t.strictSame(await orders.place(expecting(eur(3998)), now), changed);
  t.strictSame(await orders.place(expecting(eur(3998)), keyed), changed);
  t.strictSame(
    await orders.place(expecting({ amount: 4398, currency: "USD" }), now),
    changed,
    "another currency",
  );
  t.equal(actors.starts.length, 0);

  price = eur(1999);
  t.match(await orders.place(expecting(eur(3998)), keyed), { status: "placed" }, "the key is free");
  t.match(await orders.place(newOrder(), now), { status: "placed" }, "without an expected total");
});

t.test(
  "an accepted order is repeated whatever its SKUs cost since, and its total is of the body",
  async (t) => {
    let price = eur(1999);
    const { orders } = service({ price: () => price });
    const keyed = { ...now, idempotencyKey: "k1" };
    const first = await orders.place(expecting(eur(3998)), keyed);
    const id = placed(first);
    price = eur(1_000_000);
    t.strictSame(await orders.place(expecting(eur(3998)), keyed), first);
    for (const other of [expecting(eur(2_000_000)), expecting(eur(1)), newOrder()])
      t.strictSame(await orders.place(other, keyed), { status: "idempotency_key_reused", orderId: id });
  },
);

t.test(
  "an order with an expected total is refused as others are when its SKUs cannot be priced",
  async (t) => {
    const unknown = service({ price: () => ({ status: "not_found" }) });
    t.strictSame(await unknown.orders.place(expecting(eur(1)), now), {
      status: "unknown_sku",
      skus: [{ sku: "TSHIRT-M", index: 0 }],
    });
    const away = { status: "unavailable", reason: "no owner", retryAfterMs: 500 } as const;
    const unavailable = service({ price: () => away });
    t.strictSame(await unavailable.orders.place(expecting(eur(1)), now), away);
    let drawn = 0;
    const mixed = service({ price: () => ({ amount: 1, currency: drawn++ === 0 ? "EUR" : "USD" }) });
    const lines = [...newOrder().lines, { sku: "MUG", quantity: 1 }];
    t.strictSame(await mixed.orders.place({ ...expecting(eur(3)), lines }, now), {
      status: "mixed_currency",
      currencies: ["EUR", "USD"],
    });
    for (const { actors } of [unknown, unavailable, mixed]) t.equal(actors.starts.length, 0);
  },
);

t.test(
  "a price that changes while the order is placed ends it without a charge, its stock released",
  async (t) => {
    // The catalogue is compared at 1 000, the stock is reserved at 1 999.
    const { orders, actors } = service({ price: () => eur(1000) });
    const keyed = { ...now, idempotencyKey: "k1" };
    const result = await orders.place(expecting(eur(2000)), keyed);
    t.match(result, { status: "price_changed", total: eur(3998), lines: priced(1999), orderId: String });
    const [world] = actors.worlds.values();
    await world?.settle();
    t.equal(world?.inventory.hold(world.id), "released");
    t.match(world?.view, { status: "rejected", reason: "price_changed", payment: { status: "none" } });
    t.notOk(world?.eventTypes.includes("order.created"));
    t.strictSame(await orders.place(expecting(eur(2000)), keyed), result, "a repetition has the same answer");
  },
);
