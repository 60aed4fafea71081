/** The tables of status.ts against the machines themselves: every state has its status, and every status its state. */
import t from "tap";
import { fulfillmentMachine } from "../../../../machines/fulfillment.ts";
import { orderMachine } from "../../../../machines/order.ts";
import { paymentMachine } from "../../../../machines/payment.ts";
import { restoreMachine } from "../../../../src/runtime/actor/machine.ts";
import { type MachineName, orderMachines } from "../../../../src/services/orders/definition.ts";
import {
  allowedCommands,
  failedMachine,
  fulfillmentStatus,
  type OrderMachines,
  orderStatus,
  paymentStatus,
  type StateValue,
} from "../../../../src/services/orders/status.ts";
import { restingStates } from "../../machines/chart.ts";
import { total } from "../../machines/order-input.ts";

const orderStatuses: Readonly<Record<string, string>> = {
  reserving: "reserving",
  awaiting_inventory: "reserving",
  rejected: "rejected",
  authorizing: "authorizing",
  awaiting_payment: "awaiting_payment",
  payment_failed: "payment_failed",
  payment_expired: "payment_expired",
  confirmed: "confirmed",
  ready: "ready",
  shipping: "ready",
  shipped: "shipped",
  delivered: "delivered",
  completed: "completed",
  returning: "returning",
  returned: "returned",
  cancelled: "cancelled",
};

const paymentStatuses: Readonly<Record<string, string>> = {
  idle: "none",
  unused: "none",
  due: "none",
  collected: "collected",
  authorizing: "authorizing",
  failed: "failed",
  authorized: "authorized",
  capturing: "authorized",
  capture_failed: "capture_failed",
  captured: "captured",
  lapsed: "expired",
  capture_lapsed: "expired",
  "free.authorized": "authorized",
  "free.captured": "captured",
  "watching.waiting": "voided",
  "watching.looking": "voided",
  "reversing.awaiting_authorization": "authorizing",
  "hosted.requesting": "pending",
  "hosted.pending.waiting": "pending",
  "hosted.pending.checking": "pending",
  "reversing.awaiting_page": "authorized",
  "reversing.asking": "authorized",
  "reversing.awaiting_capture": "authorized",
  "reversing.voiding": "authorized",
  "reversing.void_failed": "authorized",
  "reversing.refunding": "captured",
  "reversing.refund_failed": "captured",
  voided: "voided",
  refunded: "refunded",
  expired: "expired",
};

const fulfillmentStatuses: Readonly<Record<string, string>> = {
  unconfirmed: "none",
  unused: "none",
  "stored.pausing": "stored",
  "stored.awaiting": "stored",
  "picked.pausing": "picked",
  "picked.awaiting": "picked",
  "quality_checked.pausing": "quality_checked",
  "quality_checked.awaiting": "quality_checked",
  "packed.labelling": "packed",
  "packed.label_failed": "packed",
  "packed.capturing": "packed",
  "ready.invoicing": "ready",
  "ready.pausing": "ready",
  "ready.awaiting": "ready",
  "ready.retrieving": "ready",
  "ready.retrieval_failed": "ready",
  "shipping.handing_over": "ready",
  "shipping.handover_failed": "ready",
  "shipping.consigning": "ready",
  "shipping.consignment_failed": "ready",
  "shipped.pausing": "shipped",
  "shipped.awaiting": "shipped",
  disputed: "shipped",
  "returning.awaiting": "returning",
  "returning.arrived": "returning",
  "returning.pausing": "returning",
  "restocking.putting_back": "returned",
  "restocking.restock_failed": "returned",
  returned: "returned",
  delivered: "delivered",
  "releasing.giving_back": "none",
  "releasing.release_failed": "none",
  released: "none",
};

/** The three machines in the given states, all else as in a priced credit card order. */
function machinesIn(states: { order?: string; payment?: string; fulfillment?: string }): OrderMachines {
  return {
    order: {
      value: states.order ?? "confirmed",
      context: { orderId: "ord_1", method: "credit_card", total },
    },
    payment: {
      value: valueOf(states.payment ?? "authorized"),
      context: {
        orderId: "ord_1",
        method: "credit_card",
        amount: total,
        attempt: 1,
        tries: 0,
      },
    },
    fulfillment: {
      value: valueOf(states.fulfillment ?? "unconfirmed"),
      context: { orderId: "ord_1", method: "credit_card", total, tries: 0 },
    },
  };
}

function valueOf(path: string): StateValue {
  const [state = "", ...inner] = path.split(".");
  return inner.length === 0 ? state : { [state]: valueOf(inner.join(".")) };
}

t.test("every state of every machine has its status", async (t) => {
  t.strictSame(Object.keys(orderStatuses).toSorted(), restingStates(orderMachine).toSorted());
  t.strictSame(Object.keys(paymentStatuses).toSorted(), restingStates(paymentMachine).toSorted());
  t.strictSame(Object.keys(fulfillmentStatuses).toSorted(), restingStates(fulfillmentMachine).toSorted());
  for (const [order, status] of Object.entries(orderStatuses)) {
    t.equal(orderStatus(machinesIn({ order })), status, order);
  }
  for (const [payment, status] of Object.entries(paymentStatuses)) {
    t.equal(paymentStatus(machinesIn({ payment })), status, payment);
  }
  for (const [fulfillment, status] of Object.entries(fulfillmentStatuses)) {
    t.equal(fulfillmentStatus(machinesIn({ fulfillment })), status, fulfillment);
  }
});

t.test("the stock of a cancelled order counts as cancelled fulfillment", async (t) => {
  for (const fulfillment of ["releasing.giving_back", "releasing.release_failed", "released"]) {
    t.equal(fulfillmentStatus(machinesIn({ order: "cancelled", fulfillment })), "cancelled");
    t.equal(fulfillmentStatus(machinesIn({ order: "payment_failed", fulfillment })), "none");
  }
});

t.test(
  "a debit card stays authorized until it is refunded, and an expired payment stays expired",
  async (t) => {
    const debit = machinesIn({ payment: "reversing.refunding" });
    const payment = {
      ...debit.payment,
      context: { ...debit.payment.context, method: "debit_card" },
    } as const;
    t.equal(paymentStatus({ ...debit, payment }), "authorized");
    for (const step of ["voiding", "void_failed", "refunding", "refund_failed"]) {
      const card = machinesIn({ payment: `reversing.${step}` });
      const expired = { ...card.payment, context: { ...card.payment.context, end: "expired" } } as const;
      t.equal(paymentStatus({ ...card, payment: expired }), "expired", step);
    }
  },
);

function takes(name: MachineName, machines: OrderMachines, event: { type: string }): boolean {
  const { value, context } = machines[name];
  const { version } = orderMachines[name];
  return restoreMachine(orderMachines[name], { status: "active", value, context, version }, []).can(event);
}

t.test("a command is allowed exactly where its machine takes it", async (t) => {
  const steps = [
    { type: "pick" },
    { type: "quality-check", passed: true },
    { type: "pack" },
    { type: "ship" },
    { type: "deliver" },
    { type: "report-refused" },
    { type: "report-unclaimed" },
    { type: "report-lost" },
    { type: "receive", restock: true },
    { type: "settle", reason: "a gift" },
  ];
  let allowed = 0;
  for (const order of Object.keys(orderStatuses)) {
    const machines = machinesIn({ order });
    const now = allowedCommands(machines).includes("cancel");
    t.equal(now, takes("order", machines, { type: "cancel" }), `cancel in ${order}`);
    if (now) allowed++;
  }
  for (const fulfillment of Object.keys(fulfillmentStatuses)) {
    const machines = machinesIn({ fulfillment });
    for (const event of steps) {
      const now = allowedCommands(machines).some((type) => type === event.type);
      t.equal(now, takes("fulfillment", machines, event), `${event.type} in ${fulfillment}`);
      if (now) allowed++;
    }
  }
  t.equal(allowed, 4 + 5 + 3 * 4 + 1 + 2 + 3 * 2 + 2, "each step, and each report where it can be true");
});

t.test("a retry is allowed exactly where a machine takes it, and goes to that machine", async (t) => {
  const rows = [
    ...Object.keys(paymentStatuses).map((state) => ["payment", state] as const),
    ...Object.keys(fulfillmentStatuses).map((state) => ["fulfillment", state] as const),
  ];
  let allowed = 0;
  for (const [name, state] of rows) {
    const machines = machinesIn({ [name]: state });
    const taken = takes(name, machines, { type: "retry" });
    t.equal(allowedCommands(machines).includes("retry"), taken, `retry in ${name} ${state}`);
    t.equal(failedMachine(machines), taken ? name : undefined, `${name} ${state}`);
    if (taken) allowed++;
  }
  t.equal(allowed, 10);
});
