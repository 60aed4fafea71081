/** Orders that a former version of Orderly has stored continue under this one, on a real server. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryDocuments } from "../../../src/adapters/memory/documents.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import type { ActorDefinition, EffectHandler } from "../../../src/runtime/definition.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { type ActorRecord, readFacts } from "../../../src/runtime/actor/snapshot.ts";
import { orderDefinition, orderMachines } from "../../../src/services/orders/definition.ts";
import { orderFactsRules } from "../../../src/services/orders/facts.ts";
import { readOrderDetails } from "../../../src/services/documents/order-details.ts";
import { mustStore } from "../../contract/expect.ts";
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

/** The record as version 1 of the order machine has stored it: with the facts in its context, without a tax rate. */
function asVersion1(record: ActorRecord, facts: object): ActorRecord {
  const { facts: _, ...snapshot } = record.snapshot;
  const machines = orderFactsRules.merge(snapshot.machines, facts);
  const order = machines["order"]!;
  const context = Object.fromEntries(
    Object.entries(order.context as object).filter(([key]) => key !== "taxBasisPoints"),
  );
  return {
    ...record,
    snapshot: {
      ...snapshot,
      definition: 1,
      machines: { ...machines, order: { ...order, context, version: 1 } },
    },
  };
}

const id = "ord_1";
const step = (name: string, event: object) => ({
  event: { type: name, ...event },
  options: { commandId: name, waitMs: 5000 },
});

t.test("an order from before tax rates continues without a tax rate", async (t) => {
  const server = await startNatsServer(t);
  const one = await startRuntime(t, server.url, "one", present());
  await one.node.actors.start(id, orderInput("cash_on_delivery"), { waitMs: 5000, mayExist: false });
  const partition = partitionOf(id, PARTITIONS);
  const log = natsJournal(one.link, subjects.stream(0));
  const stored = await log.readLast(subjects.record(partition, id));
  const [facts] = await log.readLastPerSubject(subjects.factsOf(partition, id));
  const old = JSON.stringify(asVersion1(readRecord(stored!)!, readFacts(facts?.payload ?? "")!.data));
  t.match(JSON.parse(old), {
    snapshot: { machines: { order: { value: "confirmed", context: { lines: [{}] } } } },
  });
  t.notMatch(old, /tax/u, "stored as version 1 did");
  await mustStore(log, [{ subject: subjects.record(partition, id), payload: old }]);
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
  t.equal(order.version, orderMachines.order.version);
  t.same(await two.node.parked.list(), []);

  const journal = natsJournal(two.link, subjects.stream(0));
  const dataOf = async (type: string): Promise<unknown> => {
    const event = await journal.readLast(subjects.event(partition, type));
    return JSON.parse(event?.payload ?? "");
  };
  const ready = await dataOf("order.ready");
  t.equal((ready as { taxBasisPoints?: unknown }).taxBasisPoints, null);
  t.match(readOrderDetails(ready), { taxBasisPoints: null, customer: { name: "Ada Byron" } }, "it is wide");
});
