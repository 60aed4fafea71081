/** The form that places an order. */
import { execFileSync } from "node:child_process";
import t from "tap";
import {
  bodyOf,
  curlOf,
  firstDraft,
  methods,
  randomKey,
  takesToken,
  withLine,
  withQuantity,
} from "../../../console/src/place/order-draft.ts";

t.test("only methods with a card or wallet send a token", async (t) => {
  for (const method of methods) {
    const { payment } = bodyOf({ ...firstDraft, method });
    t.strictSame(payment, takesToken(method) ? { method, token: "tok_ok" } : { method });
  }
});

t.test("a country is sent as the API takes it, and an empty postal code is not sent", async (t) => {
  const { shippingAddress } = bodyOf({ ...firstDraft, country: "hk", postalCode: "" });
  t.strictSame(shippingAddress, { line1: "1 Main St", city: "Oporto", country: "HK" });
});

t.test("a SKU is on one line, and none of it removes the line", async (t) => {
  const one = withLine([], "A");
  const two = withLine(withLine(one, "B"), "A");
  t.strictSame(two, [
    { sku: "A", quantity: 2 },
    { sku: "B", quantity: 1 },
  ]);
  t.strictSame(withQuantity(two, "A", 7)[0], { sku: "A", quantity: 7 });
  t.strictSame(withQuantity(two, "A", 0), [{ sku: "B", quantity: 1 }]);
});

t.test("a shell reads the request as it is, whatever the customer is called", async (t) => {
  const body = { name: `O'Neill "the" $HOME \`id\`` };
  const line = curlOf("http://127.0.0.1:3000", "/v1/orders", body).replace(/^curl /u, "printf '%s\\n' ");
  const [, address, , , , sent] = execFileSync("sh", ["-c", line], { encoding: "utf8" }).split("\n");
  t.equal(address, "http://127.0.0.1:3000/v1/orders");
  t.strictSame(JSON.parse(sent ?? ""), body);
});

t.test("two keys are not the same", async (t) => {
  t.match(randomKey(), /^[0-9a-f]{32}$/u);
  t.not(randomKey(), randomKey());
});
