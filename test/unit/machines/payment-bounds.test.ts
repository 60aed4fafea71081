/**
 * Left alone, a payment comes to rest: whatever the gateway answers, nothing is asked for ever, and what fails again and
 * again is asked after growing pauses.
 */
import * as fc from "fast-check";
import t from "tap";
import { retry } from "../../../machines/retry.ts";
import type { PaymentMethod } from "../../../machines/types.ts";
import type { Chart } from "./chart.ts";
import { paymentOutcomes, reach, type W, when } from "./payment-stage.ts";

const effects = [
  "authorizePayment",
  "createPaymentPage",
  "checkPayment",
  "capturePayment",
  "voidPayment",
  "refundPayment",
];

/** Where walks without events begin: behind every event that sets the machine in motion. */
const beginnings: readonly (readonly [PaymentMethod, readonly W[]])[] = [
  ["credit_card", ["order created"]],
  ["credit_card", ["order created", "authorized", "capture requested"]],
  ["credit_card", ["order created", "authorized", "order closed"]],
  [
    "credit_card",
    ["order created", "authorized", "capture requested", "order closed", "late capture unknown"],
  ],
  ["debit_card", ["order created"]],
  ["debit_card", ["order created", "authorized", "order closed"]],
  ["async", ["order created"]],
  ["async", ["order created", "page made", "order closed"]],
  ["async", ["order created", "page made", "deadline over"]],
  ["async", ["order created", "page made", "told declined", "told paid"]],
  ["async", ["order created", "page made", "deadline over", "told paid"]],
];

/** More than any chain of bounded repetitions takes: each effect as often as its bound says, and the polls. */
const MOST_CALLS = 4 * (retry.most + 2);

/** Answers each open effect as the strategy says, else lets the next timer fire, until nothing is left. */
function leaveAlone(chart: Chart, strategy: (effect: string, call: number) => number): number[] {
  const pauses: number[] = [];
  for (let calls = 0; ; ) {
    const [effect] = chart.effects.keys();
    if (effect !== undefined) {
      if (++calls > MOST_CALLS) throw new Error(`${calls} calls, and still ${chart.state}`);
      const outcomes = paymentOutcomes(effect);
      const outcome = outcomes[strategy(effect, calls) % outcomes.length];
      if (outcome === undefined) throw new Error(`no outcome for ${effect}`);
      when[outcome].happen(chart);
    } else if (chart.timers.size > 0) {
      const before = chart.now;
      chart.elapseNext();
      pauses.push(chart.now - before);
    } else return pauses;
  }
}

t.test(
  "whatever the gateway answers, each time the same or in turns, the machine comes to rest",
  async () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...beginnings),
        // Of each effect the outcomes in turns: a cycle of one to three.
        fc.dictionary(
          fc.constantFrom(...effects),
          fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }),
        ),
        ([method, path], cycles) => {
          const counts = new Map<string, number>();
          leaveAlone(reach(method, ...path)(), (effect) => {
            const count = counts.get(effect) ?? 0;
            counts.set(effect, count + 1);
            const cycle = cycles[effect] ?? [0];
            return cycle[count % cycle.length] ?? 0;
          });
        },
      ),
      { numRuns: 3000 },
    );
  },
);

t.test("every constant behaviour of the gateway, one by one", async (t) => {
  const all = effects.map((effect) => paymentOutcomes(effect).length);
  const combinations = all.reduce((product, length) => product * length, 1);
  for (const [method, path] of beginnings)
    for (let combination = 0; combination < combinations; combination++) {
      let rest = combination;
      const chosen = new Map<string, number>();
      for (const [index, effect] of effects.entries()) {
        chosen.set(effect, rest % (all[index] ?? 1));
        rest = Math.floor(rest / (all[index] ?? 1));
      }
      leaveAlone(reach(method, ...path)(), (effect) => chosen.get(effect) ?? 0);
    }
  t.ok(combinations > 100, `${combinations} behaviours, from ${beginnings.length} beginnings`);
});

t.test(
  "a page that is neither voided nor found paid is asked about after growing pauses, and given up",
  async (t) => {
    const chart = reach("async", "order created", "page made", "deadline over")();
    const pauses = leaveAlone(chart, (effect) =>
      paymentOutcomes(effect).indexOf(effect === "voidPayment" ? "void refused" : "check failed"),
    );
    t.equal(chart.state, "reversing.void_failed");
    t.strictSame(pauses.slice(0, 5), [1000, 2000, 4000, 8000, 16_000]);
    t.ok(
      pauses.every((pause, index) => index === 0 || pause >= (pauses[index - 1] ?? 0)),
      "they grow",
    );
    t.equal(pauses.length, retry.most);
  },
);
