/** An order's history on a real server: who asked, why, which edges, what the machines sent to each other. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { orderMachines } from "../../../src/services/orders/definition.ts";
import type { HistoryItem } from "../../../src/services/orders/contract.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { stepFaults } from "../../support/audits/edge-audit.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, PARTITIONS, type Running, settled, shirt, startNode } from "./composed-node.ts";

const ada = { kind: "person", id: "ada" };

async function historyOf({ orders }: Running, id: string): Promise<readonly HistoryItem[]> {
  const history = await orders.history(id);
  if (history.status !== "found") throw new Error(history.status);
  return history.items;
}

t.test("the history says who asked and why, what followed, and how long calls took", async (t) => {
  const { url } = await startNatsServer(t);
  const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")] as const;
  const owner = await settled(nodes);
  const other = nodes.find((node) => node !== owner) as Running;
  await owner.inventory.put("A", { onHand: 5, ...shirt });
  // By the node without the inventory: at least the reservation crosses nodes, and most commands do.
  const place = { caller: "test", waitMs: 10_000, by: { kind: "anonymous" } };
  const id = confirmed(await other.orders.place(cash("A", 2), place));
  for (const type of ["pick", "pack"] as const) {
    if (type === "pack") await other.orders.command(id, { type: "quality-check", passed: true }, { by: ada });
    t.match(await other.orders.command(id, { type }, { by: ada }), { status: "done" });
  }
  await waitUntil("the parcel has a label", async () =>
    (await historyOf(owner, id)).some(({ input }) => input === "effect:fulfillment.createShippingLabel"),
  );
  const issued = { type: "invoice.issued", number: "2026-000001", issuedAt: "2026-11-22T20:00:00.000Z" };
  await owner.node.actors.deliver(id, "fulfillment", issued, `invoice/${id}`);
  await waitUntil("the invoice is known", async () =>
    (await historyOf(owner, id)).some(({ input }) => input === "inbox:invoice.issued"),
  );
  t.match(await owner.orders.command(id, { type: "cancel", reason: "changed my mind" }, { by: ada }), {
    status: "done",
  });

  const items = await historyOf(owner, id);
  const by = (input: string): HistoryItem => {
    const item = items.find((one) => one.input === input);
    if (!item) throw new Error(`no ${input} among ${items.map((one) => one.input).join()}`);
    return item;
  };
  t.match(by("start").actor, { kind: "anonymous", id: null });
  t.match(by("command:pick"), {
    actor: ada,
    transitions: [
      {
        machine: "fulfillment",
        from: { stored: "awaiting" },
        to: { picked: "awaiting" },
        event: "pick",
        edge: "stored.awaiting:pick:0",
        edges: ["stored.awaiting:pick:0"],
      },
    ],
  });
  t.equal(by("command:pick").reason, undefined);
  const label = by("effect:fulfillment.createShippingLabel");
  t.match(label.actor, { kind: "system", id: null });
  t.type(label.durationMs, "number");
  t.ok((label.durationMs ?? -1) >= 0);
  t.match(label.sent, [{ from: "fulfillment", to: "order", type: "fulfillment.ready" }]);
  t.match(label.transitions, [
    { machine: "fulfillment", event: "xstate.done.actor.createShippingLabel" },
    { machine: "order", from: "confirmed", to: "ready", event: "fulfillment.ready" },
  ]);
  t.match(by("inbox:invoice.issued").actor, { kind: "worker", id: "invoice" });
  const cancelled = by("command:cancel");
  t.match(cancelled, { actor: ada, reason: "changed my mind" });
  t.same(
    cancelled.sent.map(({ from, to, type }) => `${from} > ${to}: ${type}`),
    ["order > payment: order.closed", "order > fulfillment: order.closed"],
  );
  for (const { input, transitions } of items)
    for (const step of transitions) {
      const { machine } = orderMachines[step.machine as keyof typeof orderMachines];
      t.same(stepFaults(machine, step), [], `${input}: ${step.machine}`);
    }

  const stored = await owner.journal.readAll(subjects.record(partitionOf(id, PARTITIONS), id));
  for (const message of stored) {
    const { snapshot: _, ...record } = readRecord(message) ?? {};
    const empty = Object.entries(record).filter(([, value]) => JSON.stringify(value) === "[]");
    t.same(
      empty.filter(([name]) => name !== "transitions"),
      [],
      "no empty list is stored",
    );
  }
});
