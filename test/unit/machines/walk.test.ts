/** Each machine alone under any sequence of events, also ones that the others would never send. */
import * as fc from "fast-check";
import t from "tap";
import type { AnyStateMachine, EventObject } from "xstate";
import { fulfillmentMachine } from "../../../machines/fulfillment.ts";
import { orderMachine } from "../../../machines/order.ts";
import { paymentMachine } from "../../../machines/payment.ts";
import type { Money, PaymentMethod } from "../../../machines/types.ts";
import { edgesOf } from "../../../src/runtime/actor/edges.ts";
import { stepFaults } from "../../support/audits/edge-audit.ts";
import { Chart, restingStates } from "./chart.ts";
import {
  authorized,
  authorizedForAWeek,
  declined,
  orderInput,
  outOfStock,
  page,
  paidOnPage,
  reserved,
  total,
} from "./order-input.ts";

const methods: readonly PaymentMethod[] = [
  "cash_on_delivery",
  "in_person",
  "credit_card",
  "debit_card",
  "tokenized",
  // Has as many states as all others together.
  "async",
  "async",
  "async",
];

/** Fields of every event and output at once: each machine reads its own. */
const fields = {
  orderId: "ord_1",
  reason: "because",
  total,
  shippingAddress: orderInput().shippingAddress,
  trackingNumber: "ORD1",
  number: "2026-000001",
  issuedAt: "2026-11-22T20:00:00.000Z",
  invoice: { number: "2026-000001", issuedAt: "2026-11-22T20:00:00.000Z" },
  cause: "refused",
  goods: "restocked",
  payment: page.payment,
  authorization: paidOnPage.authorization,
  amount: total,
};

const outputs: Readonly<Record<string, readonly object[]>> = {
  reserveInventory: [reserved, outOfStock],
  authorizePayment: [authorized, authorizedForAWeek, declined],
  createPaymentPage: [page],
  checkPayment: [
    { outcome: "pending" },
    { outcome: "closed" },
    paidOnPage,
    { outcome: "declined", reason: "no" },
  ],
  capturePayment: [
    { outcome: "captured" },
    { outcome: "declined", reason: "no" },
    { outcome: "declined", reason: "authorization_expired" },
  ],
  voidPayment: [{ outcome: "voided" }, { outcome: "nothing_to_void" }],
  refundPayment: [{ outcome: "refunded" }],
  createShippingLabel: [{ trackingNumber: "ORD1" }],
  retrieveInvoice: [{ number: "2026-000001", bytes: 20_000, sha256: "digest" }],
  handOverParcel: [{ outcome: "taken" }],
  shipInventory: [{ outcome: "shipped" }, { outcome: "released" }],
  releaseInventory: [{ outcome: "released" }],
  returnInventory: [{ outcome: "returned" }],
};

const kinds = ["refused", "retryable", "unknown"] as const;

const choice = <T>(from: readonly T[], pick: number): T => {
  const chosen = from[pick % from.length];
  if (chosen === undefined) throw new Error("nothing to choose from");
  return chosen;
};

/** One random input: an outcome, a timer, or any event that the machine has a transition for. */
function move(chart: Chart, machine: AnyStateMachine, what: number, pick: number): EventObject[] {
  if (what < 4 && chart.effects.size > 0) {
    const id = choice([...chart.effects.keys()], pick);
    if (what < 2) return [...chart.fail(id, choice(kinds, pick)).emitted];
    return [...chart.settle(id, choice(outputs[id] ?? [], pick)).emitted];
  }
  const events = machine.events
    .filter((type) => !type.startsWith("xstate."))
    .map((type) => anyEvent(type, pick));
  // Mostly what the state takes, short of an early end, so that walks come far.
  const onward = events.filter((event) => !ending.has(event.type) && chart.live.can(event));
  if (what < 9 && chart.timers.size > 0 && (what === 4 || onward.length === 0)) {
    return [...chart.elapse(choice([...chart.timers.keys()], pick)).emitted];
  }
  return [...chart.send(choice(what < 9 && onward.length > 0 ? onward : events, pick)).emitted];
}

const ending: ReadonlySet<string> = new Set(["order.closed", "cancel"]);

function anyEvent(type: string, pick: number): EventObject {
  const source = type.startsWith("effect.late.") ? type.slice("effect.late.".length) : undefined;
  const event = {
    type,
    ...fields,
    ...(pick % 8 === 7 ? { total: { ...total, amount: 0 } } : {}),
    held: pick % 2 === 0,
    passed: pick % 5 !== 0,
    restock: pick % 3 !== 0,
    collected: pick % 3 === 0 ? undefined : total,
    ...(source === undefined ? {} : { output: choice(outputs[source] ?? [], pick) }),
  };
  return event;
}

const moves = fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 30 })), { maxLength: 60, size: "max" });

for (const [name, machine] of Object.entries({ orderMachine, paymentMachine, fulfillmentMachine })) {
  t.test(`under any events the ${name} stays in its states, and its final states take nothing`, async (t) => {
    const states = new Set(restingStates(machine));
    const seen = new Set<string>();
    const taken = new Set<string>();
    // As many walks as it takes to come everywhere; some places are far.
    for (let round = 0; round < 20 && seen.size < states.size; round++)
      fc.assert(
        fc.property(fc.constantFrom(...methods), fc.boolean(), moves, (method, auto, happenings) => {
          const plan = { mode: auto ? "auto" : "manual", stepDelayMs: 100 } as const;
          const chart = new Chart(machine, orderInput(method, plan));
          chart.watch = (before, { type }, step) => {
            for (const id of step.edges) taken.add(id);
            const [fault] = stepFaults(machine, {
              from: before.value,
              to: step.live.value,
              event: type,
              edges: step.edges,
            });
            if (fault) throw new Error(fault);
            if (step.live !== before && step.edges.length === 0) throw new Error(`${type} took no edge`);
          };
          for (const [what, pick] of happenings) {
            const before = chart.live;
            move(chart, machine, what, pick);
            if (!states.has(chart.state)) throw new Error(`rests in ${chart.state}`);
            if (before.status === "done" && chart.live !== before) throw new Error(`left ${before.value}`);
            seen.add(chart.state);
          }
        }),
        { numRuns: 1000 },
      );
    t.strictSame([...seen].toSorted(), [...states].toSorted(), "the walks came through every state");
    const edges = edgesOf(machine).length;
    t.ok(
      taken.size > edges * 0.8,
      `the walks took ${taken.size} of ${edges} edges, each as its chart has it`,
    );
  });
}

t.test(
  "under any events stock is shipped or released, never both, and returned after it was shipped",
  async () => {
    fc.assert(
      fc.property(fc.constantFrom(...methods), fc.boolean(), moves, (method, auto, happenings) => {
        const plan = { mode: auto ? "auto" : "manual", stepDelayMs: 100 } as const;
        const chart = new Chart(fulfillmentMachine, orderInput(method, plan));
        const requested = new Set<string>();
        for (const [what, pick] of happenings) {
          move(chart, fulfillmentMachine, what, pick);
          for (const id of chart.effects.keys()) if (id.endsWith("Inventory")) requested.add(id);
          const [ships, releases, returns] = ["ship", "release", "return"].map((verb) =>
            requested.has(`${verb}Inventory`),
          );
          if (ships && releases) throw new Error("requested to ship and to release");
          if (returns && !ships) throw new Error("requested to return what was not shipped");
          if (chart.live.status === "done" && chart.effects.size > 0)
            throw new Error("an effect outlives the end");
        }
      }),
      { numRuns: 400 },
    );
  },
);

/** The sums in the public events, in minor units. */
function publicSums(method: PaymentMethod, published: readonly EventObject[]) {
  const sum = (type: string): number =>
    published
      .filter((event) => event.type === `payment.${type}`)
      .reduce((amount, event) => amount + (event as unknown as { amount: Money }).amount.amount, 0);
  const authorized = sum("authorized");
  // Debit cards are settled by their authorization.
  const settled = method === "debit_card" ? authorized : sum("captured");
  return {
    authorized,
    settled,
    refunded: sum("refunded"),
    voided: sum("voided"),
    collected: sum("collected"),
  };
}

t.test("under any events the public sums keep 0 <= refunded <= settled <= authorized <= total", async (t) => {
  let refunds = 0;
  fc.assert(
    fc.property(fc.constantFrom(...methods), moves, (method, happenings) => {
      const chart = new Chart(paymentMachine, orderInput(method));
      const published: EventObject[] = [];
      for (const [what, pick] of happenings) {
        published.push(...move(chart, paymentMachine, what, pick));
        const { authorized, settled, refunded, voided, collected } = publicSums(method, published);
        const fact = `${method}: ${published.map(({ type }) => type).join()}`;
        if (!(0 <= refunded && refunded <= settled && settled <= authorized && authorized <= total.amount))
          throw new Error(fact);
        // A page is voided whether it is paid later or not.
        if (method !== "async" && refunded + voided > total.amount) throw new Error(fact);
        if (collected > 0 && authorized > 0) throw new Error(fact);
        if (refunded > 0) refunds++;
      }
    }),
    { numRuns: 1000 },
  );
  t.ok(refunds > 0, "some were refunded");
});
