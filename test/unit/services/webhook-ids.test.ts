/** Ids of webhooks belong to their senders, beside nodes of 0.1.0 too. A repeat with another body is not applied. */
import t from "tap";
import type { FulfillmentEvent } from "../../../machines/fulfillment-events.ts";
import type { GatewayPaid } from "../../../machines/payment-events.ts";
import { invoiceInputId } from "../../../src/services/invoice/worker.ts";
import type { IntakeResult } from "../../../src/services/webhooks/contract.ts";
import { NOW } from "../runtime/tenure/tenure-stage.ts";
import { orderInput, total } from "../machines/order-input.ts";
import { orderMachinesOf } from "../../../src/services/orders/status.ts";
import { OrderWorld } from "./orders/order-world.ts";
import { ORDER, parcel, payment, webhookStage } from "./webhook-stage.ts";

const TAKEN: IntakeResult = { status: "taken" };
/** Longer than the server remembers the id of a message. */
const WINDOW_MS = 3 * 60_000;
const PAID: GatewayPaid = {
  type: "gateway.paid",
  payment: "pay_1",
  authorization: "auth_1",
  amount: { amount: 3998, currency: "EUR" },
};
const DELIVERED: FulfillmentEvent = { type: "carrier.delivered", trackingNumber: "T1", collected: null };

type Stage = Awaited<ReturnType<typeof webhookStage>>;
const gateway = ({ intake, take }: Stage, id: string, more: Parameters<typeof payment>[0] = {}) =>
  take(intake.payment(id, payment(more).report, payment(more).body));
const carrier = ({ intake, take }: Stage, id: string, trackingNumber?: string) =>
  take(intake.delivery(id, parcel(ORDER, trackingNumber).report, parcel(ORDER, trackingNumber).body));
/** As a node of 0.1.0 stores a message: its id without its sender, and no digest. */
const asBefore = ({ cluster, node }: Stage, machine: string, event: { readonly type: string }, id: string) =>
  cluster.done(node.actors.deliver(ORDER, machine, event, id));

t.test("messages of two senders with one id are both applied, whichever comes first", async (t) => {
  for (const carrierFirst of [true, false]) {
    const stage = await webhookStage();
    const sends = carrierFirst ? [carrier, gateway] : [gateway, carrier];
    for (const send of sends) t.same(await send(stage, "msg_1"), TAKEN);
    t.same(await stage.notes(), ["gateway.paid", "carrier.delivered"]);
  }
});

t.test("no id of a sender is that of another sender's message, of a worker or of a command", async (t) => {
  const stage = await webhookStage();
  const { cluster, node, notes } = stage;
  const forged = ["payments.msg_1", "payments:msg_1", `invoice.${ORDER}`, "cmd_1", "msg_1"];
  for (const id of forged) t.same(await carrier(stage, id), TAKEN);
  await gateway(stage, "msg_1");
  const command = { commandId: "cmd_1", waitMs: 0 };
  await cluster.done(node.actors.command(ORDER, "payment", { type: "authorization.lapsed" }, command));
  await asBefore(stage, "fulfillment", { type: "invoice.issued" }, invoiceInputId(ORDER));
  const taken = await notes();
  for (const type of ["gateway.paid", "authorization.lapsed", "invoice.issued"])
    t.equal(taken.filter((one) => one === type).length, 1, type);
});

t.test("ids of one sender that contain its name are two ids", async (t) => {
  const stage = await webhookStage();
  for (const id of ["x", "payments.x", "payments:x"]) await gateway(stage, id, { payment: id });
  t.equal((await stage.notes()).length, 3);
  t.equal(stage.intake.counts.otherBody.payments, 0);
});

t.test("a repeat is applied once: at once, later, and through another node", async (t) => {
  const stage = await webhookStage();
  const other = await stage.start("two");
  const { report, body } = payment();
  for (const waitMs of [0, 0, WINDOW_MS, WINDOW_MS]) {
    await stage.cluster.clock.advance(waitMs);
    t.same(await gateway(stage, "msg_1"), TAKEN);
    t.same(await stage.take(other.intake.payment("msg_1", report, body)), TAKEN);
  }
  t.same(await stage.notes(), ["gateway.paid"]);
  t.same(stage.intake.counts.otherBody, { payments: 0, carrier: 0 });
});

t.test("a repeat with another body is not applied, counted and logged", async (t) => {
  const stage = await webhookStage();
  await gateway(stage, "msg_1");
  const others: Parameters<typeof payment>[0][] = [
    { amount: 1 },
    { authorization: "auth_2" },
    { type: "payment.declined", authorization: null, reason: "no money" },
  ];
  for (const waitMs of [0, WINDOW_MS])
    for (const other of others) {
      await stage.cluster.clock.advance(waitMs);
      t.same(await gateway(stage, "msg_1", other), TAKEN, "as every repeat");
    }
  // The members that the machine gets are the same: it is another body nevertheless.
  const { report, body } = payment();
  await stage.take(stage.intake.payment("msg_1", report, Buffer.concat([body, Buffer.from(" ")])));
  t.same(await stage.notes(), ["gateway.paid"]);
  t.equal(stage.inboxOf().length, 1, "nothing is stored for it");
  t.same(stage.intake.counts.otherBody, { payments: 7, carrier: 0 });
  t.match(stage.lines[0], {
    message: /another body/u,
    fields: { sender: "payments", webhook: "msg_1", order: ORDER },
  });
});

t.test("of two bodies under one id at the same moment one is applied, and the other counted", async (t) => {
  const stage = await webhookStage();
  const { intake, take } = stage;
  const [a, b] = [payment(), payment({ authorization: "auth_2" })];
  const results = await Promise.all([
    take(intake.payment("msg_1", a.report, a.body)),
    take(intake.payment("msg_1", b.report, b.body)),
  ]);
  t.same(results, [TAKEN, TAKEN]);
  t.same(await stage.notes(), ["gateway.paid"]);
  t.equal(intake.counts.otherBody.payments, 1);
});

t.test("a message that 0.1.0 stored is recognized when its sender repeats it to this version", async (t) => {
  const stage = await webhookStage();
  await asBefore(stage, "payment", PAID, "msg_1");
  await asBefore(stage, "fulfillment", DELIVERED, "msg_2");
  for (const waitMs of [0, WINDOW_MS]) {
    await stage.cluster.clock.advance(waitMs);
    await gateway(stage, "msg_1");
    await carrier(stage, "msg_2");
  }
  t.same(await stage.notes(), ["gateway.paid", "carrier.delivered"], "once each");
  await gateway(stage, "msg_1", { authorization: "auth_2" });
  t.equal(stage.intake.counts.otherBody.payments, 1, "and a repeat with another event is not applied");
  t.equal((await stage.notes()).length, 2);
});

t.test("a message whose id another sender used at 0.1.0 is not taken for a repeat", async (t) => {
  const stage = await webhookStage();
  await asBefore(stage, "fulfillment", DELIVERED, "msg_1");
  await gateway(stage, "msg_1");
  t.same(await stage.notes(), ["gateway.paid", "carrier.delivered"]);
  // There both senders used the id, and the order took the first: the other one's repeat heals it.
  const both = await webhookStage();
  await asBefore(both, "fulfillment", DELIVERED, "msg_1");
  await both.cluster.clock.advance(WINDOW_MS);
  await asBefore(both, "payment", PAID, "msg_1");
  t.same(await both.notes(), ["carrier.delivered"], "as 0.1.0 does");
  await gateway(both, "msg_1");
  t.same(await both.notes(), ["gateway.paid", "carrier.delivered"]);
  await gateway(both, "msg_1");
  t.equal((await both.notes()).length, 2);
});

t.test(
  "the machine is the second layer: a payment that is known changes nothing under another id",
  async (t) => {
    const world = new OrderWorld({
      ...orderInput("async"),
      hostedPayment: { deadlineMs: 60_000, pollMs: 1000, pollMaxMs: 5000 },
    }).start();
    await world.performAll();
    t.ok(world.choose("pay"));
    await world.performAll();
    const { view, eventTypes } = world;
    const { payment: paid, authorization } = orderMachinesOf(world.snapshot.machines).payment.context;
    const again = { type: "gateway.paid", payment: paid, authorization, amount: total };
    t.notOk(world.outside("payment", again, "payments/msg_pay"), "no machine takes it");
    t.same([world.view, world.eventTypes], [view, eventTypes]);
    t.match(world.gateway.balance(world.id), { settled: total.amount, refunded: 0 });
  },
);

t.test("an order that is not there yet is asked for at its owner before it counts as unknown", async (t) => {
  const stage = await webhookStage();
  const { report, body } = payment({ orderId: "ord_2" });
  // The reading is older than the order.
  stage.cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject.includes(".journal.") && subject.endsWith("ord_2")
      ? { staleBy: 1e9 }
      : undefined,
  );
  const starting = stage.node.actors.start("ord_2", {}, NOW);
  await stage.cluster.done(starting);
  t.same(await stage.take(stage.intake.payment("msg_1", report, body)), TAKEN);
  t.same(await stage.notes("ord_2"), ["gateway.paid"]);
  t.same(stage.intake.counts.unmatched.payments, { unknown_order: 0, unknown_type: 0 });
});
