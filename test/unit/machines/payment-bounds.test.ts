/**
 * A payment without further events ends in a resting state: whatever the gateway answers, the machine repeats no call
 * without a bound, and repeats failing calls after growing pauses.
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

/** Starting points of walks without events: after every event that starts calls. */
const beginnings: readonly (readonly [PaymentMethod, readonly W[]])[] = [
  ["credit_card", ["order created"]],
  ["credit_card", ["order created", "authorized", "capture requested"]],
  ["credit_card", ["order created", "authorized", "order closed"]],
  [
    "credit_card",
    ["order created", "authorized", "capture requested", "order closed", "late capture unknown"],
  ],
  ["credit_card", ["order created", "authorized for a week"]],
  ["credit_card", ["order created", "authorized for a week", "capture requested"]],
  ["credit_card", ["order created", "authorized for a week", "time lapsed", "capture requested"]],
  ["tokenized", ["order created", "authorized for a week", "capture requested", "order closed"]],
  ["tokenized", ["order created for nothing"]],
  ["debit_card", ["order created"]],
  ["debit_card", ["order created", "authorized", "order closed"]],
  ["async", ["order created"]],
  ["async", ["order created", "page made", "order closed"]],
  ["async", ["order created", "page made", "deadline over"]],
  ["async", ["order created", "page made", "reported declined", "reported paid"]],
  ["async", ["order created", "page made", "deadline over", "reported paid"]],
];

/** More calls than any chain of bounded repetitions: the bound of each effect, and the polls. */
const MAX_CALLS = 4 * (retry.most + 2);

/** Answers each open effect by the strategy, else fires the next timer, until neither is left. */
function leaveAlone(chart: Chart, strategy: (effect: string, call: number) => number): number[] {
  const pauses: number[] = [];
  for (let calls = 0; ; ) {
    const [effect] = chart.effects.keys();
    if (effect !== undefined) {
      if (++calls > MAX_CALLS) throw new Error(`${calls} calls, and still ${chart.state}`);
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
  "whatever the gateway answers, constantly or alternating, the machine ends in a resting state",
  async () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...beginnings),
        // The outcomes of each effect alternate: a cycle of one to three.
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
      { numRuns: 1000 },
    );
  },
);

/** An effect without a chosen outcome. */
class Unchosen extends Error {
  readonly effect: string;
  constructor(effect: string) {
    super(effect);
    this.effect = effect;
  }
}

/** Every choice of one outcome for each effect that comes up. @returns how many there were */
function everyConstant(begin: () => Chart, chosen: ReadonlyMap<string, number> = new Map()): number {
  try {
    leaveAlone(begin(), (effect) => {
      const choice = chosen.get(effect);
      if (choice === undefined) throw new Unchosen(effect);
      return choice;
    });
    return 1;
  } catch (error) {
    if (!(error instanceof Unchosen)) throw error;
    const { effect } = error;
    const choices = paymentOutcomes(effect).map((_, choice) => new Map([...chosen, [effect, choice]]));
    return choices.reduce((sum, next) => sum + everyConstant(begin, next), 0);
  }
}

t.test("the machine ends in a resting state under every constant behavior of the gateway", async (t) => {
  for (const [method, path] of beginnings) {
    const behaviors = everyConstant(reach(method, ...path));
    t.ok(behaviors > 0, `${method} ${path.join(", ")}: ${behaviors} behaviors`);
  }
});

t.test(
  "a page that is neither voided nor found paid is checked after growing pauses, then abandoned",
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
