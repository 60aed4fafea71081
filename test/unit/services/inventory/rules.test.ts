import * as fc from "fast-check";
import t from "tap";
import {
  type Availability,
  bounds,
  checked,
  count,
  decidePut,
  decideReserve,
  EMPTY,
  faultOfLines,
  release,
  reserve,
  ship,
  type Stock,
} from "../../../../src/services/inventory/rules.ts";

const item = (amount: number, currency = "EUR") => ({ name: "Shirt", price: { amount, currency } });
const catalogue: Record<string, Availability> = {
  SHIRT: { item: item(1999), available: 5 },
  MUG: { item: item(500), available: 1 },
  GIFT: { item: item(0), available: 3 },
  PIN: { item: item(300, "USD"), available: 9 },
};
const availability = (sku: string) => catalogue[sku];

t.test("a reservation that fits takes all lines and prices them from the catalogue", async (t) => {
  const lines = [
    { sku: "SHIRT", quantity: 5 },
    { sku: "MUG", quantity: 1 },
  ];
  t.strictSame(decideReserve(lines, availability), {
    outcome: "reserved",
    lines: [
      { sku: "SHIRT", name: "Shirt", quantity: 5, unitPrice: { amount: 1999, currency: "EUR" } },
      { sku: "MUG", name: "Shirt", quantity: 1, unitPrice: { amount: 500, currency: "EUR" } },
    ],
    total: { amount: 10_495, currency: "EUR" },
  });
});

t.test("a reservation that does not fit names every short line and takes nothing", async (t) => {
  const lines = [
    { sku: "SHIRT", quantity: 6 },
    { sku: "GIFT", quantity: 3 },
    { sku: "MUG", quantity: 2 },
  ];
  t.strictSame(decideReserve(lines, availability), {
    outcome: "out_of_stock",
    missing: [
      { sku: "SHIRT", requested: 6, available: 5 },
      { sku: "MUG", requested: 2, available: 1 },
    ],
  });
});

t.test("unknown SKUs are named before currencies, currencies before short lines", async (t) => {
  const short = { sku: "SHIRT", quantity: 99 };
  const dollars = { sku: "PIN", quantity: 1 };
  t.strictSame(
    decideReserve([short, dollars, { sku: "NO", quantity: 1 }, { sku: "NEVER", quantity: 1 }], availability),
    {
      outcome: "unknown_sku",
      skus: ["NO", "NEVER"],
    },
  );
  t.strictSame(decideReserve([short, dollars], availability), {
    outcome: "mixed_currency",
    currencies: ["EUR", "USD"],
  });
});

t.test("the dearest order that the bounds allow still has an exact total", async (t) => {
  const lines = Array.from({ length: bounds.lines }, (_, n) => ({ sku: `S${n}`, quantity: bounds.quantity }));
  const dear = decideReserve(lines, () => ({ item: item(bounds.priceAmount), available: bounds.quantity }));
  if (dear.outcome !== "reserved") throw new Error(dear.outcome);
  t.ok(Number.isSafeInteger(dear.total.amount));
  t.equal(
    BigInt(dear.total.amount),
    BigInt(bounds.priceAmount) * BigInt(bounds.quantity) * BigInt(bounds.lines),
  );
});

t.test("lines that cannot be decided get a fault each", async (t) => {
  t.equal(faultOfLines([{ sku: "A", quantity: 1 }]), undefined);
  t.equal(
    faultOfLines([{ sku: "A", quantity: bounds.quantity }]),
    undefined,
    "as many pieces as are allowed",
  );
  const most = Array.from({ length: bounds.lines }, (_, n) => ({ sku: `${n}`, quantity: 1 }));
  t.equal(faultOfLines(most), undefined, "as many lines as are allowed");
  t.match(faultOfLines([]), /lines/);
  t.match(faultOfLines(Array.from({ length: 101 }, (_, n) => ({ sku: `${n}`, quantity: 1 }))), /lines/);
  for (const quantity of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY])
    t.match(faultOfLines([{ sku: "A", quantity }]), /quantity/, String(quantity));
  t.match(faultOfLines([1, 2].map((quantity) => ({ sku: "A", quantity }))), /two lines/);
});

t.test("a put below the committed quantity is refused with that quantity", async (t) => {
  const stock: Stock = { onHand: 10, reserved: 4, received: 10, shipped: 0 };
  const wanted = { onHand: 5, ...item(1) };
  t.strictSame(decidePut(stock, 6, wanted), { decision: "below_reserved", reserved: 6 });
  t.strictSame(decidePut(stock, 5, wanted), { decision: "put" });
});

t.test("a put outside the bounds is invalid", async (t) => {
  const good = { onHand: 1, ...item(1) };
  const bad = [
    { ...good, onHand: -1 },
    { ...good, onHand: 0.5 },
    { ...good, onHand: bounds.onHand + 1 },
    { ...good, ...item(-1) },
    { ...good, ...item(bounds.priceAmount + 1) },
    { ...good, ...item(1, "euro") },
    { ...good, name: "" },
    { ...good, name: "n".repeat(bounds.nameLength + 1) },
  ];
  t.equal(decidePut(EMPTY, 0, good).decision, "put");
  for (const wanted of bad) t.equal(decidePut(EMPTY, 0, wanted).decision, "invalid", JSON.stringify(wanted));
});

t.test("arithmetic that would break the stock throws instead of writing it", async (t) => {
  const stock = count(EMPTY, 3);
  t.throws(() => reserve(stock, 4));
  t.throws(() => release(stock, 1));
  t.throws(() => ship(stock, 1), "only what is reserved leaves");
  t.throws(() => count(reserve(stock, 2), 1));
  t.throws(() => checked({ onHand: 1, reserved: 0, received: 2, shipped: 0 }), "one piece has vanished");
  t.throws(() => checked({ onHand: Number.MAX_SAFE_INTEGER + 1, reserved: 0, received: 0, shipped: 0 }));
});

t.test(
  "any steps that are taken leave onHand = available + reserved and received = onHand + shipped",
  async (t) => {
    const step = fc.tuple(fc.constantFrom("reserve", "release", "ship", "count"), fc.nat(20));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let stock = EMPTY;
        let shipped = 0;
        for (const [kind, n] of steps) {
          if (kind === "reserve" && n <= stock.onHand - stock.reserved) stock = reserve(stock, n);
          if (kind === "release" && n <= stock.reserved) stock = release(stock, n);
          if (kind === "ship" && n <= stock.reserved) {
            stock = ship(stock, n);
            shipped += n;
          }
          if (kind === "count" && n >= stock.reserved) stock = count(stock, n);
          checked(stock);
          if (stock.shipped !== shipped) return false;
        }
        return true;
      }),
    );
    t.pass();
  },
);
