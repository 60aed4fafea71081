/** Names are formats: those of stored orders never change, and no two applications share one. */
import t from "tap";
import { streamSubjects } from "../../../src/runtime/layout.ts";
import { subjectsOf, token } from "../../../src/runtime/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { INVOICE_NUMBERS, INVOICE_STORE } from "../../../src/services/invoice/subjects.ts";
import {
  customerEntry,
  documentsEntry,
  INDEX_ENTRY,
  PAYMENT_KEYS,
  PERSONAL_KEYS,
  slotEntry,
} from "../../../src/services/personal/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";

t.test("the names of the order application are the stored ones", async (t) => {
  t.strictSame(
    {
      lock: subjects.lock("partition.7"),
      inventoryLock: subjects.lock("inventory.0"),
      record: subjects.record(7, "ord_1"),
      records: subjects.records(7),
      event: subjects.event(7, "order.confirmed"),
      events: subjects.events("order.confirmed"),
      inbox: subjects.inbox(7, "ord_1"),
      inboxes: subjects.inboxes(7),
      parked: subjects.parked(7, "ord_1"),
      parkedActors: subjects.parkedActors(7),
      allParkedActors: subjects.allParkedActors,
      fence: subjects.fence("partition.7"),
      timer: subjects.timer(7, "ord_1", "order", "xstate.after.pay.order.x", 3),
      command: subjects.command(7),
      ping: subjects.ping("node-1"),
      hold: inventorySubjects.hold("ord_1"),
      stock: inventorySubjects.stock("A.1"),
      item: inventorySubjects.item("A.1"),
      requests: inventorySubjects.requests(0),
      buckets: subjects.buckets,
      dead: subjects.dead,
      source: subjects.source,
      invoices: [INVOICE_STORE, INVOICE_NUMBERS],
      keys: [
        PERSONAL_KEYS,
        PAYMENT_KEYS,
        slotEntry(7),
        INDEX_ENTRY,
        documentsEntry("2026"),
        customerEntry("hash"),
      ],
    },
    {
      lock: "$KV.ORDERS.partition.7",
      inventoryLock: "$KV.ORDERS.inventory.0",
      record: "orders.journal.7.ord_1",
      records: "orders.journal.7.>",
      event: "orders.events.7.order.confirmed",
      events: "orders.events.*.order.confirmed",
      inbox: "orders.inbox.7.ord_1",
      inboxes: "orders.inbox.7.>",
      parked: "orders.parked.7.ord_1",
      parkedActors: "orders.parked.7.>",
      allParkedActors: "orders.parked.>",
      fence: "orders.fence.partition.7",
      timer: "orders.timers.7.ord_1.order.xstate=2eafter=2epay=2eorder=2ex.3",
      command: "cmd.7",
      ping: "node.node-1.ping",
      hold: "orders.holds.ord_1",
      stock: "$KV.ORDERS.stock.A=2e1",
      item: "$KV.ORDERS.catalogue.A=2e1",
      requests: "inventory.0",
      buckets: {
        nodes: "NODES",
        floors: "FLOORS",
        definitions: "DEFINITIONS",
        settings: "SETTINGS",
        processed: "PROCESSED",
      },
      dead: { stream: "DEAD", root: "dead" },
      source: "/orderly",
      invoices: ["INVOICES", "INVOICES_NUMBERS"],
      keys: ["PERSONAL_KEYS", "PAYMENT_KEYS", "slot.7", "index", "documents.2026", "customer.hash"],
    },
  );
});

const taken = (streams: number) =>
  subjects
    .streams(streams)
    .map((name, stream) => [name, ...streamSubjects(stream, { partitions: 4, streams }, subjects)]);
const ofPartition = (partition: number) => [`orders.*.${partition}.>`, `orders.fence.partition.${partition}`];

t.test("the order application's streams take what they have always taken", async (t) => {
  const inventory = ["orders.holds.*", "orders.fence.inventory.*"];
  t.strictSame(taken(1), [["KV_ORDERS", "$KV.ORDERS.>", "orders.>"]]);
  t.strictSame(taken(2), [
    ["KV_ORDERS", "$KV.ORDERS.>", ...inventory, ...ofPartition(0), ...ofPartition(2)],
    ["KV_ORDERS_1", "$KV.ORDERS_1.>", ...ofPartition(1), ...ofPartition(3)],
  ]);
  t.strictSame(taken(4), [
    ["KV_ORDERS", "$KV.ORDERS.>", ...inventory, ...ofPartition(0)],
    ["KV_ORDERS_1", "$KV.ORDERS_1.>", ...ofPartition(1)],
    ["KV_ORDERS_2", "$KV.ORDERS_2.>", ...ofPartition(2)],
    ["KV_ORDERS_3", "$KV.ORDERS_3.>", ...ofPartition(3)],
  ]);
});

t.test("another application has no name in common with it", async (t) => {
  const other = subjectsOf({ prefix: "booking" });
  const namesOf = (one: typeof other): string[] => [
    one.lock("partition.7"),
    one.record(7, "a"),
    one.event(7, "e"),
    one.inbox(7, "a"),
    one.parked(7, "a"),
    one.fence("partition.7"),
    one.timer(7, "a", "m", "t", 1),
    one.command(7),
    one.ping("node-1"),
    one.stream(0),
    one.stream(1),
    one.dead.stream,
    one.dead.root,
    one.source,
    ...Object.values(one.buckets),
  ];
  const orders = new Set(namesOf(subjects));
  t.strictSame(
    namesOf(other).filter((name) => orders.has(name)),
    [],
  );
  t.equal(new Set(namesOf(other)).size, namesOf(other).length);
  t.strictSame(
    [other.command(7), other.ping("a.b"), other.stream(0), other.buckets.nodes, other.dead.root],
    ["booking-cmd.7", "booking-node.a=2eb.ping", "KV_BOOKING", "BOOKING_NODES", "booking-dead"],
  );
});

t.test("a name that cannot be one is refused, and the fault says what can", async (t) => {
  for (const prefix of ["", "a.b", "a b", "*", "x".repeat(33)]) {
    t.throws(() => subjectsOf({ prefix }), { name: "RangeError", message: /letters, digits/ }, prefix);
  }
  t.throws(() => subjectsOf({ prefix: "a", bucket: "A_1" }), /names a further stream/);
  t.equal(token("a.b c*"), "a=2eb=20c=2a");
});
