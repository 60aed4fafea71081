/** The history of an order over HTTP, on services in memory. */
import t from "tap";
import { ordersWith, startApp } from "../../support/http-services.ts";

t.test("the history is answered oldest first with all its fields", async (t) => {
  const items = [
    {
      version: 1,
      sequence: 12,
      at: "2026-11-22T10:00:00.000Z",
      input: "start",
      actor: { kind: "anonymous", id: null },
      reason: "because",
      durationMs: 17,
      transitions: [
        { machine: "order", from: null, to: "reserving", event: "xstate.init", edges: [] },
        {
          machine: "payment",
          from: "idle",
          to: { open: { authorizing: "waiting" } },
          event: "order.created",
          edge: "idle:order.created:3",
          edges: ["idle:order.created:3", "open::0"],
        },
        { machine: "fulfillment", from: null, to: "unconfirmed", edges: [] },
      ],
      sent: [{ from: "order", to: "payment", type: "order.created" }],
      events: ["order.created"],
      effects: { opened: ["payment.authorize"], closed: [] },
      timers: { armed: [], cancelled: ["t"] },
      node: "node-1",
      epoch: 4,
    },
  ];
  const asked: unknown[] = [];
  const { app } = await startApp(t, {
    orders: ordersWith({
      history: async (_id, page) => {
        asked.push(page);
        return { status: "found", items, nextAfter: asked.length > 1 ? 3 : null };
      },
    }),
  });
  const answer = await app.inject("/v1/orders/ord_1/history");
  t.equal(answer.statusCode, 200);
  t.strictSame(answer.json(), { items, nextAfter: null });
  const page = await app.inject("/v1/orders/ord_1/history?after=2&limit=1");
  t.strictSame(page.json(), { items, nextAfter: 3 });
  t.strictSame(asked, [
    { after: 0, limit: 200 },
    { after: 2, limit: 1 },
  ]);
  for (const query of ["limit=0", "limit=1001", "after=-1", "after=x", "limit=", "before=3"]) {
    const refused = await app.inject(`/v1/orders/ord_1/history?${query}`);
    t.match(refused.json(), { status: 400, code: "validation_failed" }, query);
  }
  t.equal(asked.length, 2, "a refused query reads nothing");
});
