/** Lines of a stock file: exact prices in every currency, and a text for every fault. */
import * as fc from "fast-check";
import t from "tap";
import {
  readStockHeader,
  readStockLine,
  stockColumns,
} from "../../../../src/services/inventory/stock-file.ts";

const good = { sku: "MUG", name: "Mug", price: "19.99", currency: "EUR", onHand: "100" };
const read = (line: Record<(typeof stockColumns)[number], string>) =>
  readStockLine(stockColumns, stockColumns.map((column) => `"${line[column]}"`).join(","));

t.test("a line is a SKU with its stock", async (t) => {
  t.strictSame(read(good), {
    sku: "MUG",
    stock: { name: "Mug", price: { amount: 1999, currency: "EUR" }, onHand: 100 },
  });
  for (const [price, currency, amount] of [
    ["1999", "JPY", 1999],
    ["1.5", "KWD", 1500],
    ["0.07", "USD", 7],
    ["5", "EUR", 500],
    ["1999", "HUF", 199_900],
    ["1999.5", "COP", 199_950],
    ["0.0001", "CLF", 1],
    ["90071992547409.91", "EUR", Number.MAX_SAFE_INTEGER],
  ] as const)
    t.match(read({ ...good, price, currency }), { stock: { price: { amount } } }, `${price} ${currency}`);
});

t.test("a faulty line gets a text with its fault", async (t) => {
  for (const [change, why] of [
    [{ sku: "" }, /sku is missing/u],
    [{ name: "" }, /name is missing/u],
    [{ currency: "euro" }, /currency "euro"/u],
    [{ currency: "ZZZ" }, /currency "ZZZ" is no ISO 4217 code/u],
    [{ price: "1.999", currency: "HUF" }, /more than the 2 decimals of HUF/u],
    [{ price: "19,99" }, /price "19,99" is no decimal/u],
    [{ price: "-1" }, /price "-1"/u],
    [{ price: "19.999" }, /more than the 2 decimals of EUR/u],
    [{ price: "1.5", currency: "JPY" }, /more than the 0 decimals of JPY/u],
    [{ price: "90071992547409.92" }, /too large/u],
    [{ onHand: "" }, /onHand "" is no whole number/u],
    [{ onHand: "1.5" }, /onHand "1.5"/u],
    [{ onHand: "9007199254740993" }, /too large/u],
  ] as const)
    t.match(read({ ...good, ...change }), why);
});

t.test("a line that does not fit the file's columns is a fault of its own", async (t) => {
  for (const [text, why] of [
    ["MUG,Mug,19.99,EUR", /has 4 fields instead of 5/u],
    ["MUG,Mug,19.99,EUR,1,2", /has 6 fields instead of 5/u],
    ['MUG,"Mug,19.99,EUR,1', /a quote that is not closed/u],
    ['MUG,"Mug"s,19.99,EUR,1', /a quote in the middle/u],
    ['MUG,5" mug,19.99,EUR,1', /a quote in the middle/u],
    ["MUG,M\uFFFDg,19.99,EUR,1", /not UTF-8/u],
  ] as const)
    t.match(readStockLine(stockColumns, text), why);
  t.match(readStockLine(stockColumns, ' MUG , "5"" mug, blue" ,19.99,EUR,1'), {
    sku: "MUG",
    stock: { name: '5" mug, blue' },
  });
});

t.test("the first line names the columns, in any order and with others between", async (t) => {
  t.strictSame(readStockHeader('\uFEFFonHand,"sku",shelf,currency,price,name'), [
    "onHand",
    "sku",
    "shelf",
    "currency",
    "price",
    "name",
  ]);
  t.match(readStockHeader("sku,name,price"), /lacks the columns currency; it must name/u);
  const withoutCounts = readStockHeader("sku,name,price,currency");
  t.strictSame(withoutCounts, ["sku", "name", "price", "currency"], "counts may be left out");
  t.strictSame(readStockLine(withoutCounts as string[], "MUG,Mug,5,EUR"), {
    sku: "MUG",
    stock: { name: "Mug", price: { amount: 500, currency: "EUR" } },
  });
  t.match(readStockHeader("sku,name,price,currency,onHand,price"), /the column price twice/u);
  t.match(readStockHeader('sku,"name'), /not closed/u);
});

t.test("every price of a currency is read exactly", async () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000_000 }), (amount) => {
      const text = `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
      const line = read({ ...good, price: text });
      return typeof line !== "string" && line.stock.price?.amount === amount;
    }),
  );
});
