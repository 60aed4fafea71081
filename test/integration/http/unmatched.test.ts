/** Signed messages that no order takes, over HTTP: what counts as one, and the list for operators. */
import t, { type Test } from "tap";
import type { UnmatchedMessage, UnmatchedMessages } from "../../../src/services/webhooks/contract.ts";
import { webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { signWebhook } from "../../../src/services/webhooks/signature.ts";
import { emptyInbox, registersInMemory, startApp } from "../../support/http-services.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

const secrets = { payments: "a secret of the gateway", carrier: "a secret of the carrier" };
const data = {
  payment: "pay_1",
  orderId: "ord_1",
  amount: 5,
  currency: "EUR",
  authorization: "a",
  reason: null,
};
const paid = { type: "payment.paid", data };

async function stage(t: Test, known = false) {
  const unmatched = registersInMemory();
  const delivered: unknown[] = [];
  const { app } = await startApp(t, {
    webhooks: webhookIntake({
      secrets: { payments: [secrets.payments], carrier: [secrets.carrier] },
      deliver: async (...input) => {
        delivered.push(input);
        return "stored";
      },
      inbox: { ...emptyInbox, exists: async () => known },
      unmatched,
      orIsolated: (promise) => promise,
      now: Date.now,
      log: quietLog,
    }),
  });
  const send = async (sender: "payments" | "carrier", body: unknown, secret = secrets[sender]) => {
    const payload = JSON.stringify(body);
    const headers = {
      "content-type": "application/json",
      ...signWebhook(secret, "msg_1", new Date(), payload),
    };
    return (await app.inject({ method: "POST", url: `/v1/webhooks/${sender}`, headers, payload })).statusCode;
  };
  const kept = () =>
    [...unmatched.kept.values()].map((value) => {
      const { sender, type, orderId, reason } = JSON.parse(value) as UnmatchedMessage;
      return `${sender} ${type} ${orderId} ${reason}`;
    });
  return { send, kept, delivered };
}

t.test("a message about an unknown order, of whatever form, is answered 200 and kept", async (t) => {
  const { send, kept, delivered } = await stage(t);
  for (const orderId of ["ord_1", "4711", "INV 1/2026"])
    t.equal(await send("payments", { ...paid, data: { ...data, orderId } }), 200);
  const parcel = { trackingNumber: "T1", orderId: "4711", collected: null };
  t.equal(await send("carrier", { type: "shipment.delivered", data: parcel }), 200);
  t.same(kept(), [
    "payments payment.paid ord_1 unknown_order",
    "payments payment.paid 4711 unknown_order",
    "payments payment.paid INV 1/2026 unknown_order",
    "carrier shipment.delivered 4711 unknown_order",
  ]);
  t.same(delivered, []);
});

t.test("a message of an unknown type is answered 200 and kept, with the order that it names", async (t) => {
  const { send, kept, delivered } = await stage(t, true);
  for (const body of [
    { type: "payment.disputed", data: { orderId: "ord_1", more: [1] } },
    { type: "payout.sent", data: { orderId: 5 } },
    { type: "balance.low", data: null },
    { type: "ping" },
    { type: "shipment.delivered", data: { trackingNumber: "T1", orderId: "ord_2", collected: null } },
  ])
    t.equal(await send("payments", body), 200, body.type);
  t.same(kept(), [
    "payments payment.disputed ord_1 unknown_type",
    "payments payout.sent null unknown_type",
    "payments shipment.delivered ord_2 unknown_type",
  ]);
  t.same(delivered, [], "a carrier's type says nothing in the gateway's name");
});

t.test(
  "a message of a known type that is not complete is refused, and one without a signature unread",
  async (t) => {
    const { send, kept } = await stage(t);
    for (const body of [
      { ...paid, data: {} },
      { ...paid, data: { ...data, amount: 0 } },
      { type: "" },
      { data },
      [],
    ])
      t.equal(await send("payments", body), 400, JSON.stringify(body));
    t.equal(await send("payments", paid, secrets.carrier), 401);
    t.equal(await send("carrier", { type: "ping" }, secrets.payments), 401);
    t.same(kept(), []);
  },
);

const message: UnmatchedMessage = {
  sender: "payments",
  id: "msg_1",
  type: "payment.paid",
  orderId: null,
  reason: "unknown_order",
  body: "{}",
  bodyCut: false,
  at: "2026-11-22T10:00:00.000Z",
};

t.test("the list has pages, a filter, and its own cursors", async (t) => {
  const asked: Parameters<UnmatchedMessages["list"]>[0][] = [];
  const { app } = await startApp(t, {
    unmatched: {
      list: async (page) => {
        asked.push(page);
        return { status: "found", items: [message], next: "payments.12" };
      },
    },
  });
  const list = async (query: string) => {
    const answer = await app.inject(`/v1/webhooks/unmatched${query}`);
    return answer.json<{
      items: unknown[];
      nextCursor: string;
      code?: string;
      errors?: { pointer: string }[];
    }>();
  };
  const first = await list("");
  t.same(first.items, [message]);
  await list(`?limit=7&sender=carrier&cursor=${first.nextCursor}`);
  t.same(asked, [{ limit: 50 }, { limit: 7, sender: "carrier", after: "payments.12" }]);
  for (const [query, pointer] of [
    ["?limit=0", "/limit"],
    ["?limit=201", "/limit"],
    ["?sender=bank", "/sender"],
    ["?cursor=xx", "/cursor"],
    ["?order=1", "/order"],
  ] as const) {
    const refused = await list(query);
    t.match(refused, { code: "validation_failed", errors: [{ pointer }] }, query);
  }
  const foreign = await app.inject({
    url: "/v1/webhooks/unmatched",
    headers: { origin: "http://evil.example" },
  });
  t.match(foreign.json(), { code: "foreign_origin" }, "it is no signed message");
  const away = await startApp(t, {
    unmatched: { list: async () => ({ status: "unavailable", reason: "no server", retryAfterMs: 1000 }) },
  });
  t.equal((await away.app.inject("/v1/webhooks/unmatched")).statusCode, 503);
});
