/** What could move a machine on: the transitions of its active states, with what their conditions answer now. */
import t from "tap";
import { type AnyStateMachine, createMachine, not } from "xstate";
import { restoreMachine } from "../../../../src/runtime/actor/machine.ts";
import { nextSteps } from "../../../../src/runtime/actor/next-steps.ts";
import { orderMachines } from "../../../../src/services/orders/definition.ts";
import { chartOf } from "../../../../src/runtime/actor/chart.ts";

const gate = createMachine(
  {
    id: "gate",
    initial: "shut",
    context: { key: true },
    on: { open: ".broken", knock: ".broken" },
    states: {
      shut: {
        initial: "locked",
        always: { guard: "never", target: "broken" },
        on: { open: { guard: "never", target: "broken" }, knock: "open" },
        states: {
          locked: {
            on: {
              open: [
                { guard: { type: "fits", params: ({ event }) => event }, target: "#gate.open" },
                { guard: "hasKey", target: "#gate.open" },
                { target: "#gate.broken" },
              ],
              kick: [{ guard: "hasKey", target: "#gate.open" }, { target: "#gate.broken" }],
              push: { guard: not("hasKey"), target: "#gate.broken" },
              pull: { guard: "breaks", target: "#gate.broken" },
            },
            after: { soon: { guard: "never", target: "#gate.broken" } },
          },
        },
      },
      open: {},
      broken: { type: "final" },
    },
  },
  {
    delays: { soon: 10 },
    guards: {
      never: () => false,
      hasKey: ({ context }) => context.key,
      fits: (_, event) => (event as { size: number }).size > 3,
      breaks: ({ event }) => (event as unknown as { by: { name: string } }).by.name === "hand",
    },
  },
);

const at = (machine: AnyStateMachine, value: unknown, context: unknown = {}, status = "active") =>
  nextSteps(
    machine,
    restoreMachine({ machine, version: 1 }, { status, value, context, version: 1 } as never, []),
  );

const verdicts = (steps: ReturnType<typeof nextSteps>) =>
  Object.fromEntries(steps.map(({ edge, verdict }) => [edge, verdict]));

t.test("each transition has what its condition answers, and one before it that is taken excludes it", (t) => {
  const found = verdicts(at(gate, { shut: "locked" }, { key: true }));
  t.equal(found["shut.locked:open:0"], null, "it reads the event");
  t.equal(found["shut.locked:open:1"], null, "it holds, unless the one before is taken");
  t.equal(found["shut.locked:open:2"], false, "the one before always holds");
  t.equal(found["shut.locked:kick:0"], true);
  t.equal(found["shut.locked:kick:1"], false);
  t.equal(found["shut.locked:push:0"], null, "a condition of conditions is not evaluated");
  t.equal(found["shut.locked:pull:0"], null, "it fails for an event that says nothing");
  t.equal(found["shut.locked:xstate.after.soon.gate.shut.locked:0"], false);
  t.equal(found["shut:open:0"], false, "the state inside takes the event");
  t.equal(found["shut:knock:0"], true);
  t.equal(found[":knock:0"], false, "the state inside takes the event");
  t.equal(found["shut::0"], false);
  t.end();
});

t.test("without the key the last transition is the one that is taken", (t) => {
  const found = verdicts(at(gate, { shut: "locked" }, { key: false }));
  t.equal(found["shut.locked:kick:0"], false);
  t.equal(found["shut.locked:kick:1"], true);
  t.equal(found["shut.locked:open:2"], null, "unless the first one is taken");
  t.end();
});

t.test("nothing moves a machine that has ended", (t) => {
  t.strictSame(at(gate, "broken", {}, "done"), []);
  t.end();
});

t.test("a condition that fails although it reads nothing of its event is a fault", (t) => {
  const faulty = createMachine(
    { id: "faulty", initial: "a", states: { a: { on: { go: { guard: "fails", target: "b" } } }, b: {} } },
    {
      guards: {
        fails: () => {
          throw new Error("no such thing");
        },
      },
    },
  );
  t.throws(() => at(faulty, "a"), /no such thing/u);
  t.end();
});

t.test("every transition of an order's machines is answered in its state", (t) => {
  for (const [name, { machine }] of Object.entries(orderMachines)) {
    const { transitions } = chartOf(machine);
    const states = new Set(transitions.map(({ source }) => source));
    for (const source of [...states].filter((path) => path !== "")) {
      const value = source
        .split(".")
        .reduceRight<unknown>((inner, key) => (inner ? { [key]: inner } : key), "");
      const context = { orderId: "ord_1", method: "credit_card", tries: 1, attempt: 1 };
      const found = new Set(at(machine, value, context).map(({ edge }) => edge));
      const own = transitions.filter((one) => one.source === source);
      t.ok(
        own.every(({ id }) => found.has(id)),
        `${name}: ${source}`,
      );
    }
  }
  t.end();
});
