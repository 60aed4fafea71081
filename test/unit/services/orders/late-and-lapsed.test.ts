/** Authorizations that lapse, and money that arrives after the end. */
import t from "tap";
import { orderInput, total } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const atOnce = { mode: "auto", stepDelayMs: 0 } as const;

/** Authorized, and idle until the gateway lets the authorization lapse. */
async function lapsedOrder(): Promise<OrderWorld> {
  const world = await new OrderWorld(orderInput("credit_card")).start().performAll();
  world.elapse();
  return world;
}

t.test(
  "an authorization that lapses is noticed at once, published, and holds the order once it is packed",
  async (t) => {
    const world = await lapsedOrder();
    const expired = { status: "expired", reason: "authorization_expired" };
    t.match(world.view, { status: "confirmed", payment: expired, nextEvents: ["cancel", "pick"] });
    t.match(world.events.at(-1), { type: "payment.expired", reason: "authorization_expired", amount: total });
    for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }])
      t.ok(world.step(step));
    await world.performAll();
    t.match(world.view, { status: "confirmed", payment: expired, nextEvents: ["cancel", "retry"] });
    t.strictSame(world.snapshot.timers, [], "nothing is tried again by itself");
    t.ok(world.command("payment", { type: "retry" }));
    await world.performAll();
    t.match(world.view, { payment: expired, nextEvents: ["cancel", "retry"] }, "the gateway refuses again");
    t.ok(world.cancel());
    await world.settle();
    t.match(world.view, { status: "cancelled", payment: expired, nextEvents: [] });
    t.notOk(world.eventTypes.some((type) => type === "payment.voided" || type === "payment.refunded"));
    t.strictSame(
      world.gateway.bookings(world.id).map(({ kind }) => kind),
      ["authorize", "lapse"],
    );
  },
);

t.test("an order whose authorization has lapsed is cancelled without a call to the gateway", async (t) => {
  const world = await lapsedOrder();
  t.ok(world.cancel());
  t.notOk(world.snapshot.effects.some(({ machine }) => machine === "payment"));
  t.match(world.view, { status: "cancelled", payment: { status: "expired" } });
});

t.test(
  "a capture that was carried out in time counts, although its answer was lost and the time is over",
  async (t) => {
    const world = new OrderWorld(orderInput("credit_card", atOnce)).start();
    await world.perform(world.effect("authorizePayment"));
    await world.perform(world.effect("createShippingLabel"));
    const capture = world.effect("capturePayment");
    await world.outcomeOf(capture);
    world.fail(capture, "unknown");
    world.elapse(world.snapshot.timers.findIndex(({ id }) => id === "authorization.lapse"));
    await world.settle();
    t.match(world.view, { status: "completed", payment: { status: "captured", reason: null } });
  },
);

t.test("money paid on a page after the end without a callback is found and refunded", async (t) => {
  const after = {
    cancelled: (world: OrderWorld) => world.cancel(),
    payment_expired: (world: OrderWorld) =>
      world.elapse(world.snapshot.timers.findIndex(({ id }) => id.includes("deadline"))),
  };
  for (const [status, end] of Object.entries(after)) {
    const world = await new OrderWorld(orderInput("async")).start().performAll();
    end(world);
    await world.performAll();
    const begun = world.now;
    for (let looks = 0; looks < 5; looks++) {
      world.elapse();
      await world.performAll();
    }
    t.ok(world.gateway.choose(world.id, "pay_late"), "no event is published");
    await world.settle();
    t.match(world.view, { status, payment: { status: "refunded" } });
    t.match(world.events.at(-1), {
      type: "payment.refunded",
      reason: status === "cancelled" ? "cancelled" : "expired",
    });
    t.ok(world.now - begun < 3_600_000, "within the hour, the page was paid after some minutes");
  }
});

t.test("the page of an order that has ended is checked eight times, within a day", async (t) => {
  const world = await new OrderWorld(orderInput("async")).start().performAll();
  world.cancel();
  await world.performAll();
  const begun = world.now;
  let looks = 0;
  for (; world.snapshot.timers.length > 0; looks++) {
    world.elapse();
    await world.performAll();
  }
  t.equal(looks, 8);
  t.ok(world.now - begun > 36_000_000 && world.now - begun < 86_400_000, `${world.now - begun} ms`);
  t.equal(world.view.payment.status, "voided");
});
