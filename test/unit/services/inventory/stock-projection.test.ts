import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { type StockChange, StockProjection } from "../../../../src/services/inventory/stock-projection.ts";
import { readStock } from "../../../../src/services/inventory/stored.ts";

const item = { name: "Shirt", price: { amount: 100, currency: "EUR" } };
const put = (sku: string, onHand: number, name = `put ${onHand}`): StockChange => ({
  kind: "put",
  sku,
  onHand,
  item,
  put: name,
});
const change = (kind: "reserve" | "release" | "ship", quantity: number, sku = "A"): StockChange => ({
  kind,
  orderId: "o",
  lines: [{ sku, quantity }],
});

/** A projection with `onHand` of A, acknowledged. */
function bookOf(onHand: number): StockProjection {
  const book = new StockProjection();
  commit(book, put("A", onHand));
  return book;
}

function commit(book: StockProjection, ...changes: StockChange[]): void {
  for (const change of changes) book.addPending(change);
  book.committed(changes);
}

const available = (book: StockProjection) => book.availability("A")?.available;
const seen = (book: StockProjection) => {
  const { onHand, reserved, available } = book.view("A") ?? {};
  return { onHand, reserved, available };
};

t.test(
  "a reservation lowers availability at once, and the acknowledged stock only when it is stored",
  async (t) => {
    const book = bookOf(10);
    const reservation = change("reserve", 4);
    book.addPending(reservation);
    t.equal(available(book), 6);
    t.strictSame(seen(book), { onHand: 10, reserved: 0, available: 10 });
    book.committed([reservation]);
    t.equal(available(book), 6);
    t.strictSame(seen(book), { onHand: 10, reserved: 4, available: 6 });
  },
);

t.test("stored reservations and those in flight count together, for buyers and for a put", async (t) => {
  const book = bookOf(10);
  commit(book, change("reserve", 3));
  for (const quantity of [2, 1]) book.addPending(change("reserve", quantity));
  t.equal(available(book), 4);
  t.equal(book.beforePut("A").committedQuantity, 6);
});

t.test("a dropped reservation is available again", async (t) => {
  const book = bookOf(10);
  book.addPending(change("reserve", 4));
  book.removePending(change("reserve", 4));
  t.equal(available(book), 10);
});

t.test("a release is available only when it is stored", async (t) => {
  const book = bookOf(10);
  commit(book, change("reserve", 4));
  book.addPending(change("release", 4));
  t.equal(available(book), 6);
  book.committed([change("release", 4)]);
  t.equal(available(book), 10);
});

t.test("a shipment lowers onHand and reserved together when it is stored", async (t) => {
  const book = bookOf(10);
  commit(book, change("reserve", 4));
  book.addPending(change("ship", 4));
  t.strictSame(seen(book), { onHand: 10, reserved: 4, available: 6 });
  book.committed([change("ship", 4)]);
  t.strictSame(seen(book), { onHand: 6, reserved: 0, available: 6 });
});

t.test("a put that lowers counts at once, one that raises when it is stored", async (t) => {
  const book = bookOf(10);
  book.addPending(put("A", 3));
  t.equal(available(book), 3);
  book.removePending(put("A", 3));
  t.equal(available(book), 10);
  book.addPending(put("A", 30));
  t.equal(available(book), 10);
  book.committed([put("A", 30)]);
  t.equal(available(book), 30);
});

t.test("a SKU whose first put is pending is not available yet", async (t) => {
  const book = new StockProjection();
  book.addPending(put("A", 3));
  t.equal(book.availability("A"), undefined);
  t.equal(book.knows("A"), false);
  t.strictSame(book.page(10, undefined), { items: [], next: null });
});

t.test(
  "a batch gets one message per SKU, however many orders bought it, and changes nothing by itself",
  async (t) => {
    const book = bookOf(100);
    commit(book, put("B", 50));
    const orders = Array.from({ length: 40 }, (): StockChange => change("reserve", 2));
    const changes = [...orders, change("reserve", 5, "B"), put("A", 90, "counted")];
    for (const one of changes) book.addPending(one);
    const messages = book.compose(changes);
    t.strictSame(
      messages.map(({ subject }) => subject),
      [inventorySubjects.stock("A"), inventorySubjects.stock("B")],
    );
    t.strictSame(readStock(messages[0]?.payload ?? ""), {
      sku: "A",
      onHand: 90,
      reserved: 80,
      received: 90,
      shipped: 0,
      put: "counted",
      version: 42,
      moves: [
        ...Array.from({ length: 40 }, () => ({ kind: "reserved", by: "o", reserved: 2 })),
        { kind: "put", by: "counted", onHand: -10 },
      ],
    });
    t.strictSame(seen(book), { onHand: 100, reserved: 0, available: 100 });
    t.strictSame(book.compose(changes), messages, "composed again, the batch has the same messages");
    book.committed(changes);
    t.strictSame(seen(book), { onHand: 90, reserved: 80, available: 10 });
  },
);

t.test("a batch that is put together after others were stored starts from their values", async (t) => {
  const book = bookOf(10);
  const [first, second] = [change("reserve", 1), change("reserve", 2)];
  for (const one of [first, second]) book.addPending(one);
  t.equal(readStock(book.compose([second])[0]?.payload ?? "").reserved, 2);
  book.committed([first]);
  t.equal(readStock(book.compose([second])[0]?.payload ?? "").reserved, 3);
});

t.test("a decision that the stock does not cover stops the batch", async (t) => {
  const book = bookOf(1);
  t.throws(() => book.compose([change("reserve", 2)]), /impossible stock/);
});

t.test("pages go through every SKU once, ascending, SKUs added between pages included", async (t) => {
  const book = new StockProjection();
  for (const sku of ["d", "b", "a", "c", "E"]) commit(book, put(sku, 1));
  const first = book.page(2, undefined);
  t.strictSame(
    first.items.map(({ sku }) => sku),
    ["E", "a"],
  );
  t.equal(first.next, "a");
  commit(book, put("aa", 1));
  const second = book.page(2, "a");
  t.strictSame(
    second.items.map(({ sku }) => sku),
    ["aa", "b"],
  );
  const last = book.page(2, "b");
  t.strictSame(last.next, null);
  t.strictSame(book.page(2, "zzz"), { items: [], next: null });
});
