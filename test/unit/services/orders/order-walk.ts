/** What can happen to an order, at random: any command, outcome, lost answer and timer, in any order. */
import * as fc from "fast-check";
import type { PaymentMethod } from "../../../../machines/types.ts";
import type { OpenEffect } from "../../../../src/runtime/actor/snapshot.ts";
import { total } from "../../machines/order-input.ts";
import type { OrderWorld } from "./order-world.ts";

/** Every payment method; the hosted page twice, because it has the most ways. */
export const methods: readonly PaymentMethod[] = [
  "cash_on_delivery",
  "in_person",
  "credit_card",
  "debit_card",
  "tokenized",
  "async",
  "async",
];

/** The steps of a warehouse, right and wrong ones. */
export const commands = [
  { type: "pick" },
  { type: "quality-check", passed: true },
  { type: "quality-check", passed: false },
  { type: "pack" },
  { type: "ship" },
  { type: "deliver" },
  { type: "deliver", collected: total },
] as const;

const words = ["refused", "unclaimed", "lost", "returned"] as const;
/** What operators report. */
export const operatorReports = [
  { type: "report-refused" },
  { type: "report-unclaimed" },
  { type: "report-lost" },
  { type: "receive", restock: true },
  { type: "receive", restock: false },
  { type: "settle", reason: "a small difference" },
] as const;

/** One random input; `pick` chooses among the open ones. */
export type Happening = { readonly what: string; readonly pick: number };

/** A generator of one. */
export const happening = fc.record({
  what: fc.constantFrom(
    "perform",
    "perform",
    "perform",
    "lose the answer",
    "never arrive",
    "fail",
    "refuse captures",
    "elapse",
    "elapse",
    "command",
    "command",
    "cancel",
    "invoice",
    "retry payment",
    "retry fulfillment",
    "late arrival",
    "customer pays",
    "customer pays without callback",
    "customer declines",
    "customer pays late",
    "carrier delivers",
    "carrier delivers",
    "carrier says otherwise",
    "operator reports",
    "credit note",
    "invoice is missing",
    "customer pays late without callback",
  ),
  pick: fc.nat({ max: 99 }),
});

/** An authorization that has not reached the gateway yet, although its call has timed out. */
export type Straggler = OpenEffect;

/** Lets it happen. */
export async function happen(
  world: OrderWorld,
  { what, pick }: Happening,
  stragglers: Straggler[],
): Promise<void> {
  const { effects, timers } = world.snapshot;
  const effect = effects[pick % Math.max(effects.length, 1)];
  switch (what) {
    case "perform":
      if (effect) await world.perform(effect);
      return;
    case "lose the answer":
      if (!effect) return;
      await world.outcomeOf(effect);
      world.fail(effect, "unknown", "timeout");
      return;
    case "never arrive":
      if (!effect) return;
      if (effect.src === "authorizePayment") stragglers.push(effect);
      world.fail(effect, "unknown", "timeout");
      return;
    case "fail":
      if (effect) world.fail(effect, "retryable", "unreachable");
      return;
    case "refuse captures":
      world.gateway.refusesCaptures = pick % 2 === 0;
      return;
    case "elapse":
      if (timers.length > 0) world.elapse(pick % timers.length);
      return;
    case "command":
      world.step(commands[pick % commands.length] ?? { type: "pick" });
      return;
    case "cancel":
      world.cancel();
      return;
    case "invoice":
      world.issueInvoice();
      return;
    case "carrier delivers": {
      const collected = pick % 3 === 0 ? null : pick % 3 === 1 ? total : { ...total, amount: 1 };
      if (pick % 5 === 0) world.carrierDelivers(collected, "ORD0");
      else world.carrierDelivers(collected);
      return;
    }
    case "carrier says otherwise":
      world.carrierSays(words[pick % words.length] ?? "lost", pick % 7 === 0 ? "ORD0" : undefined);
      return;
    case "operator reports":
      world.step(operatorReports[pick % operatorReports.length] ?? { type: "report-lost" });
      return;
    case "credit note":
      if (world.view.status === "returned") world.issueCreditNote();
      return;
    case "invoice is missing":
      if (effect?.src === "retrieveInvoice") world.fail(effect, "retryable", "invoice_not_found");
      return;
    case "retry payment":
      world.command("payment", { type: "retry" });
      return;
    case "retry fulfillment":
      world.command("fulfillment", { type: "retry" });
      return;
    case "customer pays":
      world.choose("pay");
      return;
    case "customer pays without callback":
      // A customer without the page cannot have paid there.
      if (world.view.payment.url !== null) world.gateway.choose(world.id, "pay");
      return;
    case "customer declines":
      world.choose("decline");
      return;
    case "customer pays late":
      world.choose("pay_late");
      return;
    case "customer pays late without callback":
      // Only while the machine checks: `reconcile` alone finds later payments.
      if ("watching" in Object(world.snapshot.machines["payment"]?.value))
        world.gateway.choose(world.id, "pay_late");
      return;
    case "late arrival": {
      const straggler = stragglers.pop();
      if (straggler) await world.outcomeOf(straggler);
      return;
    }
    default:
      throw new Error(`unknown happening ${what}`);
  }
}
