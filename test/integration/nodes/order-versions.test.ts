/** Orders that a former version of Orderly has stored continue under this one, on a real server. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryDocuments } from "../../../src/adapters/memory/documents.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import type { ActorDefinition, EffectHandler } from "../../../src/runtime/definition.ts";
import type { ActorRecord } from "../../../src/runtime/actor/snapshot.ts";
import { orderDefinition, orderMachines } from "../../../src/services/orders/definition.ts";
import { readOrderDetails } from "../../../src/services/documents/order-details.ts";
import { instantCarrier } from "../../support/instant-carrier.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { PARTITIONS, startRuntime } from "../../support/cluster/runtime-node.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { orderInput } from "../../unit/machines/order-input.ts";
import { GatewayModel } from "../../unit/services/orders/gateway-model.ts";
import { InventoryModel } from "../../unit/services/orders/inventory-model.ts";

function present(): ActorDefinition {
  const { reserveInventory, releaseInventory, shipInventory, returnInventory } = new InventoryModel().effects;
  return orderDefinition({
    gateway: new GatewayModel(),
    inventoryEffects: {
      reserveInventory: alone(reserveInventory),
      releaseInventory: alone(releaseInventory),
      shipInventory: alone(shipInventory),
      returnInventory: alone(returnInventory),
    },
    carrier: instantCarrier,
    documents: memoryDocuments(),
  });
}

/** The stock is not in the stream, so no stock change can join a commit. */
const alone = (handler: EffectHandler): EffectHandler => ({
  provider: handler.provider,
  timeoutMs: handler.timeoutMs,
  maxAttempts: handler.maxAttempts,
  backoffMs: handler.backoffMs,
  run: (context) => handler.run(context),
});

/** The order machine's version 1 knew no tax rate, and its input had none. */
function beforeTaxRates(): ActorDefinition {
  // The committed fingerprints begin with later versions.
  const { fingerprints: _, ...definition } = present();
  const { order, ...others } = definition.machines;
  return { ...definition, machines: { order: { machine: order!.machine, version: 1 }, ...others } };
}

const id = "ord_1";
const step = (name: string, event: object) => ({
  event: { type: name, ...event },
  options: { commandId: name, waitMs: 5000 },
});

t.test("an order from before tax rates continues without a tax rate", async (t) => {
  const server = await startNatsServer(t);
  const one = await startRuntime(t, server.url, "one", beforeTaxRates());
  const { taxBasisPoints: _, ...input } = orderInput("cash_on_delivery");
  await one.node.actors.start(id, input, { waitMs: 5000, mayExist: false });
  const partition = partitionOf(id, PARTITIONS);
  const stored = await natsJournal(one.link, subjects.stream(0)).readLast(subjects.record(partition, id));
  const { machines } = (JSON.parse(stored?.payload ?? "") as ActorRecord).snapshot;
  t.match(machines["order"], { value: "confirmed", version: 1, context: { method: "cash_on_delivery" } });
  t.notMatch(stored?.payload, /tax/u, "stored as version 1 did");
  await one.crash();

  const two = await startRuntime(t, server.url, "two", present());
  for (const { event, options } of [
    step("pick", {}),
    step("quality-check", { passed: true }),
    step("pack", {}),
  ])
    await two.node.actors.command(id, "fulfillment", event, options);
  const order = await waitUntil("it is ready", async () => {
    const reply = await two.node.actors.read(id);
    const machine = reply.status === "ok" ? reply.snapshot.machines["order"] : undefined;
    return machine?.value === "ready" ? machine : undefined;
  });
  t.match(order, { version: orderMachines.order.version, context: { taxBasisPoints: null } });
  t.same(await two.node.parked.list(), []);

  const journal = natsJournal(two.link, subjects.stream(0));
  const dataOf = async (type: string): Promise<unknown> => {
    const event = await journal.readLast(subjects.event(partition, type));
    return JSON.parse(event?.payload ?? "");
  };
  const before = await dataOf("order.confirmed");
  t.notOk("taxBasisPoints" in (before as object), "an event of version 1");
  for (const data of [before, await dataOf("order.ready")])
    t.equal(readOrderDetails(data).taxBasisPoints, null, "read in both forms");
});
