/** The machines of an order as data, and simulations of orders. */
import t from "tap";
import { orderMachinesAsData } from "../../../../src/services/machines/order-machines.ts";
import { simulationBounds, type SimulatedStep } from "../../../../src/services/machines/contract.ts";
import { orderMachines } from "../../../../src/services/orders/definition.ts";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { orderInput, reserved } from "../../machines/order-input.ts";
import { OrderWorld } from "./order-world.ts";

function stage(options: { readonly records?: readonly object[] | Error; readonly stepMs?: number } = {}) {
  const { records = [], stepMs = 0 } = options;
  let time = 0;
  const machines = orderMachinesAsData({
    definition: new OrderWorld().definition,
    journalOf: () => ({
      readAll: async () => {
        if (records instanceof Error) throw records;
        return records.map((record, at) => ({
          subject: "s",
          payload: JSON.stringify(record),
          headers: {},
          sequence: at + 1,
          at: 0,
        }));
      },
    }),
    partitions: 4,
    clock: { monotonic: () => (time += stepMs), now: () => 0 },
    plan: {
      fulfillment: { mode: "manual", stepDelayMs: 1500 },
      hostedPayment: { deadlineMs: 900_000, pollMs: 2000, pollMaxMs: 60_000 },
      taxBasisPoints: 2300,
    },
  });
  const simulate = async (...asked: Parameters<typeof machines.simulate>) => {
    const result = await machines.simulate(...asked);
    if (result.status !== "simulated") throw new Error(result.status);
    return result;
  };
  return { machines, simulate };
}

t.test("every machine is listed with its versions and a hash of its own", (t) => {
  const { machines } = stage();
  const list = machines.list();
  t.match(list, [
    { kind: "order", version: 6, versions: [1, 2, 3, 4, 5, 6] },
    { kind: "payment", version: 4 },
    { kind: "fulfillment", version: 5 },
  ]);
  t.equal(new Set(list.map(({ hash }) => hash)).size, 3);
  t.strictSame(stage().machines.list(), list, "the same at every start");
  t.equal(machines.chart("stock"), undefined);
  t.end();
});

t.test("a chart has the texts of every state, and what the machine listens to", (t) => {
  const { machines } = stage();
  for (const kind of Object.keys(orderMachines)) {
    const chart = machines.chart(kind);
    for (const { path, texts } of chart?.states ?? [])
      if (path !== "") t.match(texts, { says: /.+/, waitsFor: /.+/ });
    t.equal(chart?.transitions.length, machines.list().find((one) => one.kind === kind)?.transitions);
  }
  t.ok(machines.chart("payment")?.listensTo.includes("order.created"));
  t.ok(machines.chart("fulfillment")?.guards.includes("collectsExactly"));
  t.end();
});

const toConfirmed: SimulatedStep[] = [{ effect: "order.reserveInventory", output: reserved }];

t.test("a new order is simulated with its outcomes as steps, through all three machines", async (t) => {
  const { simulate } = stage();
  const { complete, results } = await simulate({ kind: "order", input: { method: "cash_on_delivery" } }, [
    ...toConfirmed,
    { event: "pick" },
    { event: "ship" },
    { event: "quality-check", data: { passed: false } },
    { event: "cancel", data: { reason: "no need" } },
  ]);
  t.ok(complete);
  t.strictSame(
    results.map(
      ({ accepted, states }) =>
        `${accepted} ${String(states["order"])} ${JSON.stringify(states["fulfillment"])}`,
    ),
    [
      `true reserving "unconfirmed"`,
      `true confirmed {"stored":"awaiting"}`,
      `true confirmed {"picked":"awaiting"}`,
      `false confirmed {"picked":"awaiting"}`,
      `true confirmed {"stored":"awaiting"}`,
      `true cancelled {"releasing":"giving_back"}`,
    ],
  );
  t.match(results[4]?.guards, [{ guard: "hasPassed", state: "picked.awaiting", verdict: false }]);
  t.match(results[5], { events: ["order.cancelled"], effects: ["fulfillment.releaseInventory"] });
});

t.test("a call may fail, and a timer fires", async (t) => {
  const { simulate } = stage();
  const { results } = await simulate({ kind: "order", input: { method: "credit_card", mode: "auto" } }, [
    { effect: "order.reserveInventory", error: { code: "no_answer", kind: "retryable" } },
    { timer: "order.xstate.after.retryDelay.order.awaiting_inventory" },
    ...toConfirmed,
  ]);
  t.strictSame(
    results.map(({ states }) => states["order"]),
    ["reserving", "awaiting_inventory", "reserving", "authorizing"],
  );
  t.match(results.at(-1)?.open.effects, [{ name: "payment.authorizePayment", input: { token: "masked" } }]);
});

t.test("a stored order is simulated from one of its commits", async (t) => {
  const world = new OrderWorld(orderInput("cash_on_delivery", { mode: "manual", stepDelayMs: 0 }), {
    joins: false,
  });
  world.start();
  const { facts: _, ...first } = world.snapshot;
  await world.performAll();
  const { facts: __, ...second } = world.snapshot;
  const records = [first, second].map((snapshot) => ({
    commit: "c",
    input: "start",
    transitions: [],
    snapshot,
  }));
  const { machines, simulate } = stage({ records });
  const { results } = await simulate({ orderId: "ord_1", version: 2 }, [{ event: "pick" }]);
  t.match(results, [
    { states: { fulfillment: { stored: "awaiting" } } },
    { states: { fulfillment: { picked: "awaiting" } } },
  ]);
  t.match((await simulate({ orderId: "ord_1", version: 1 }, [])).results, [
    { states: { order: "reserving" } },
  ]);
  t.match(await machines.simulate({ orderId: "ord_1", version: 9 }, []), { status: "version_not_found" });
});

t.test("what is not there is said, and a store that does not answer is unavailable", async (t) => {
  const { machines } = stage();
  t.match(await machines.simulate({ kind: "stock" }, []), { status: "machine_not_found" });
  t.match(await machines.simulate({ orderId: "ord_1", version: 1 }, []), { status: "not_found" });
  const silent = stage({ records: new Unavailable("silent") }).machines;
  t.match(await silent.simulate({ orderId: "ord_1", version: 1 }, []), { status: "unavailable" });
  const newer = { ...new OrderWorld().start().snapshot, definition: 99, facts: undefined };
  const other = stage({
    records: [{ commit: "c", input: "start", transitions: [], snapshot: newer }],
  }).machines;
  t.match(await other.simulate({ orderId: "ord_1", version: 1 }, []), { status: "unavailable" });
});

const picks = (count: number) => Array.from({ length: count }, (): SimulatedStep => ({ event: "pick" }));

t.test("a simulation has bounds of steps and of time", async (t) => {
  const { simulate } = stage({ stepMs: simulationBounds.timeMs / 4 });
  const { complete, results } = await simulate({ kind: "order" }, [...toConfirmed, ...picks(50)]);
  t.notOk(complete);
  t.ok(results.length < 6, `${results.length} results`);
  const many = await stage().simulate({ kind: "order" }, picks(500));
  t.equal(many.results.length, simulationBounds.steps + 1);
  t.notOk(many.complete);
});
