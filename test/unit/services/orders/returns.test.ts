/** Parcels that are refused, unclaimed, lost or brought back, and amounts that differ at the door: whole orders. */
import t from "tap";
import type { PaymentMethod } from "../../../../machines/types.ts";
import { orderInput, total } from "../../machines/order-input.ts";
import { creditNote, invoice, OrderWorld } from "./order-world.ts";
import { shipped } from "./shipped-order.ts";

/** The payment's last status, and what the gateway's ledger has. */
const back: Record<PaymentMethod, readonly [status: string, booked: readonly string[]]> = {
  cash_on_delivery: ["none", []],
  in_person: ["none", []],
  credit_card: ["refunded", ["authorize", "capture", "refund"]],
  tokenized: ["refunded", ["authorize", "capture", "refund"]],
  debit_card: ["refunded", ["authorize", "refund"]],
  async: ["refunded", ["authorize", "capture", "refund"]],
};

const methods = Object.keys(back) as PaymentMethod[];

/** A command. */
const say = (type: string, more: object = {}) => ({ type, ...more });

/** Ways to the end: what is said, the cause that counts, and what becomes of the goods. */
const ways: readonly {
  readonly what: string;
  readonly happen: (world: OrderWorld) => boolean;
  readonly cause: string;
  readonly goods: "restocked" | "written_off";
}[] = [
  {
    what: "refused at the door, and received",
    happen: (w) =>
      w.carrierSays("refused") && w.carrierSays("returned") && w.step(say("receive", { restock: true })),
    cause: "refused",
    goods: "restocked",
  },
  {
    what: "unclaimed, and back with a dent",
    happen: (w) => w.carrierSays("unclaimed") && w.step(say("receive", { restock: false })),
    cause: "unclaimed",
    goods: "written_off",
  },
  { what: "lost", happen: (w) => w.carrierSays("lost"), cause: "lost", goods: "written_off" },
  {
    what: "refused, and lost in transit to the shop",
    happen: (w) => w.step(say("report-refused")) && w.carrierSays("lost"),
    cause: "refused",
    goods: "written_off",
  },
  {
    what: "brought back without a reason",
    happen: (w) => w.carrierSays("returned") && w.step(say("receive", { restock: true })),
    cause: "returned",
    goods: "restocked",
  },
  {
    what: "reported lost by an operator",
    happen: (w) => w.step(say("report-lost")),
    cause: "lost",
    goods: "written_off",
  },
  {
    what: "back at the warehouse before any word",
    happen: (w) => w.step(say("receive", { restock: true })),
    cause: "returned",
    goods: "restocked",
  },
];

for (const { what, happen, cause, goods } of ways)
  for (const method of methods)
    for (const joins of [true, false])
      t.test(
        `a ${method} parcel that is ${what}, stock ${joins ? "here" : "elsewhere"}, returns its order`,
        async (t) => {
          const world = await shipped(method, { joins });
          t.ok(happen(world), what);
          t.equal(world.view.status, "returned");
          t.match(world.view.fulfillment, { status: "returned", return: { cause, goods } });
          t.equal(world.view.reason, cause);
          await world.performAll();
          t.same(world.inventory.cameBack, goods === "restocked" ? [world.id] : [], "goods");
          t.equal(world.inventory.hold(world.id), "shipped");
          t.equal(world.view.payment.status, back[method][0]);
          t.strictSame(
            world.gateway.bookings(world.id).map(({ kind }) => kind),
            back[method][1],
          );
          t.equal(world.eventTypes.filter((type) => type === "order.returned").length, 1);
          t.notOk(world.eventTypes.includes("payment.collected"));
          t.notOk(world.eventTypes.includes("order.completed"));
          const refund = world.events.find(({ type }) => type === "payment.refunded");
          if (refund) t.match(refund, { reason: "returned", amount: total });
          t.strictSame(world.view.nextEvents, []);
          t.notOk(world.carrierDelivers(null), "the carrier's later word changes nothing");
          t.notOk(world.step(say("receive", { restock: true })), "and the goods come back once");
          t.ok(world.issueCreditNote(), "the invoice is credited");
          t.match(world.view.invoice, {
            number: invoice.number,
            creditNote: { number: creditNote.number, url: `/v1/orders/${world.id}/credit-note` },
          });
          t.notOk(world.issueCreditNote(), "once");
        },
      );

t.test("the first word is the cause, and a parcel that comes back may still be delivered", async (t) => {
  const world = await shipped("debit_card");
  t.ok(world.carrierSays("refused"));
  t.notOk(world.carrierSays("unclaimed"), "it is coming back already");
  t.match(world.view, {
    status: "returning",
    fulfillment: { status: "returning", return: { cause: "refused", goods: null } },
    nextEvents: ["deliver", "report-lost", "receive"],
  });
  t.strictSame(world.gateway.balance(world.id).refunded, 0, "the money waits for the goods");
  t.ok(world.carrierDelivers(null), "the second attempt succeeds");
  t.equal(world.view.status, "completed");
  t.equal(world.view.fulfillment.return, undefined);
  t.notOk(world.carrierSays("lost"));
});

t.test("a word about another parcel changes nothing", async (t) => {
  const world = await shipped("debit_card");
  for (const word of ["refused", "unclaimed", "lost", "returned"] as const)
    t.notOk(world.carrierSays(word, "ORD0"), word);
  t.equal(world.view.status, "shipped");
});

t.test("the carrier's word that comes before the end of the hand-over is applied after it", async (t) => {
  for (const [word, status] of [
    ["refused", "returning"],
    ["lost", "returned"],
  ] as const) {
    const world = await new OrderWorld(orderInput("debit_card")).start().performAll();
    for (const step of ["pick", "quality-check", "pack"]) world.step(say(step, { passed: true }));
    await world.performAll();
    world.issueInvoice();
    world.step(say("ship"));
    await world.perform(world.effect("retrieveInvoice"));
    if (world.snapshot.effects.some(({ src }) => src === "shipInventory"))
      await world.perform(world.effect("shipInventory"));
    t.ok(world.carrierSays(word));
    t.equal(world.view.status, "ready");
    await world.performAll();
    t.equal(world.view.status, status);
  }
});

t.test("in auto mode a parcel that is reported as refused is back in stock after a pause", async (t) => {
  const world = new OrderWorld(orderInput("credit_card", { mode: "auto", stepDelayMs: 1500 })).start();
  for (let turns = 0; turns < 60 && world.view.status !== "shipped"; turns++) {
    const [effect] = world.snapshot.effects;
    if (effect) await world.perform(effect);
    else if (!world.issueInvoice()) world.elapse();
  }
  t.strictSame(world.view.nextEvents, ["report-refused", "report-unclaimed", "report-lost", "receive"]);
  t.ok(world.step(say("report-refused")));
  t.equal(world.view.status, "returning");
  await world.settle();
  t.match(world.view, { status: "returned", payment: { status: "refunded" } });
  t.same(world.inventory.cameBack, [world.id]);
});

t.test(
  "stock that cannot be put back holds neither the order nor the money, and is tried again",
  async (t) => {
    const world = await shipped("credit_card", { joins: false });
    t.ok(world.step(say("receive", { restock: true })));
    t.notOk(world.settled, "a caller waits for the stock");
    world.fail(world.effect("returnInventory"), "retryable");
    t.match(world.view, { status: "returned", nextEvents: ["retry"] });
    await world.perform(world.effect("refundPayment"));
    t.equal(world.view.payment.status, "refunded");
    t.ok(world.step(say("retry")));
    await world.performAll();
    t.same(world.inventory.cameBack, [world.id]);
    t.strictSame(world.view.nextEvents, []);
  },
);

const short = { ...total, amount: total.amount - 1 };
for (const [method, collected] of [
  ["cash_on_delivery", short],
  ["cash_on_delivery", null],
  ["in_person", { ...total, currency: "USD" }],
  ["credit_card", total],
] as const)
  t.test(
    `a ${method} order for which the carrier collected ${JSON.stringify(collected)} waits for an operator`,
    async (t) => {
      const atTheDoor = method !== "credit_card";
      const expected = atTheDoor ? total : { ...total, amount: 0 };
      const world = await shipped(method);
      t.ok(world.carrierDelivers(collected), "it leaves a trace");
      t.match(world.view, {
        status: "shipped",
        fulfillment: { dispute: { collected, expected, reason: null } },
      });
      t.strictSame(world.view.nextEvents.slice(0, 2), ["deliver", "settle"]);
      t.match(world.events.at(-1), { type: "fulfillment.amount_differs", collected });
      t.notOk(world.carrierDelivers(collected), "a repetition changes nothing");
      t.ok(world.step(say("settle", { reason: "the customer gets it" })));
      t.match(world.view, {
        status: "completed",
        fulfillment: { dispute: { collected, expected, reason: "the customer gets it" } },
      });
      const event = world.events.find(({ type }) => type === "payment.collected");
      if (atTheDoor) t.match(event, { amount: collected ?? { ...total, amount: 0 } }, "what was collected");
      else t.equal(event, undefined);
    },
  );

t.test("a dispute ends with the right amount as well, and its parcel can still come back", async (t) => {
  const corrected = await shipped("cash_on_delivery");
  corrected.carrierDelivers(short);
  t.notOk(corrected.step(say("deliver", { collected: short })));
  t.ok(corrected.step(say("deliver", { collected: total })), "the rest was paid later");
  t.equal(corrected.view.status, "completed");
  t.match(
    corrected.events.find(({ type }) => type === "payment.collected"),
    { amount: total },
  );
  const returned = await shipped("cash_on_delivery");
  returned.carrierDelivers(short);
  t.ok(returned.step(say("receive", { restock: true })));
  t.match(returned.view, { status: "returned", payment: { status: "none" } });
});
