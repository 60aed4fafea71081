/** What an order is doing: what it waits for, what it takes, what is open. */
import t from "tap";
import { orderInsight } from "../../../../src/services/insight/order-insight.ts";
import { orderParts } from "../../../../src/services/insight/contract.ts";
import { orderInput, total } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const insight = (world: OrderWorld, now = world.now) =>
  orderInsight(world.id, world.snapshot, orderParts, now);

const waitOf = (world: OrderWorld, machine: string, now?: number) =>
  insight(world, now).waits?.find((wait) => wait.machine === machine);

const action = (world: OrderWorld, event: string) =>
  insight(world).actions?.find((one) => one.event === event);

function started(...input: Parameters<typeof orderInput>): OrderWorld {
  return new OrderWorld(orderInput(...input), { joins: false }).start();
}

t.test("a call, a person, a timer and the customer are named as what is awaited", async (t) => {
  const card = started("credit_card", { mode: "manual", stepDelayMs: 0 });
  await card.perform(card.effect("reserveInventory"));
  t.match(waitOf(card, "payment", card.now + 500), {
    for: "effect",
    name: "payment.authorizePayment",
    attempt: 1,
    sinceMs: 500,
  });
  const cash = started("cash_on_delivery", { mode: "manual", stepDelayMs: 0 });
  await cash.performAll();
  t.match(waitOf(cash, "fulfillment"), { for: "person", name: "pick", says: /.+/, waitsFor: /.+/ });
  const auto = started("cash_on_delivery", { mode: "auto", stepDelayMs: 1500 });
  await auto.performAll();
  const dueAt = new Date(auto.now + 1500).toISOString();
  t.match(waitOf(auto, "fulfillment"), {
    for: "timer",
    name: /^fulfillment\.xstate\.after\.stepDelay/,
    dueAt,
  });
  const hosted = started("async", { mode: "manual", stepDelayMs: 0 });
  await hosted.performAll();
  t.match(waitOf(hosted, "order"), { for: "customer" });
});

t.test("a try after failures says which one it is", async (t) => {
  const world = started("cash_on_delivery", { mode: "manual", stepDelayMs: 0 });
  await world.performAll();
  for (const type of ["pick", "quality-check", "pack"]) world.step({ type, passed: true } as never);
  world.fail(world.effect("createShippingLabel"), "retryable");
  t.match(waitOf(world, "fulfillment"), { for: "timer" });
  world.command("fulfillment", { type: "retry" });
  t.match(waitOf(world, "fulfillment"), {
    for: "effect",
    name: "fulfillment.createShippingLabel",
    attempt: 2,
  });
});

t.test("an ended order waits for nothing, and takes no command", async (t) => {
  const world = started("cash_on_delivery", { mode: "manual", stepDelayMs: 0 });
  await world.performAll();
  world.cancel();
  await world.performAll();
  const { actions, effects, timers, waits } = insight(world);
  t.match(
    waits?.find(({ machine }) => machine === "order"),
    { for: "nothing", name: null },
  );
  t.strictSame(
    actions?.filter(({ enabled }) => enabled),
    [],
  );
  t.strictSame([effects, timers], [[], []]);
});

t.test("a command is enabled when its machine takes it, and otherwise the answer says why not", async (t) => {
  const world = started("cash_on_delivery", { mode: "manual", stepDelayMs: 0 });
  await world.performAll();
  for (const step of ["pick", "quality-check", "pack", "ship", "deliver"]) {
    const { nextEvents } = world.view;
    const enabled = insight(world).actions?.filter((one) => one.enabled);
    t.strictSame(enabled?.map(({ event }) => event).toSorted(), [...nextEvents].toSorted());
    t.match(action(world, step), { enabled: true });
    // Every condition of these states belongs to a transition that follows by itself.
    for (const { why } of insight(world).actions ?? []) t.notMatch(why ?? "", /conditions/u, why ?? "");
    t.notOk("why" in (action(world, step) ?? {}));
    world.step({ type: step, passed: true, collected: total } as never);
    await world.settle();
  }
  t.match(action(world, "cancel"), {
    enabled: false,
    why: "The order is completed and has no such step now.",
  });
});

t.test("open calls, timers and states are shown without secrets", async (t) => {
  const world = started("credit_card", { mode: "manual", stepDelayMs: 0 });
  await world.perform(world.effect("reserveInventory"));
  const { effects, machines } = insight(world);
  t.match(effects, [
    {
      name: "payment.authorizePayment",
      key: /^ord_1:payment\.authorizePayment:\d+$/,
      input: { token: "masked" },
      abandoned: false,
    },
  ]);
  t.match(machines, { order: { state: "authorizing", status: "active", version: 6 } });
  t.notMatch(JSON.stringify(insight(world)), /tok_|Ada|Main St/u);
});

t.test("only what is asked for is answered", (t) => {
  const world = started();
  t.strictSame(orderInsight(world.id, world.snapshot, [], 0), {});
  t.strictSame(Object.keys(orderInsight(world.id, world.snapshot, ["timers"], 0)), ["timers"]);
  t.end();
});

t.test("what could move the machines on is in the order, with what their conditions answer", async (t) => {
  const world = started("credit_card", { mode: "manual", stepDelayMs: 0 });
  await world.performAll();
  const steps = insight(world).next ?? [];
  const step = (machine: string, edge: string) =>
    steps.find((one) => one.machine === machine && one.edge === edge)?.verdict;
  t.equal(step("order", "confirmed:cancel:0"), true);
  t.equal(step("payment", "authorized:capture.requested:0"), true);
  t.equal(step("payment", "authorized:order.closed:0"), false, "it is not settled at once");
  t.equal(step("payment", "authorized:order.closed:1"), true);
  t.equal(step("fulfillment", "stored.awaiting:pick:0"), true);
  world.command("fulfillment", { type: "pick" });
  const later = insight(world).next?.find(({ edge }) => edge === "picked.awaiting:quality-check:0");
  t.equal(later?.verdict, null, "the command says whether the check was passed");
});
