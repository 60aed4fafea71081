/** The machines of an order as data, over HTTP: the real machines, on a store in memory. */
import t, { type Test } from "tap";
import { orderMachinesAsData } from "../../../src/services/machines/order-machines.ts";
import { noList, startApp } from "../../support/http-services.ts";
import { OrderWorld } from "../../unit/services/orders/order-world.ts";
import { reserved } from "../../unit/machines/order-input.ts";

const appOf = (t: Test, replace: Parameters<typeof startApp>[1] = {}) =>
  startApp(t, {
    ...replace,
    machines: orderMachinesAsData({
      definition: new OrderWorld().definition,
      journalOf: () => ({ readAll: async () => [] }),
      partitions: 4,
      clock: { monotonic: () => 0, now: () => 0 },
      plan: {
        fulfillment: { mode: "manual", stepDelayMs: 1500 },
        hostedPayment: { deadlineMs: 900_000, pollMs: 2000, pollMaxMs: 60_000 },
        taxBasisPoints: 2300,
      },
    }),
  });

t.test("machines are listed, and each is answered as a chart with nothing left out", async (t) => {
  const { app } = await appOf(t);
  const { items } = (await app.inject("/v1/machines")).json();
  t.strictSame(
    items.map(({ kind }: { kind: string }) => kind),
    ["order", "payment", "fulfillment"],
  );
  for (const { hash, kind, states, transitions } of items) {
    const chart = (await app.inject(`/v1/machines/${kind}`)).json();
    t.match(chart, { kind, hash });
    t.strictSame([chart.states.length, chart.transitions.length], [states, transitions]);
  }
  const { transitions, states } = (await app.inject("/v1/machines/order")).json();
  t.match(
    transitions.find(({ id }: { id: string }) => id === "reserving:xstate.done.actor.reserveInventory:0"),
    { guard: "isReservedAsAgreed", actions: ["keepReservation", "emitPriced"], targets: ["created"] },
  );
  t.match(
    states.find(({ path }: { path: string }) => path === "reserving"),
    { invokes: [{ id: "reserveInventory", src: "reserveInventory" }], texts: { meaning: "moving" } },
  );
  for (const kind of ["stock", "Order", "__proto__"])
    t.match(
      (await app.inject(`/v1/machines/${kind}`)).json(),
      { status: 404, code: "machine_not_found" },
      kind,
    );
});

const post = (payload: object) => ({ method: "POST", url: "/v1/machines/simulate", payload }) as const;

t.test("a simulation answers each step", async (t) => {
  const { app } = await appOf(t);
  const answer = await app.inject(
    post({
      from: { kind: "fulfillment", input: { method: "cash_on_delivery" } },
      steps: [
        { effect: "order.reserveInventory", output: reserved },
        { event: "pick", machine: "fulfillment" },
        { event: "pick" },
        { timer: "none" },
        { effect: "none", error: { code: "x", kind: "refused" } },
      ],
    }),
  );
  t.equal(answer.statusCode, 200);
  const { complete, results } = answer.json();
  t.ok(complete);
  t.strictSame(
    results.map(({ accepted }: { accepted: boolean }) => accepted),
    [true, true, true, false, false, false],
  );
  t.match(results[2], {
    states: { order: "confirmed", fulfillment: { picked: "awaiting" } },
    machines: [{ machine: "fulfillment", event: "pick", edge: "stored.awaiting:pick:0" }],
  });
});

t.test("what cannot be simulated is refused", async (t) => {
  const { app } = await appOf(t);
  const from = { kind: "order" };
  for (const payload of [
    {},
    { from },
    { from, steps: [{}] },
    { from, steps: [{ event: "pick", timer: "x" }] },
    { from, steps: [{ event: 1 }] },
    { from, steps: [{ effect: "x" }] },
    { from, steps: [{ effect: "x", output: 1, error: { code: "x", kind: "refused" } }] },
    { from, steps: [{ timer: "x", data: {} }] },
    { from: { orderId: "ord_1" }, steps: [] },
    { from: { ...from, orderId: "ord_1", version: 1 }, steps: [] },
    { from, steps: Array.from({ length: 101 }, () => ({ event: "pick" })) },
    { from: { ...from, version: 1 }, steps: [] },
    { from: { orderId: "1", version: 1 }, steps: [] },
    { from: { ...from, input: { method: "gold" } }, steps: [] },
  ])
    t.match(
      (await app.inject(post(payload))).json(),
      { status: 400, code: "validation_failed" },
      JSON.stringify(payload),
    );
  t.match((await app.inject(post({ from: { kind: "stock" }, steps: [] }))).json(), {
    code: "machine_not_found",
  });
  t.match((await app.inject(post({ from: { orderId: "ord_1", version: 1 }, steps: [] }))).json(), {
    code: "order_not_found",
  });
});

t.test("the orders in each state of a machine are counted by the list", async (t) => {
  const asOf = { sequence: 7, at: "2026-11-22T10:00:00.000Z", behindMs: 0 };
  const { app } = await appOf(t, {
    list: {
      ...noList,
      counts: async ({ by, filter }) => {
        t.strictSame({ by, filter }, { by: "state", filter: {} });
        const counts = [
          { key: "payment:reversing", value: 3 },
          { key: "order:confirmed", value: 2 },
          { key: "payment:reversing.voiding", value: 1 },
        ];
        return { status: "counted", counts, asOf };
      },
    },
  });
  t.strictSame((await app.inject("/v1/machines/payment/counts")).json(), {
    kind: "payment",
    counts: [
      { key: "reversing", value: 3 },
      { key: "reversing.voiding", value: 1 },
    ],
    asOf,
  });
  t.match((await app.inject("/v1/machines/parcel/counts")).json(), { code: "machine_not_found" });
  const off = await appOf(t);
  t.match((await off.app.inject("/v1/machines/payment/counts")).json(), { code: "projection_off" });
});
