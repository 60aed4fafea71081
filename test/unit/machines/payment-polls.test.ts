/** How often the machine polls a page on which nothing happens. */
import t from "tap";
import { pollDelayMs, unpaid } from "../../../machines/payment-context.ts";
import { orderInput } from "./order-input.ts";
import { reach, type W, when } from "./payment-stage.ts";

const waiting: W[] = ["order created", "page made"];
const DOUBLED = [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];

for (const answer of ["found pending", "check failed"] as const)
  t.test(`the pauses between questions double up to the longest: ${answer}`, async (t) => {
    const chart = reach("async", "order created")();
    // The first comes with the deadline, which is armed once.
    const pauses = when["page made"].happen(chart).delays.filter((ms) => ms !== 900_000);
    while (pauses.length < DOUBLED.length) {
      t.strictSame(when["poll due"].happen(chart).invoked, ["checkPayment"]);
      pauses.push(...when[answer].happen(chart).delays);
    }
    t.strictSame(pauses, DOUBLED);
    t.equal(chart.armed("deadline").length, 1, "the deadline is still the first one");
  });

t.test("an answer after many polls still counts", async (t) => {
  const chart = reach("async", ...waiting)();
  for (let round = 0; round < 20; round++) {
    when["poll due"].happen(chart);
    when["found pending"].happen(chart);
  }
  when["poll due"].happen(chart);
  t.equal(when["found paid"].happen(chart).to, "captured");
});

t.test("the pause stays finite and within its bounds for any number of polls", async (t) => {
  const context = unpaid(orderInput("async"));
  for (const polls of [29, 30, 31, 1000, 1_000_000, Number.MAX_SAFE_INTEGER])
    t.equal(pollDelayMs({ ...context, polls }), 60_000, `${polls}`);
});
