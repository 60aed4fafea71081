/** Webhooks: whose signature counts and for how long, and what a report becomes in the order's inbox. */
import t from "tap";
import { Unavailable } from "../../../src/runtime/ports.ts";
import type { PaymentReport } from "../../../src/services/webhooks/contract.ts";
import { webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { emptyInbox, registersInMemory } from "../../support/http-services.ts";
import { signedHeaders, signWebhook, verifiedId } from "../../../src/services/webhooks/signature.ts";

const secrets = { payments: "secret of the gateway", carrier: "secret of the carrier" };
const body = Buffer.from('{"a":1}');
/** The server's clock. This machine's shows another time, and must not count. */
const SERVER_MS = Date.parse("2031-05-06T07:08:09.500Z");
const now = (offsetMs = 0): Date => new Date(SERVER_MS + offsetMs);
const sign = (secret: string, at = now(), text = body.toString()) => signWebhook(secret, "msg_1", at, text);

function intake(deliver: () => Promise<void> = async () => {}, isolated = false) {
  const delivered: unknown[][] = [];
  const taken = webhookIntake({
    secrets: { payments: [secrets.payments], carrier: [secrets.carrier] },
    deliver: async (...input) => {
      await deliver();
      delivered.push(input.slice(0, 4));
      return "stored";
    },
    now: () => SERVER_MS,
    inbox: emptyInbox,
    unmatched: registersInMemory(),
    log: quietLog,
    orIsolated: async (promise) => {
      const value = await promise;
      return isolated ? undefined : value;
    },
  });
  return { taken, delivered };
}

const report = (type: PaymentReport["type"], more: Partial<PaymentReport["data"]> = {}): PaymentReport => ({
  type,
  data: {
    payment: "pay_1",
    orderId: "ord_1",
    amount: 3998,
    currency: "EUR",
    authorization: null,
    reason: null,
    ...more,
  },
});

t.test("a message counts with the signature of its own sender over exactly its body", async (t) => {
  const { taken } = intake();
  const headers = sign(secrets.payments);
  t.equal(taken.verify("payments", headers, body), "msg_1");
  t.equal(taken.verify("carrier", headers, body), undefined);
  t.equal(taken.verify("payments", headers, Buffer.from('{"a":2}')), undefined);
  t.equal(taken.verify("payments", { ...headers, "webhook-id": "msg_2" }, body), undefined);
  t.equal(
    verifiedId(secrets.payments, sign(secrets.payments, now(), "no json"), Buffer.from("no json"), SERVER_MS),
    "msg_1",
  );
  const rotated = { ...headers, "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` };
  t.equal(taken.verify("payments", rotated, body), "msg_1", "one of several signatures");
});

t.test(
  "a signature counts for five minutes, before its time and after it, by the server's clock",
  async (t) => {
    for (const [offsetS, valid] of [
      [0, true],
      [-295, true],
      [295, true],
      [-310, false],
      [310, false],
    ] as const) {
      const headers = sign(secrets.payments, now(offsetS * 1000));
      t.equal(signedHeaders(headers, SERVER_MS) !== undefined, valid, `${offsetS} s`);
      t.equal(
        verifiedId(secrets.payments, headers, body, SERVER_MS),
        valid ? "msg_1" : undefined,
        `${offsetS} s`,
      );
      t.equal(intake().taken.hasSignature(headers), valid, `${offsetS} s`);
      t.equal(intake().taken.verify("payments", headers, body), valid ? "msg_1" : undefined, `${offsetS} s`);
    }
  },
);

t.test("headers that are missing, repeated or malformed show no signature", async (t) => {
  const headers = sign(secrets.payments);
  for (const wrong of [
    { "webhook-id": undefined },
    { "webhook-id": "a b" },
    { "webhook-id": "x".repeat(129) },
    { "webhook-id": ["msg_1", "msg_2"] },
    { "webhook-timestamp": "1.5" },
    { "webhook-timestamp": undefined },
    { "webhook-signature": "v2,abc" },
    { "webhook-signature": "v1," },
  ])
    t.equal(signedHeaders({ ...headers, ...wrong }, SERVER_MS), undefined, JSON.stringify(wrong));
  t.ok(signedHeaders({ ...headers, "webhook-id": "x".repeat(128) }, SERVER_MS));
});

t.test(
  "a report is put into the inbox of its order, for its machine, under its sender's name and its id",
  async (t) => {
    const { taken, delivered } = intake();
    await taken.payment("msg_1", report("payment.paid", { authorization: "auth_1" }), body);
    await taken.payment(
      "msg_2",
      report("payment.declined", { orderId: "ord_2", reason: "card_declined" }),
      body,
    );
    await taken.delivery(
      "msg_3",
      {
        type: "shipment.delivered",
        data: { trackingNumber: "T1", orderId: "ord_3", collected: { amount: 5, currency: "EUR" } },
      },
      body,
    );
    t.same(delivered, [
      [
        "ord_1",
        "payment",
        {
          type: "gateway.paid",
          payment: "pay_1",
          authorization: "auth_1",
          amount: { amount: 3998, currency: "EUR" },
        },
        "payments/msg_1",
      ],
      [
        "ord_2",
        "payment",
        { type: "gateway.declined", payment: "pay_1", reason: "card_declined" },
        "payments/msg_2",
      ],
      [
        "ord_3",
        "fulfillment",
        { type: "carrier.delivered", trackingNumber: "T1", collected: { amount: 5, currency: "EUR" } },
        "carrier/msg_3",
      ],
    ]);
  },
);

t.test("a payment without an authorization does not count as paid", async (t) => {
  const { taken, delivered } = intake();
  await taken.payment("msg_1", report("payment.paid"), body);
  await taken.payment("msg_2", report("payment.declined", { authorization: "auth_1" }), body);
  t.same(
    delivered.map(([, , event]) => (event as { type: string }).type),
    ["gateway.declined", "gateway.declined"],
  );
});

t.test("a message is taken only when it is stored, and unavailable when that is not known", async (t) => {
  const stored = Promise.withResolvers<void>();
  const slow = intake(() => stored.promise);
  let result: unknown;
  const taking = slow.taken
    .payment("msg_1", report("payment.declined"), body)
    .then((value) => (result = value));
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(result, undefined, "not stored yet");
  stored.resolve();
  t.same(await taking, { status: "taken" });
  const refused = intake(() => Promise.reject(new Unavailable("no leader")));
  t.match(await refused.taken.payment("msg_1", report("payment.declined"), body), {
    status: "unavailable",
    reason: /no leader/u,
  });
  const isolated = intake(async () => {}, true);
  t.match(await isolated.taken.payment("msg_1", report("payment.declined"), body), { status: "unavailable" });
  const broken = intake(() => Promise.reject(new Error("a fault")));
  await t.rejects(broken.taken.payment("msg_1", report("payment.declined"), body), /a fault/u);
});
