/** Which stream stores which subject: every subject of the application belongs to exactly one stream. */
import t from "tap";
import { compileFilters } from "../../../src/adapters/jetstream/append-rules.ts";
import { MAX_STREAMS, ofPartition, streamOf, streamSubjects } from "../../../src/runtime/layout.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { emailBounds } from "../../../src/services/email/worker.ts";
import { invoiceBounds } from "../../../src/services/invoice/worker.ts";

const PARTITIONS = 40;

/** Every subject of a partition except its lock. */
const ofOrder = (partition: number): string[] => [
  subjects.record(partition, "ord_1"),
  subjects.event(partition, "order.confirmed"),
  subjects.inbox(partition, "ord_1"),
  subjects.parked(partition, "ord_1"),
  subjects.timer(partition, "ord_1", "order", "xstate.after.pay.order.x", 3),
  subjects.fence(`partition.${partition}`),
];
const ofInventory = [
  subjects.lock("inventory.0"),
  subjects.fence("inventory.0"),
  inventorySubjects.hold("ord_1"),
  // Ids that resemble other subjects.
  inventorySubjects.hold("3"),
  inventorySubjects.stock("A.1"),
  inventorySubjects.item("3"),
];

t.test("every subject belongs to one stream only, and all subjects of a partition to the same", async (t) => {
  for (const streams of [1, 2, 3, MAX_STREAMS]) {
    const takes = subjects
      .streams(streams)
      .map((_, stream) =>
        compileFilters(streamSubjects(stream, { partitions: PARTITIONS, streams }, subjects)),
      );
    const takenBy = (subject: string): number[] =>
      takes.flatMap((take, stream) => (take(subject) ? [stream] : []));
    const wrong: string[] = [];
    const expect = (subject: string, stream: number): void => {
      if (takenBy(subject).join() !== String(stream)) wrong.push(`${subject} by ${takenBy(subject).join()}`);
    };
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const stream = streamOf(partition, streams);
      const lock = subjects.lock(`partition.${partition}`, stream);
      for (const subject of [lock, ...ofOrder(partition)]) expect(subject, stream);
      if (subjects.lockParts(lock).stream !== stream) wrong.push(lock);
    }
    for (const subject of ofInventory) expect(subject, 0);
    t.same(wrong, [], `${streams} streams`);
  }
});

t.test(
  "one stream has the subjects and the name of earlier versions, and the first of several keeps that name",
  async (t) => {
    t.same(streamSubjects(0, { partitions: 32, streams: 1 }, subjects), ["$KV.ORDERS.>", "orders.>"]);
    t.equal(subjects.lock("partition.7", streamOf(7, 1)), "$KV.ORDERS.partition.7");
    t.same(subjects.streams(3), ["KV_ORDERS", "KV_ORDERS_1", "KV_ORDERS_2"]);
    t.same(streamSubjects(1, { partitions: 4, streams: 2 }, subjects), [
      "$KV.ORDERS_1.>",
      "orders.*.1.>",
      "orders.fence.partition.1",
      "orders.*.3.>",
      "orders.fence.partition.3",
    ]);
    t.equal(subjects.stream(1), "KV_ORDERS_1");
  },
);

t.test("a partition's entry in a list by stream is found by its stream", async (t) => {
  t.same(
    [0, 1, 2, 3].map((partition) => ofPartition(partition, ["a", "b", "c"])),
    ["a", "b", "c", "a"],
  );
  t.throws(() => ofPartition(0, []), RangeError);
});

t.test("every worker has a place for the events of each stream", async (t) => {
  for (const { maxInFlight } of [emailBounds, invoiceBounds]) t.ok(maxInFlight >= MAX_STREAMS);
});

t.test("only the subject of a lock has the parts of one", async (t) => {
  t.same(subjects.lockParts("$KV.ORDERS_12.partition.7"), { stream: 12, resource: "partition.7" });
  for (const subject of [
    "orders.fence.partition.1",
    "$KV.NODES.one",
    "$KV.ORDERS_.x",
    "$KV.ORDERS_0.x",
    "$KV.ORDERS.",
  ]) {
    t.throws(() => subjects.lockParts(subject), /is no lock/, subject);
  }
});
