/** Random walks of whole orders: any command, outcome, lost answer and timer, in any order. */
import * as fc from "fast-check";
import t from "tap";
import type { OrderStatus } from "../../../../src/services/orders/contract.ts";
import { accepts } from "../../../../src/runtime/actor/machine.ts";
import { orderMachines } from "../../../../src/services/orders/definition.ts";
import { orderMachinesOf } from "../../../../src/services/orders/status.ts";
import { shapeOf, takes } from "../../../../src/services/projection/shape.ts";
import { difference } from "../../../../src/services/payments/reconciliation.ts";
import { orderInput, outOfStock, total } from "../../machines/order-input.ts";
import { happen, happening, methods, type Straggler } from "./order-walk.ts";
import { OrderWorld } from "./order-world.ts";

/** Where an order may go from each status within one input, in the order of the flowcharts. */
const successors: Record<OrderStatus, readonly OrderStatus[]> = {
  reserving: ["rejected", "authorizing", "awaiting_payment", "confirmed"],
  rejected: [],
  created: [],
  authorizing: ["confirmed", "payment_failed", "payment_expired", "cancelled"],
  awaiting_payment: ["confirmed", "payment_failed", "payment_expired", "cancelled"],
  payment_failed: [],
  payment_expired: [],
  confirmed: ["ready", "cancelled"],
  ready: ["shipped", "cancelled"],
  shipped: ["delivered", "completed", "returning", "returned"],
  delivered: ["completed"],
  completed: [],
  returning: ["completed", "delivered", "returned"],
  returned: [],
  cancelled: [],
};

/** What must hold after every single input. */
function check(world: OrderWorld, before: OrderStatus): void {
  const { status, nextEvents } = world.view;
  if (status !== before && !reachable(before, status)) throw new Error(`${before} -> ${status}`);
  if (world.inventory.ended > 1) throw new Error("the hold ended twice");
  if (world.gateway.authorizations(world.id) > 1) throw new Error("authorized twice");
  const { settled, refunded } = world.gateway.balance(world.id);
  if (!(refunded >= 0 && refunded <= settled && settled <= total.amount)) {
    throw new Error(`settled ${settled}, refunded ${refunded}`);
  }
  if (world.inventory.cameBack.length > (status === "returned" ? 1 : 0)) throw new Error("stock came back");
  if (world.inventory.hold(world.id) === "shipped" && status === "cancelled") {
    throw new Error("shipped what was cancelled");
  }
  const taken = [
    "cancel",
    "pick",
    "pack",
    "ship",
    "report-refused",
    "report-unclaimed",
    "report-lost",
  ] as const;
  for (const type of [...taken, "receive", "settle"] as const) {
    const machine = type === "cancel" ? "order" : "fulfillment";
    const state = world.snapshot.machines[machine];
    if (!state) throw new Error(`no ${machine}`);
    const event = { type, reason: "", restock: true };
    if (accepts(orderMachines[machine], state, event) !== nextEvents.includes(type)) {
      throw new Error(`${type} in ${JSON.stringify(state.value)}: next events ${nextEvents.join()}`);
    }
  }
  const failed = (["payment", "fulfillment"] as const).some((machine) => {
    const state = world.snapshot.machines[machine];
    return state !== undefined && accepts(orderMachines[machine], state, { type: "retry" });
  });
  if (failed !== nextEvents.includes("retry")) throw new Error(`retry: next events ${nextEvents.join()}`);
  // What lists count as orders that take a command.
  const shape = shapeOf(world.snapshot, false);
  for (const type of [...taken, "deliver", "quality-check", "retry", "receive", "settle"] as const) {
    if (takes(shape, type) !== nextEvents.includes(type))
      throw new Error(`${type} by shape ${shape.states.join()}: next events ${nextEvents.join()}`);
  }
  const once = ["order.created", "order.confirmed", "order.ready", "order.shipped", "order.completed"];
  for (const type of [...once, "order.cancelled", "payment.authorized", "payment.captured"]) {
    if (world.eventTypes.filter((emitted) => emitted === type).length > 1) throw new Error(`${type} twice`);
  }
}

function reachable(from: OrderStatus, to: OrderStatus): boolean {
  return successors[from].some((next) => next === to || reachable(next, to));
}

/** What must hold once no effect or timer is left. */
function checkEnd(world: OrderWorld): void {
  const { status, payment } = world.view;
  const hold = world.inventory.hold(world.id);
  const { authorized, settled, refunded } = world.gateway.balance(world.id);
  const fact = `${status}, ${payment.status}, ${hold}, ${authorized}/${settled}/${refunded}`;
  if (status === "completed") {
    const paid = payment.status === "collected" ? 0 : total.amount;
    if (hold !== "shipped" || settled !== paid || refunded !== 0) throw new Error(fact);
    return;
  }
  if (status === "returned") {
    const { goods } = world.view.fulfillment.return ?? {};
    if (world.inventory.cameBack.length !== (goods === "restocked" ? 1 : 0))
      throw new Error(`${fact}, ${goods}`);
    if (hold !== "shipped" || settled !== refunded || payment.status === "collected") throw new Error(fact);
    return;
  }
  const ended = ["rejected", "payment_failed", "payment_expired", "cancelled"].includes(status);
  if (!ended) throw new Error(`rests as ${fact}`);
  if (hold === "held" || settled !== refunded || authorized > refunded) throw new Error(fact);
}

/** The gateway's ledger and the order's record agree, as `reconcile` reads them. */
function checkReconciled(world: OrderWorld): void {
  const { machines, effects } = world.snapshot;
  const { value, context } = orderMachinesOf(machines).payment;
  const underWay = effects.some(({ machine }) => machine === "payment");
  const found = difference(
    world.id,
    { orderId: world.id, value, context, underWay },
    world.gateway.bookings(world.id),
  );
  if (found) throw new Error(JSON.stringify(found));
}

t.test("under any inputs money and stock are accounted for, and every order reaches an end", async (t) => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.constantFrom("auto" as const, "manual" as const),
      fc.constantFrom(0, 1500),
      fc.boolean(),
      fc.integer({ min: 1, max: 10 }),
      fc.array(happening, { maxLength: 40, size: "max" }),
      async (method, mode, stepDelayMs, joins, luck, happenings) => {
        const world = new OrderWorld(orderInput(method, { mode, stepDelayMs }), { joins });
        if (luck === 1) world.inventory.reservation = outOfStock;
        world.gateway.declines = luck === 2;
        const stragglers: Straggler[] = [];
        world.start();
        check(world, "reserving");
        for (const next of happenings) {
          const before = world.view.status;
          await happen(world, next, stragglers);
          check(world, before);
        }
        world.gateway.refusesCaptures = false;
        await calm(world, luck);
        for (const straggler of stragglers) await world.outcomeOf(straggler);
        checkEnd(world);
        checkReconciled(world);
        const end = `${world.view.status} ${world.view.payment.status}`;
        seen.set(end, (seen.get(end) ?? 0) + 1);
      },
    ),
    { numRuns: 800 },
  );
  // A walk that never reaches some end proves nothing.
  for (const end of [
    "completed captured",
    "completed collected",
    "completed authorized",
    "returned none",
    "returned refunded",
    "cancelled voided",
    "cancelled refunded",
    "cancelled none",
    "cancelled expired",
    "payment_expired expired",
    "payment_expired refunded",
    "payment_failed failed",
    "rejected none",
  ]) {
    t.ok((seen.get(end) ?? 0) > 0, `${end}: ${seen.get(end) ?? 0} of the walks`);
  }
});

/** Without faults: the warehouse and the operators act, and effects succeed. Bounded. @param luck odd: no delivery */
async function calm(world: OrderWorld, luck: number): Promise<void> {
  for (let turns = 0; turns < 30; turns++) {
    await world.settle();
    // A lapsed authorization holds the order: only an operator ends that.
    if (world.view.payment.reason === "authorization_expired" && world.cancel()) continue;
    const next = world.view.nextEvents.filter((event) => event !== "cancel");
    const inTransit = next.filter((event) => /^(?:report|receive|settle)/u.test(event));
    const step = luck % 2 === 1 && inTransit.length > 0 ? inTransit[luck % inTransit.length] : next[0];
    if (step === undefined) return;
    const collected =
      world.view.payment.method.endsWith("n_person") || world.view.payment.method.startsWith("cash");
    world.step({
      type: step,
      ...(step === "quality-check" ? { passed: true } : {}),
      ...(step === "receive" ? { restock: true } : {}),
      ...(step === "settle" ? { reason: "a small difference" } : {}),
      ...(step === "deliver" && collected ? { collected: total } : {}),
    });
  }
  throw new Error("the order does not reach a resting state");
}
