/** Orders that version 1 of the fulfillment machine has stored: without a carrier, without a retrieved invoice. */
import t from "tap";
import type { MachineState } from "../../../../src/runtime/definition.ts";
import type { Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const atOnce = { mode: "auto", stepDelayMs: 0 } as const;
const auto = { mode: "auto", stepDelayMs: 1500 } as const;

/** As version 1 would have stored it: without the document and without the carrier's reports. */
function asVersion1(snapshot: Snapshot): Snapshot {
  const state = snapshot.machines["fulfillment"] as MachineState;
  return JSON.parse(
    JSON.stringify({
      ...snapshot,
      machines: { ...snapshot.machines, fulfillment: { ...state, version: 1 } },
    }),
  ) as Snapshot;
}

async function packed(plan: Parameters<typeof orderInput>[1]): Promise<OrderWorld> {
  const world = await new OrderWorld(orderInput("debit_card", plan)).start().performAll();
  for (const step of [{ type: "pick" }, { type: "quality-check", passed: true }, { type: "pack" }])
    world.step(step);
  return world;
}

t.test("a parcel with a label of version 1 is shipped without a call to a carrier", async (t) => {
  const world = await (await packed({ mode: "manual", stepDelayMs: 0 })).performAll();
  world.issueInvoice();
  world.reload(asVersion1);
  t.strictSame(world.view.nextEvents, ["cancel", "ship"]);
  t.ok(world.step({ type: "ship" }));
  t.match(world.snapshot.effects, [{ src: "retrieveInvoice" }], "its invoice is retrieved all the same");
  await world.perform(world.effect("retrieveInvoice"));
  t.strictSame(world.snapshot.effects, [], "nothing is handed over");
  t.match(world.view, { status: "shipped", nextEvents: ["deliver"] });
  t.match(world.snapshot.machines["fulfillment"], { version: 5, context: { ownLabel: true } });
  t.ok(world.step({ type: "deliver" }));
  t.equal(world.view.status, "completed");
});

t.test(
  "a label that version 1 has requested is made by the carrier, and the parcel handed over",
  async (t) => {
    const world = await packed({ mode: "manual", stepDelayMs: 0 });
    t.match(world.snapshot.effects, [{ src: "createShippingLabel" }]);
    world.reload(asVersion1);
    await world.performAll();
    world.issueInvoice();
    world.step({ type: "ship" });
    await world.perform(world.effect("retrieveInvoice"));
    await world.perform(world.effect("handOverParcel"));
    t.equal(world.view.status, "shipped");
  },
);

t.test("an order that pauses before shipping continues at its timer, through its invoice", async (t) => {
  const world = await new OrderWorld(orderInput("cash_on_delivery", auto)).start().performAll();
  for (let steps = 0; steps < 3; steps++) world.elapse();
  await world.performAll();
  world.issueInvoice();
  t.match(world.snapshot.machines["fulfillment"]?.value, { ready: "pausing" });
  world.reload(asVersion1);
  world.elapse();
  await world.perform(world.effect("retrieveInvoice"));
  await world.settle();
  t.equal(world.view.status, "completed");
});

t.test("an order whose stock is being shipped continues with the outcome", async (t) => {
  const world = await new OrderWorld(orderInput("debit_card", atOnce), { joins: false }).start().performAll();
  world.issueInvoice();
  await world.perform(world.effect("retrieveInvoice"));
  t.match(world.snapshot.machines["fulfillment"]?.value, { shipping: "handing_over" });
  world.reload(asVersion1);
  await world.performAll();
  t.equal(world.view.status, "completed");
});
