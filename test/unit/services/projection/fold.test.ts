/** What messages change in the list of orders. */
import t from "tap";
import { folded } from "../../../../src/services/projection/fold.ts";
import { isFinal, isState, shapeOf, waitsOf } from "../../../../src/services/projection/shape.ts";
import { factsOf, messageAt, recordOf, startedOrder } from "./stored-orders.ts";

const none = (): number => 0;

t.test("an order is its last record, its last facts and its last parking", async (t) => {
  const order = startedOrder("ord_1");
  const [first, facts] = [recordOf(order, 1), factsOf(order, 2, "g1")];
  order.cancel();
  const parking = {
    status: "parked",
    id: "p",
    actor: "ord_1",
    since: 1,
    reason: "r",
    name: null,
    input: null,
  };
  const parked = messageAt(4, "orders.parked.1.ord_1", { ...parking, inbox: 0, version: 1, record: 1 });
  const { changes, incomplete, unreadable } = folded([first, facts, recordOf(order, 3), parked], none);
  t.equal(incomplete, undefined);
  t.strictSame(unreadable, []);
  const { view } = order;
  t.match(changes, [
    {
      id: "ord_1",
      partition: 1,
      parked: true,
      record: {
        sequence: 3,
        version: view.version,
        total: view.total,
        shape: { status: view.status, payment: view.payment.status, method: view.payment.method },
      },
      facts: { customer: view.customer.id, group: "g1" },
    },
  ]);
  t.notMatch(JSON.stringify(changes), /@|Byron|Main St/u, "no personal data");
});

t.test("a record without its facts is named, unless they are known", async (t) => {
  const order = startedOrder("ord_1");
  const version = order.snapshot.facts?.version ?? 0;
  t.ok(version > 0);
  t.equal(folded([recordOf(order, 7)], none).incomplete, 7);
  t.equal(folded([recordOf(order, 7)], () => version).incomplete, undefined);
  t.equal(folded([recordOf(order, 7), factsOf(order, 8)], none).incomplete, undefined);
});

t.test("what cannot be read is named and changes nothing", async (t) => {
  const order = startedOrder("ord_1");
  const newer = JSON.parse(recordOf(order, 3).payload) as { snapshot: object };
  const messages = [
    messageAt(1, "orders.journal.1.ord_2", "no record"),
    messageAt(2, "orders.facts.1.ord_3.-", { version: 1, facts: { lines: 1 } }),
    messageAt(3, "orders.journal.1.ord_1", { ...newer, snapshot: { ...newer.snapshot, definition: 99 } }),
    messageAt(4, "orders.inbox.1.ord_1", {}),
  ];
  const { changes, unreadable } = folded(messages, none);
  t.same(
    unreadable.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
  t.strictSame(
    changes.flatMap(({ facts, record }) => [facts, record]).filter((part) => part !== undefined),
    [],
  );
});

t.test("an order waits for what its states await and for its open calls, until all has ended", async (t) => {
  const order = startedOrder("ord_1");
  const shape = () => folded([recordOf(order, 1), factsOf(order, 2)], none).changes[0]!.record!.shape;
  t.same(
    shape().states.filter((state) => !isState(state)),
    [],
  );
  t.equal(isFinal(shape()), false);
  t.ok(waitsOf(shape()).includes("effect"));
  t.strictSame(waitsOf({ ...shape(), parked: true }), ["person"]);
  await order.settle();
  order.cancel();
  await order.settle();
  t.match(shape(), { status: "cancelled" });
  t.strictSame(waitsOf(shape()), []);
  t.equal(isFinal(shape()), true);
  t.equal(isFinal({ ...shape(), parked: true }), false);
  const call = {
    id: "payment.void",
    machine: "payment",
    invocation: "void",
    src: "voidPayment",
    input: {},
    generation: 1,
  };
  const calling = shapeOf({ ...order.snapshot, effects: [call] }, false);
  t.strictSame(waitsOf(calling), ["effect"]);
  t.equal(isFinal(calling), false);
  t.strictSame(waitsOf(shapeOf({ ...order.snapshot, effects: [{ ...call, abandoned: true }] }, false)), []);
});
