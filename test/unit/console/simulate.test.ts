/** Steps of a simulation: in an address, in words, and what can be sent next. */
import t from "tap";
import { orderCharts } from "../../../console/build/order-charts.ts";
import { ChartIndex } from "../../../console/src/charts/machine-chart.ts";
import {
  answerOf,
  eventsFor,
  fieldsOfEvent,
  parsed,
  readSteps,
  type Step,
  stepText,
  writeSteps,
} from "../../../console/src/machines/steps.ts";

const steps: readonly Step[] = [
  { event: "cancel", machine: "order", data: { reason: "no" } },
  { effect: "payment.capturePayment", output: { outcome: "captured" } },
  { effect: "payment.capturePayment", error: { code: "simulated", kind: "refused" } },
  { timer: "payment.xstate.after.retryDelay.payment.capture_failed" },
  { event: "retry" },
];

t.test("steps are read from the address as they were written, and anything else is no step", (t) => {
  t.strictSame(readSteps(writeSteps(steps)), steps);
  t.equal(writeSteps([]), "");
  for (const text of ["", "no JSON", "{}", "[1]", '[{"other":1}]', "[null]"])
    t.strictSame(readSteps(text), [], text);
  t.equal(readSteps(JSON.stringify(Array.from({ length: 200 }, () => ({ event: "retry" })))).length, 100);
  t.end();
});

t.test("a step is shown in words", (t) => {
  t.strictSame(steps.map(stepText), [
    "cancel to order",
    "payment.capturePayment answers",
    "payment.capturePayment fails: refused",
    "timer retryDelay",
    "retry",
  ]);
  t.end();
});

t.test("a machine offers the events that it takes in its state, those of the states around it too", (t) => {
  const chart = orderCharts().get("fulfillment");
  if (!chart) throw new Error("there is no such machine");
  const index = new ChartIndex(chart);
  t.strictSame(eventsFor(index, { picked: "awaiting" }), ["order.closed", "quality-check"]);
  t.strictSame(eventsFor(index, "unconfirmed"), ["order.confirmed", "order.closed"]);
  t.strictSame(eventsFor(index, undefined), []);
  t.end();
});

t.test("every call of an order's machines has an answer to begin with", (t) => {
  for (const [kind, { states }] of orderCharts())
    for (const { src } of states.flatMap(({ invokes }) => invokes))
      t.not(answerOf(`${kind}.${src}`), "{}", `${kind}.${src}`);
  t.equal(answerOf("order.unknown"), "{}");
  t.strictSame(parsed(fieldsOfEvent("cancel")), { value: { reason: "simulated" } });
  t.equal(fieldsOfEvent("retry"), "{}");
  t.equal(parsed("{"), undefined);
  t.end();
});
