/** Which texts have a card number. The numbers are the public test numbers of the brands. */
import t from "tap";
import { hasCardNumber } from "../../../config/card-numbers.ts";
import { cardNumberIn } from "../../../src/http/protocol/card-numbers.ts";

t.test("a card number of any brand is found, with any separators and with digits after it", async (t) => {
  for (const text of [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111\u00a01111\u00a01111\u00a01111",
    "4111 - 1111 1111 1111",
    "４１１１１１１１１１１１１１１１",
    "card4111111111111111x",
    "4111,1111;1111_1111",
    "pay with 5555555555554444, please",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "6011111111111117",
    "3530111333300000",
    "6240008631401148",
    "2223003122003222",
    "4111 1111 1111 1111 123 12/28",
    "1 4111 1111 1111 1111",
  ])
    t.ok(hasCardNumber(text), text);
});

t.test("other numbers are no card numbers", async (t) => {
  for (const text of [
    "",
    "TSHIRT-M",
    "4111111111111112",
    "4006381333931",
    "5901234123457",
    "+351 912 345 678",
    "00 49 151 2345 6789",
    "1764489600000000",
    "41111111111111114111111111111111",
    "7d1a1c9e-0a53-4d0e-b3c0-f7c0a9f4a1a2",
    "12345678901234567890123",
    "PT50 0002 0123 1234 5678 9015 4",
  ])
    t.notOk(hasCardNumber(text), text);
});

t.test("the place of a card number is named, and never by the number", async (t) => {
  const card = "4111111111111111";
  t.equal(cardNumberIn({ payment: { token: card } }), "/payment/token");
  t.equal(cardNumberIn({ lines: [{ sku: "A" }, { sku: card }] }), "/lines/1/sku");
  t.equal(cardNumberIn({ customer: { [card]: 1 } }), "/customer");
  t.equal(cardNumberIn([null, 1, true, "A"]), undefined);
  t.equal(cardNumberIn(undefined), undefined);
});
