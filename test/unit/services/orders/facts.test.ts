/** The facts of an order in its events, in the states of earlier definitions, and in what mails and invoices read. */
import t from "tap";
import { factsOfInput, type OpenFacts, pricedFacts } from "../../../../machines/order-facts.ts";
import type { MachineStates } from "../../../../src/runtime/definition.ts";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { readOrderDetails } from "../../../../src/services/documents/order-details.ts";
import { completedData, factsOf, openFacts, orderFactsRules } from "../../../../src/services/orders/facts.ts";
import { completed, factsReader } from "../../../../src/services/orders/facts-reader.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { orderInput, reserved, total } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const input = orderInput();
const lines = reserved.outcome === "reserved" ? reserved.lines : [];
const taxed = { ...input, taxId: "PT1", billingAddress: { ...input.shippingAddress, line1: "9 Bill St" } };
const priced = pricedFacts(factsOfInput(taxed), lines, total);
const wide = { ...priced, wide: true } as const;
const rules = orderFactsRules;

const event = (data: unknown) => ({
  id: "e",
  type: "order.confirmed",
  subject: "ord_1",
  source: "",
  time: "",
  facts: 2,
  data,
});
const stored = (version: number, data: object) =>
  ({ payload: JSON.stringify({ version, facts: data }), sequence: version }) as never;

t.test("lines have ids in the order of the request, which stay when the lines are priced", async (t) => {
  const two = { ...input, lines: [...input.lines, { sku: "MUG", quantity: 1 }] };
  t.strictSame(
    factsOfInput(two).lines.map(({ id, sku }) => [id, sku]),
    [
      ["l1", "TSHIRT-M"],
      ["l2", "MUG"],
    ],
  );
  t.match(priced.lines, [{ id: "l1", name: "T-shirt M", unitPrice: { amount: 1999 } }]);
});

t.test("no event of an order has anything of a person but the customer's id", async (t) => {
  for (const type of [
    "order.created",
    "order.confirmed",
    "order.cancelled",
    "order.rejected",
    "payment.refunded",
  ]) {
    const event = rules.publish({ type, orderId: "ord_1" } as never, priced);
    t.notMatch(JSON.stringify(event), /Ada|example\.com|Main St|Bill St|PT1|Oporto/u, type);
    if (type.startsWith("order.")) t.match(event, { customer: { id: "cus_1" } }, type);
  }
});

t.test("the first event has what concerns no person, later ones name the order", async (t) => {
  const created = rules.publish({ type: "order.created", orderId: "ord_1", total } as never, priced);
  t.strictSame(created, {
    type: "order.created",
    orderId: "ord_1",
    customer: { id: "cus_1" },
    lines: priced.lines,
    total,
    payment: { method: input.payment.method },
    taxBasisPoints: 2300,
    country: "PT",
  });
  const confirmed = rules.publish({ type: "order.confirmed", orderId: "ord_1", total } as never, priced);
  t.strictSame(confirmed, { type: "order.confirmed", orderId: "ord_1", customer: { id: "cus_1" }, total });
  const other = { type: "fulfillment.packed", orderId: "ord_1" };
  t.equal(rules.publish(other, priced), other);
});

t.test("the events of a wide order have everything, so that a worker of 0.1.0 reads them", async (t) => {
  for (const type of ["order.created", "order.confirmed", "order.shipped", "order.cancelled"]) {
    const event = rules.publish({ type, orderId: "ord_1", total } as never, wide);
    t.match(readOrderDetails(event), {
      customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
      shippingAddress: { line1: "1 Main St" },
      billingAddress: { line1: "9 Bill St" },
      taxId: "PT1",
    });
  }
  const refund = rules.publish({ type: "payment.refunded", orderId: "ord_1" } as never, wide);
  t.match(refund, { customer: { email: "ada@example.com" } });
  const rejected = rules.publish({ type: "order.rejected", orderId: "ord_1" } as never, wide);
  t.match(rejected, { customer: { email: "ada@example.com" }, lines: [{ sku: "TSHIRT-M", quantity: 2 }] });
});

t.test("an event without its order's details is completed, one with them is left as it is", async (t) => {
  let reads = 0;
  const facts = async (order: string, version: number): Promise<OpenFacts> => {
    t.strictSame([order, version], ["ord_1", 2], "the version that the event goes with");
    reads++;
    return openFacts(priced);
  };
  const thin = rules.publish({ type: "order.confirmed", orderId: "ord_1", total } as never, priced);
  const { data } = await completed(event(thin), { facts });
  t.match(readOrderDetails(data), { customer: { email: "ada@example.com" }, lines: [{ name: "T-shirt M" }] });
  t.equal(reads, 1);
  const old = { ...event({ orderId: "ord_1" }), facts: 0 };
  t.equal(await completed(old, { facts }), old, "an earlier version wrote it");
  const full = event(completedData("ord_1", { orderId: "ord_1" }, openFacts(priced)));
  t.equal(await completed(full, { facts }), full);
  t.equal(reads, 1);
  for (const other of [null, 7, "x"])
    await t.rejects(completed(event(other), { facts }), { name: "WorkRefused" });
});

t.test("the newest facts are read, and none is a reading to be repeated", async (t) => {
  const asked: string[] = [];
  const found = [stored(2, wide), stored(1, priced), { payload: "{" } as never];
  const journalOf = () => ({
    readLastTogether: async (filters: readonly string[]) => {
      asked.push(...filters);
      return { last: new Map(found.map((message, index) => [`facts ${index}`, message])), through: 9 };
    },
  });
  t.strictSame(await factsReader(journalOf, 1)("ord_1", 2), wide);
  t.strictSame(asked, [subjects.factsOf(0, "ord_1")]);
  await t.rejects(factsReader(journalOf, 1)("ord_1", 3), Unavailable, "a replica that lags has older ones");
  found.length = 0;
  await t.rejects(factsReader(journalOf, 1)("ord_1", 0), Unavailable);
});

t.test("facts that an earlier definition has in its machine `order` are the same ones", async (t) => {
  const world = await new OrderWorld(taxed).start().performAll();
  const before = rules.merge(world.snapshot.machines, world.facts);
  t.match(before, { order: { context: { customer: { name: "Ada Byron" }, lines: [{ sku: "TSHIRT-M" }] } } });
  t.strictSame(rules.split(before), { ...world.facts, wide: true });
  const { facts: _, ...snapshot } = world.snapshot;
  t.strictSame(factsOf({ ...snapshot, machines: before }), { ...world.facts, wide: true });
  const oldest = {
    order: { context: { ...(before["order"]?.context as object), taxBasisPoints: undefined } },
  };
  t.match(rules.split(oldest as unknown as MachineStates), { taxBasisPoints: null });
});

t.test("no machine's state has anything of a person, of a line or of an address", async (t) => {
  const world = await new OrderWorld(taxed).start().settle();
  t.notMatch(
    JSON.stringify([world.snapshot.machines, world.snapshot.effects]),
    /Ada|cus_1|example\.com|Main St|Bill St|TSHIRT/u,
  );
});
