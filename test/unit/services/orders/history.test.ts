/** A history item from a record: who caused the commit, and what its steps say. */
import t from "tap";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import type { HistoryItem } from "../../../../src/services/orders/contract.ts";
import { historyItem, historyPage } from "../../../../src/services/orders/history.ts";

const snapshot = {
  machines: {},
  version: 3,
  inbox: 0,
  commands: ["c1"],
  effects: [],
  timers: [],
  createdAt: 0,
  updatedAt: 0,
};

const messageOf = (record: object): StoredMessage => ({
  subject: "",
  sequence: 17,
  at: Date.UTC(2026, 10, 22, 20),
  headers: { [RecordHeader.node]: "node-1", [RecordHeader.epoch]: "5" },
  payload: JSON.stringify({ commit: "c", actor: "ord_1", transitions: [], snapshot, ...record }),
});

const itemOf = (record: object) => historyItem(messageOf(record));

t.test("every input has one who caused it", async (t) => {
  for (const [record, actor] of [
    [
      { input: "start", by: { kind: "anonymous" } },
      { kind: "anonymous", id: null },
    ],
    [
      { input: "command:cancel", by: { kind: "person", id: "ada" } },
      { kind: "person", id: "ada" },
    ],
    [{ input: "command:cancel" }, { kind: "anonymous", id: null }],
    [{ input: "start" }, { kind: "anonymous", id: null }],
    [{ input: "timer:payment.xstate.after.x" }, { kind: "system", id: null }],
    [{ input: "effect:payment.capturePayment" }, { kind: "system", id: null }],
    [{ input: "skip:timer:payment.x" }, { kind: "operator", id: null }],
  ] as const)
    t.strictSame(itemOf(record)?.actor, actor, record.input);
});

t.test("an outside input is its sender's, also one that version 0.1.0 stored", async (t) => {
  for (const [type, id, actor] of [
    ["gateway.paid", "payments/msg_1", { kind: "provider", id: "payments" }],
    ["carrier.lost", "carrier/msg_1", { kind: "provider", id: "carrier" }],
    ["invoice.issued", "invoice/ord_1", { kind: "worker", id: "invoice" }],
    ["credit_note.issued", "invoice/ord_1.credit-note", { kind: "worker", id: "invoice" }],
    ["gateway.paid", "msg_1", { kind: "provider", id: "payments" }],
    ["invoice.issued", "invoice.ord_1", { kind: "worker", id: "invoice" }],
    ["other.thing", "msg_1", { kind: "provider", id: null }],
  ] as const) {
    const record = { input: `inbox:${type}`, snapshot: { ...snapshot, commands: ["c1", id] } };
    t.strictSame(itemOf(record)?.actor, actor, `${type} ${id}`);
  }
});

t.test("a step shows its event, the edge that took it, and those that followed", async (t) => {
  const edges = ["reserving:xstate.done.actor.reserveInventory:0", "created::0"];
  const item = itemOf({
    input: "effect:order.reserveInventory",
    durationMs: 12,
    reason: "because",
    transitions: [
      { machine: "order", from: "reserving", to: "confirmed", edges },
      { machine: "payment", from: "due", to: "due" },
    ],
    sent: [["order", "payment", "order.created"]],
  });
  t.strictSame(item, {
    version: 3,
    sequence: 17,
    at: "2026-11-22T20:00:00.000Z",
    input: "effect:order.reserveInventory",
    actor: { kind: "system", id: null },
    reason: "because",
    durationMs: 12,
    transitions: [
      {
        machine: "order",
        from: "reserving",
        to: "confirmed",
        event: "xstate.done.actor.reserveInventory",
        edge: "reserving:xstate.done.actor.reserveInventory:0",
        edges,
      },
      { machine: "payment", from: "due", to: "due", edges: [] },
    ],
    sent: [{ from: "order", to: "payment", type: "order.created" }],
    events: [],
    effects: { opened: [], closed: [] },
    timers: { armed: [], cancelled: [] },
    node: "node-1",
    epoch: 5,
  });
});

t.test("pages of a history hold every item once, and the last one says that it is", async (t) => {
  const items = [1, 2, 4, 5, 6].map((version) => ({ ...itemOf({ input: "start" }), version }) as HistoryItem);
  for (const limit of [1, 2, 3, 5, 9]) {
    const seen: number[] = [];
    let pages = 0;
    for (let after: number | null = 0; after !== null; pages++) {
      const page = historyPage(items, { after, limit });
      t.ok(page.items.length <= limit);
      seen.push(...page.items.map(({ version }) => version));
      after = page.nextAfter;
    }
    t.strictSame([seen, pages], [[1, 2, 4, 5, 6], Math.ceil(5 / limit)], `pages of ${limit}`);
  }
  t.strictSame(historyPage(items, { after: 6, limit: 3 }), { items: [], nextAfter: null });
  t.strictSame(historyPage([], { after: 0, limit: 3 }), { items: [], nextAfter: null });
});

t.test("a record with a field of another form is no item", async (t) => {
  t.equal(itemOf({ input: "start", transitions: [{ machine: 7 }] }), undefined);
  t.equal(itemOf({ input: "start", snapshot: { ...snapshot, version: -1 } }), undefined);
  t.ok(itemOf({ input: "start" }));
});
