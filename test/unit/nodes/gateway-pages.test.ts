/** Pages over the books: decided once, paid as a whole, and open or closed as the shop and the clock decide. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { attempt, Ledger } from "../../../nodes/gateway/ledger.ts";

const request = { orderId: "ord_1", amount: 3998, currency: "EUR", expiresInMs: 1000 };

function stage(t: Test, path = join(t.testdir(), "ledger.jsonl")) {
  let now = 1_000_000;
  const ledger = new Ledger(path, () => now);
  const create = () =>
    ledger.book(attempt("ord_1:page:1", "page", [request]), () =>
      ledger.pages.create(request, "pay_1", "http://127.0.0.1/pay/pay_1", now),
    );
  return {
    path,
    ledger,
    create,
    pass: (ms: number) => {
      now += ms;
    },
    status: () => ledger.pages.find("pay_1", now)?.status,
    voids: (key: string) =>
      ledger.book(attempt(key, "void", [key]), (books, at) =>
        books.void({ orderId: "ord_1", authorization: null }, at),
      ),
    booked: () => ledger.entries("ord_1").map(({ kind, amount }) => [kind, amount]),
  };
}

t.test("a page is paid as a whole, once, and is still paid after a restart", async (t) => {
  const first = stage(t);
  const made = first.create();
  t.same(first.create(), made, "the same key, the same page");
  t.equal(first.status(), "pending");
  t.equal(first.ledger.choose("pay_1", "pay", "auth_1"), undefined);
  t.match(first.ledger.choose("pay_1", "decline", "auth_2"), { refused: 409, code: "payment_paid" });
  t.same(first.booked(), [
    ["authorize", 3998],
    ["capture", 3998],
  ]);
  first.ledger.close();
  const second = stage(t, first.path);
  t.match(second.ledger.pages.find("pay_1", 0), {
    status: "paid",
    authorization: "auth_1",
    orderId: "ord_1",
  });
  t.match(second.voids("v1"), { refused: 409, code: "already_captured" });
  second.ledger.close();
});

t.test(
  "a page is closed by a void and by time, and accepts a late payment only on an explicit request",
  async (t) => {
    for (const close of ["void", "time"] as const) {
      const { create, ledger, pass, status, voids, booked } = stage(t);
      create();
      if (close === "void") t.match(voids("v1"), { result: { status: "nothing_to_void" } });
      else pass(1000);
      t.equal(status(), "closed");
      t.match(ledger.choose("pay_1", "pay", "auth_1"), { refused: 409, code: "payment_closed" });
      t.same(booked(), []);
      t.equal(ledger.choose("pay_1", "pay_late", "auth_1"), undefined);
      t.equal(status(), "paid");
      ledger.close();
    }
  },
);

t.test("a declined or unknown page accepts no payment, and a voided order gets no page", async (t) => {
  const { create, ledger, status, voids, booked } = stage(t);
  create();
  t.equal(ledger.choose("pay_1", "decline", "auth_1"), undefined);
  t.equal(status(), "declined");
  for (const choice of ["pay", "pay_late", "decline"] as const)
    t.match(ledger.choose("pay_1", choice, "auth_1"), { refused: 409, code: "payment_declined" });
  t.match(ledger.choose("pay_9", "pay", "auth_1"), { refused: 404, code: "unknown_payment" });
  voids("v1");
  t.match(ledger.pages.create(request, "pay_2", "http://127.0.0.1", 0), {
    refused: 409,
    code: "order_closed",
  });
  t.same(booked(), []);
  ledger.close();
});
