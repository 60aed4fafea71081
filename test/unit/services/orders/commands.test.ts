/** Commands find their machine, and a delivery collects exactly what is due. */
import t from "tap";
import { addressed, collectsDue } from "../../../../src/services/orders/commands.ts";

const euro = (amount: number) => ({ amount, currency: "EUR" });

t.test("a delivery collects exactly what is due, in its currency", async (t) => {
  t.ok(collectsDue(euro(100), euro(100)));
  t.ok(collectsDue(euro(0), undefined), "nothing is due");
  t.ok(collectsDue(euro(0), euro(0)));
  t.notOk(collectsDue(euro(100), undefined));
  t.notOk(collectsDue(euro(100), euro(99)));
  t.notOk(collectsDue(euro(100), euro(101)));
  t.notOk(collectsDue(euro(0), euro(1)));
  t.notOk(collectsDue(euro(100), { amount: 100, currency: "USD" }));
});

t.test("a cancellation goes to the order, every step of the warehouse to the fulfillment", async (t) => {
  t.match(addressed({ type: "cancel", reason: "no" }), { machine: "order", event: { reason: "no" } });
  for (const type of ["pick", "pack", "ship"] as const)
    t.same(addressed({ type }), { machine: "fulfillment", event: { type } });
  t.match(addressed({ type: "quality-check", passed: false }), {
    machine: "fulfillment",
    event: { passed: false },
  });
  t.match(addressed({ type: "deliver", collected: euro(5) }), {
    machine: "fulfillment",
    event: { collected: euro(5) },
  });
});
