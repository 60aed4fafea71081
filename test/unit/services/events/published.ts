/** The public events of whole orders, exactly as they are stored: subject, headers and payload. */
import type { PaymentMethod } from "../../../../machines/types.ts";
import { cascadeWriteSet } from "../../../../src/runtime/commit/cascade-write-set.ts";
import type { Message } from "../../../../src/runtime/ports.ts";
import { partitionOf } from "../../../../src/runtime/subjects.ts";
import { orderFactsRules } from "../../../../src/services/orders/facts.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { orderInput, outOfStock, total } from "../../machines/order-input.ts";
import { methods } from "../orders/order-walk.ts";
import { OrderWorld } from "../orders/order-world.ts";

type Input = ReturnType<typeof orderInput> & { readonly wide?: true; readonly unattended?: true };

/** Collects what orders publish. */
export class Published {
  readonly messages: Message[] = [];

  /** An order whose events are collected, those within fulfillment included. */
  order(input: Input, joins = true): OrderWorld {
    const world = new OrderWorld(input, { joins, internalEvents: true });
    const partition = partitionOf(world.id, 32);
    world.onCascade = (cascade, input) => {
      const { messages } = cascadeWriteSet(cascade, input, {
        subjects,
        facts: orderFactsRules,
        commit: "c",
        actor: world.id,
        partition,
        node: "n",
        lock: { subject: "l", epoch: 1 },
        sequence: undefined,
        resolved: () => undefined,
      });
      this.messages.push(...messages.filter(({ subject }) => subject.startsWith("orders.events.")));
    };
    return world;
  }
}

const atOnce = { mode: "auto", stepDelayMs: 0 } as const;

/** One way of an order, with its method. */
type Way = (order: (more?: object, joins?: boolean) => OrderWorld) => Promise<unknown>;

const paid = async (world: OrderWorld): Promise<OrderWorld> => {
  await world.start().performAll();
  if (world.view.payment.url !== null) world.choose("pay");
  return world.performAll();
};

const shipped = async (world: OrderWorld): Promise<OrderWorld> => {
  await paid(world);
  for (const passed of [false, true]) {
    world.step({ type: "pick" });
    world.step({ type: "quality-check", passed } as never);
  }
  world.step({ type: "pack" });
  await world.performAll();
  world.issueInvoice();
  world.step({ type: "ship" });
  return world.performAll();
};

/** The ways that an order can go, for every method. */
const ways: Readonly<Record<string, Way>> = {
  completed: (order) => order({ fulfillment: atOnce }).start().settle(),
  "delivered by the carrier": async (order) => {
    const world = await shipped(order());
    world.carrierDelivers(null);
    world.carrierDelivers(total);
    await world.performAll();
  },
  "delivered with another amount": async (order) => {
    const world = await shipped(order());
    world.carrierDelivers({ amount: 1, currency: "EUR" });
    await world.performAll();
  },
  "out of stock": async (order) => {
    const world = order({ unattended: true });
    world.inventory.reservation = outOfStock;
    await world.start().performAll();
  },
  "at another price": (order) =>
    order({ expectedTotal: { amount: 1, currency: "EUR" } })
      .start()
      .performAll(),
  "unknown, mixed or closed": async (order) => {
    for (const reservation of [
      { outcome: "unknown_sku", skus: ["TSHIRT-M"] },
      { outcome: "mixed_currency", currencies: ["EUR", "USD"] },
      { outcome: "closed", as: "released" },
    ] as const) {
      const world = order();
      world.inventory.reservation = reservation;
      await world.start().performAll();
    }
  },
  "without an answer of the inventory": async (order) => {
    const world = order({}, false).start();
    while (world.view.status === "reserving")
      if (world.snapshot.effects.length > 0) world.fail(world.effect("reserveInventory"), "retryable");
      else world.elapse();
  },
  declined: async (order) => {
    const world = order();
    world.gateway.declines = true;
    await world.start().performAll();
    if (world.view.payment.url !== null) world.choose("decline");
    await world.performAll();
  },
  "not paid in time": async (order) => {
    const world = order().start();
    const [call] = world.snapshot.effects;
    if (call?.src === "authorizePayment") world.fail(call, "unknown", "timeout");
    await world.performAll();
    for (let turns = 0; turns < 50 && world.view.status === "awaiting_payment"; turns++) {
      world.elapse();
      await world.performAll();
    }
    world.choose("pay_late");
    await world.performAll();
  },
  "held by a lapsed authorization": async (order) => {
    const world = await paid(order());
    for (let turns = 0; turns < 5 && world.snapshot.timers.length > 0; turns++) world.elapse();
    await world.performAll();
  },
  "without its capture": async (order) => {
    const world = order({ fulfillment: atOnce });
    world.gateway.refusesCaptures = true;
    await paid(world);
    for (let turns = 0; turns < 50 && world.snapshot.timers.length > 0; turns++) {
      world.elapse();
      await world.performAll();
    }
  },
  cancelled: async (order) => {
    const world = await paid(order());
    world.cancel();
    await world.performAll();
  },
  "cancelled with its invoice": async (order) => {
    const world = await paid(order({ fulfillment: atOnce }));
    world.issueInvoice();
    world.cancel();
    await world.performAll();
    world.issueCreditNote();
  },
  ...Object.fromEntries(
    (["refused", "unclaimed", "lost", "returned"] as const).map((word): [string, Way] => [
      word,
      async (order) => {
        const world = await shipped(order());
        world.carrierSays(word);
        if (word !== "lost") world.step({ type: "receive", restock: word === "refused" } as never);
        await world.performAll();
        world.issueCreditNote();
      },
    ]),
  ),
};

/** Walks an order of every method through every way, in the form of today or in that of version 0.1.0. */
export async function walkAll(published: Published, wide: boolean): Promise<void> {
  const input = (method: PaymentMethod): Input => {
    const plain = orderInput(method);
    if (!wide) return plain;
    const billingAddress = { ...plain.shippingAddress, taxId: "PT2" };
    return { ...plain, wide: true, taxId: "PT1", billingAddress };
  };
  for (const way of Object.values(ways))
    for (const method of new Set(methods))
      await way((more = {}, joins = true) => published.order({ ...input(method), ...more }, joins));
}
