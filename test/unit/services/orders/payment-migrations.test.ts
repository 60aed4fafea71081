/**
 * Orders as version 1 of the payment machine has stored them (payments-of-version-1.json) continue to the right end.
 */
import { readFileSync } from "node:fs";
import t from "tap";
import type { EventObject } from "xstate";
import { cascade, type Head } from "../../../../src/runtime/actor/cascade.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { composeRefundMessage } from "../../../../src/services/email/refund-template.ts";
import { orderMachinesOf, paymentStatus } from "../../../../src/services/orders/status.ts";
import { paidReport } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

const stored = JSON.parse(
  readFileSync(new URL("payments-of-version-1.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Snapshot>>;
const { definition } = new OrderWorld();

/** The order as it was stored, or without the customer, as orders were before refunds were mailed. */
function storedOrder(name: string, withCustomer: boolean): Snapshot {
  const snapshot = structuredClone(stored[name]);
  const payment = snapshot?.machines["payment"];
  if (!snapshot || !payment) throw new Error(`no ${name}`);
  if (!withCustomer) delete (payment.context as { customer?: unknown }).customer;
  return snapshot;
}

/** Answers every effect and fires every timer, until nothing is left. @returns the public events and the end */
function goOn(head: Head, outputs: Readonly<Record<string, object>>) {
  const events: EventObject[] = [];
  const apply = (input: Input): void => {
    const next = cascade(definition, head, input, {
      actor: "ord_1",
      now: 0,
      inbox: 0,
      join: () => undefined,
    });
    if (!next) throw new Error(`nothing takes ${JSON.stringify(input)}`);
    head = next.head;
    events.push(...next.events);
  };
  for (let turns = 0; turns < 60; turns++) {
    const { effects, timers } = head.snapshot;
    const [effect] = effects;
    const [timer] = timers.toSorted((a, b) => a.dueAt - b.dueAt);
    if (effect) {
      const output = outputs[effect.src];
      if (!output) throw new Error(`${effect.src} was not expected`);
      apply({ kind: "effect", id: effect.id, generation: effect.generation, outcome: { output } });
    } else if (timer)
      apply({ kind: "timer", machine: timer.machine, timer: timer.id, generation: timer.generation });
    else break;
  }
  return {
    events,
    apply,
    status: () => paymentStatus(orderMachinesOf(head.snapshot.machines)),
    types: () => events.map(({ type }) => type),
  };
}

for (const withCustomer of [true, false]) {
  const which = withCustomer ? "" : ", of before refunds were mailed";
  const refunds: readonly (readonly [name: string, reason: string, status: string])[] = [
    ["cancelled_after_a_failed_capture", "cancelled", "refunded"],
    ["refunding_after_cancel", "cancelled", "refunded"],
    ["refunding_after_decline", "failed", "refunded"],
    ["refunding_after_expiry", "expired", "refunded"],
  ];
  for (const [name, reason, status] of refunds)
    t.test(
      `a refund that had failed (${name}) is published with its reason, and can be mailed${which}`,
      async (t) => {
        const run = goOn(restore(definition, storedOrder(name, withCustomer)), {
          refundPayment: { outcome: "refunded" },
        });
        t.strictSame(run.types(), ["payment.refunded"], "and the capture is not published again");
        t.match(run.events[0], { reason, customer: { id: "cus_1", email: "ada@example.com" } });
        t.equal(composeRefundMessage({ id: "ord_1.9.0", data: run.events[0] }).to.address, "ada@example.com");
        t.equal(run.status(), status);
      },
    );

  for (const name of ["voided", "declined"])
    t.test(`money that comes late to a payment that is ${name} is given back${which}`, async (t) => {
      const run = goOn(restore(definition, storedOrder(name, withCustomer)), {});
      const paid: EventObject & { payment: string } = { ...paidReport, payment: "pay_ord_1" };
      run.apply({ kind: "event", machine: "payment", event: paid, id: "msg_1" });
      t.strictSame(run.types(), ["payment.authorized", "payment.captured"]);
    });

  t.test(`a capture that had failed is tried again by its timer${which}`, async (t) => {
    const run = goOn(restore(definition, storedOrder("capture_failed", withCustomer)), {
      capturePayment: { outcome: "captured" },
    });
    t.match(run.types(), ["payment.captured", "order.ready"]);
    t.equal(run.status(), "captured");
  });

  t.test(`a void that had failed is tried again by its timer${which}`, async (t) => {
    const run = goOn(restore(definition, storedOrder("void_failed", withCustomer)), {
      voidPayment: { outcome: "nothing_to_void" },
      checkPayment: { outcome: "closed" },
    });
    t.equal(run.status(), "voided");
  });

  t.test(`an authorization that was requested is taken${which}`, async (t) => {
    const run = goOn(restore(definition, storedOrder("authorizing", withCustomer)), {
      authorizePayment: { outcome: "authorized", authorization: "auth_1" },
    });
    t.match(run.types(), ["payment.authorized", "order.confirmed"]);
  });

  t.test(`a page continues to be polled${which}`, async (t) => {
    const run = goOn(restore(definition, storedOrder("page_pending", withCustomer)), {
      checkPayment: { outcome: "paid", authorization: "auth_2" },
    });
    t.match(run.types(), ["payment.authorized", "payment.captured", "order.confirmed"]);
  });
}
