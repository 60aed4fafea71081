import * as fc from "fast-check";
import t from "tap";
import { token } from "../../../../src/runtime/subjects.ts";
import {
  derivedOrderId,
  drawnOrderId,
  hasOtherHash,
  requestHash,
  requestHashes,
} from "../../../../src/services/orders/order-id.ts";

t.test("an id derived from a key is the same everywhere, and needs the secret", async (t) => {
  const id = derivedOrderId("secret", "shop", "k1");
  t.equal(id, derivedOrderId("secret", "shop", "k1"));
  t.not(id, derivedOrderId("another secret", "shop", "k1"));
  t.not(
    derivedOrderId("secret", "a", "bc"),
    derivedOrderId("secret", "ab", "c"),
    "no two pairs run together",
  );
});

t.test("an id is one subject token, whatever the key", async (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "Z", "0", " ", ".", "*", ">", "$", "é", "漢", "\u0000") }),
      fc.string(),
      (caller, key) => {
        const id = derivedOrderId("secret", caller, key);
        return /^ord_[A-Za-z0-9_-]{1,64}$/.test(id) && token(id) === id;
      },
    ),
  );
  t.equal(drawnOrderId({ next: () => "Abc-_9" }), "ord_Abc-_9");
});

t.test("a request's hash depends on its content, not on the order of its fields", async (t) => {
  t.equal(requestHash({ a: 1, b: { c: [1, 2], d: "x" } }), requestHash({ b: { d: "x", c: [1, 2] }, a: 1 }));
  t.not(requestHash({ a: [1, 2] }), requestHash({ a: [2, 1] }), "the order of a list counts");
  t.not(requestHash({ a: 1 }), requestHash({ a: "1" }));
  t.equal(requestHash({ a: 1, b: undefined }), requestHash({ a: 1 }));
});

const mismatch = (stored: string) => ({ status: "request_mismatch", snapshot: { request: stored } });

t.test(
  "the stored hash of a request needs the secret, and the former one is known as its other",
  async (t) => {
    const request = { customer: { name: "Ada" } };
    const [keyed, former] = requestHashes("secret", request, false);
    t.equal(former, requestHash(request));
    t.match(keyed, /^[\w-]{22}$/u);
    t.not(keyed, requestHashes("another", request, false)[0], "without the secret it says nothing");
    t.not(keyed, requestHashes("secret", { customer: { name: "Bo" } }, false)[0]);
    t.equal(
      keyed,
      requestHashes("secret", { customer: { name: "Ada" } }, false)[0],
      "the same on every node",
    );
    t.same(requestHashes("secret", request, true), [former, keyed], "a node of 0.1.0 knows the former only");
    t.equal(hasOtherHash(mismatch(former), [keyed, former]), true);
    t.equal(hasOtherHash(mismatch("of another request"), [keyed, former]), false);
    t.equal(hasOtherHash({ status: "ok", snapshot: { request: former } }, [keyed, former]), false);
    t.equal(hasOtherHash({ status: "request_mismatch", snapshot: {} }, undefined), false);
  },
);
