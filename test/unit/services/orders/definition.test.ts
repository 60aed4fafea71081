import t from "tap";
import { checkMachine } from "../../../../src/runtime/actor/machine.ts";
import type { EffectFailure as StoredFailure } from "../../../../src/runtime/definition.ts";
import type { EffectFailure as ReadFailure } from "../../../../machines/types.ts";
import { orderInput } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The public contract: every type of event that may leave an order. */
const publicEvents = [
  "order.created",
  "order.rejected",
  "order.rejected_unanswered",
  "order.payment_failed",
  "order.payment_expired",
  "order.confirmed",
  "order.ready",
  "order.shipped",
  "order.completed",
  "order.cancelled",
  "order.returning",
  "order.returned",
  "payment.authorized",
  "payment.failed",
  "payment.expired",
  "payment.captured",
  "payment.collected",
  "payment.voided",
  "payment.refunded",
  "payment.capture_failed",
  "fulfillment.quality_failed",
  "fulfillment.amount_differs",
  "fulfillment.returning",
  "fulfillment.returned",
  "invoice.created",
  "credit_note.created",
];

/** What the setting ORDERLY_INTERNAL_EVENTS adds to it. */
const stepEvents = [
  "fulfillment.stored",
  "fulfillment.picked",
  "fulfillment.quality_checked",
  "fulfillment.packed",
  "fulfillment.delivered",
];

const { definition } = new OrderWorld();
const { definition: publishing } = new OrderWorld(orderInput(), { joins: true, internalEvents: true });

const emittedTypes = [...publicEvents, ...(definition.privateEvents ?? [])];

t.test("the runtime can host every machine, with a handler for every invoke", async (t) => {
  for (const [name, { machine, version, migrations = {} }] of Object.entries(definition.machines)) {
    checkMachine(name, machine, Object.keys(definition.effects));
    t.same(
      Object.keys(migrations),
      Array.from({ length: version - 1 }, (_, index) => String(index + 1)),
      "a migration from every former version",
    );
    t.equal(machine.id, name);
  }
});

t.test("a machine has a transition for an event exactly when it listens to it", async (t) => {
  for (const [type, listeners] of Object.entries(definition.listens)) {
    t.ok(emittedTypes.includes(type), `${type} is emitted`);
    for (const [name, { machine }] of Object.entries(definition.machines)) {
      t.equal(machine.events.includes(type), listeners.includes(name), `${name} and ${type}`);
    }
  }
});

t.test(
  "events that are never published are listened to or change facts, and are no part of the public contract",
  async (t) => {
    for (const type of publishing.privateEvents ?? []) {
      t.ok((definition.listens[type] ?? []).length > 0 || definition.facts?.changes[type], type);
      t.notOk(publicEvents.includes(type), type);
    }
  },
);

t.test("only a setting publishes the steps within fulfillment, and it changes nothing else", async (t) => {
  const added = [...(definition.privateEvents ?? [])].filter((type) => !publishing.privateEvents?.has(type));
  t.strictSame(added, stepEvents);
  t.equal(added.length + (publishing.privateEvents?.size ?? 0), definition.privateEvents?.size);
  t.strictSame(definition.listens, publishing.listens);
  t.equal(definition.version, publishing.version);
});

t.test("the failure that the runtime stores is the failure that a machine reads", async (t) => {
  // Checked by the compiler: neither side may import the other's type.
  const same: Same<StoredFailure, ReadFailure> = true;
  t.ok(same);
});

t.test("a caller waits for the reservation, the authorization, and the release of stock", async (t) => {
  const world = new OrderWorld(orderInput("debit_card"), { joins: false }).start();
  t.notOk(world.settled, "reserving");
  world.fail(world.effect("reserveInventory"), "retryable");
  t.equal(world.view.status, "reserving");
  t.notOk(world.settled, "waiting for the inventory");
  world.elapse();
  await world.perform(world.effect("reserveInventory"));
  t.notOk(world.settled, "authorizing");
  await world.perform(world.effect("authorizePayment"));
  t.ok(world.settled, "confirmed");
  world.cancel();
  t.notOk(world.settled, "the stock is being released");
  world.fail(world.effect("releaseInventory"), "retryable");
  t.ok(world.settled, "a caller does not wait for a slow release");
  world.elapse();
  await world.perform(world.effect("releaseInventory"));
  t.ok(world.settled, "released; the refund may follow");
  t.equal(world.view.payment.status, "authorized");
});
