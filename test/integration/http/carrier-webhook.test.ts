/** The carrier's call-back over HTTP: which sender is accepted, what is stored, and what is answered. */
import t, { type Test } from "tap";
import { Unavailable } from "../../../src/runtime/ports.ts";
import { webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { signWebhook } from "../../../src/services/webhooks/signature.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { emptyInbox, registersInMemory, startApp } from "../../support/http-services.ts";

const secrets = {
  payments: `whsec_${Buffer.from("the gateway of a test signs with this").toString("base64")}`,
  carrier: `whsec_${Buffer.from("the carrier of a test signs with this").toString("base64")}`,
};
const orderId = `ord_${"0".repeat(26)}`;
const delivered = {
  type: "shipment.delivered",
  timestamp: "2026-11-27T12:00:00.000Z",
  data: { trackingNumber: "ORD1", orderId, collected: null },
};

const minutes = (n: number): Date => new Date(Date.now() + n * 60_000);

async function stage(t: Test) {
  const stored: unknown[][] = [];
  const state = { isolation: false, away: false };
  const { app } = await startApp(t, {
    webhooks: webhookIntake({
      secrets: { payments: [secrets.payments], carrier: [secrets.carrier] },
      deliver: async (...input) => {
        if (state.away) throw new Unavailable("no answer");
        stored.push(input.slice(0, 4));
        return "stored";
      },
      now: Date.now,
      inbox: emptyInbox,
      unmatched: registersInMemory(),
      log: quietLog,
      orIsolated: async (promise) => {
        const result = await promise;
        return state.isolation ? undefined : result;
      },
    }),
  });
  const send = async (body: unknown, secret = secrets.carrier, at = new Date(), id = "msg_1") => {
    const payload = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "content-type": "application/json", ...signWebhook(secret, id, at, payload) };
    const answer = await app.inject({ method: "POST", url: "/v1/webhooks/carrier", headers, payload });
    return { status: answer.statusCode, body: answer.json() as { code?: string } };
  };
  return { app, stored, state, send };
}

t.test(
  "a delivery is put into the order's inbox under its sender's name and its id, then answered",
  async (t) => {
    const { send, stored } = await stage(t);
    const collected = { amount: 3998, currency: "EUR" };
    t.equal((await send(delivered)).status, 200);
    t.equal(
      (await send({ ...delivered, data: { ...delivered.data, collected } }, undefined, undefined, "msg_2"))
        .status,
      200,
    );
    const event = { type: "carrier.delivered", trackingNumber: "ORD1" };
    t.strictSame(stored, [
      [orderId, "fulfillment", { ...event, collected: null }, "carrier/msg_1"],
      [orderId, "fulfillment", { ...event, collected }, "carrier/msg_2"],
    ]);
  },
);

t.test(
  "a parcel that does not stay with its receiver is put into the order's inbox by its word",
  async (t) => {
    const { send, stored } = await stage(t);
    const words = ["refused", "unclaimed", "lost", "returned"] as const;
    for (const word of words) {
      const body = { type: `shipment.${word}`, data: { trackingNumber: "ORD1", orderId, weather: "rain" } };
      t.equal((await send(body, undefined, undefined, `msg_${word}`)).status, 200);
    }
    t.strictSame(
      stored,
      words.map((word) => [
        orderId,
        "fulfillment",
        { type: `carrier.${word}`, trackingNumber: "ORD1" },
        `carrier/msg_${word}`,
      ]),
    );
  },
);

t.test(
  "the carrier's own signature is checked before the body, and nothing is recorded without it",
  async (t) => {
    const { app, send, stored } = await stage(t);
    const refused = [
      await send(delivered, secrets.payments),
      await send(delivered, secrets.carrier, minutes(-6)),
      await send(delivered, secrets.carrier, minutes(6)),
      await send("no json", secrets.payments),
    ];
    for (const { status, body } of refused) t.match([status, body], [401, { code: "invalid_signature" }]);
    const unsigned = await app.inject({ method: "POST", url: "/v1/webhooks/carrier", payload: delivered });
    t.equal(unsigned.statusCode, 401);
    const headers = signWebhook(secrets.carrier, "msg_1", new Date(), JSON.stringify(delivered));
    const elsewhere = await app.inject({
      method: "POST",
      url: "/v1/webhooks/payments",
      headers: { "content-type": "application/json", ...headers },
      payload: JSON.stringify(delivered),
    });
    t.equal(elsewhere.statusCode, 401, "a carrier cannot report payments");
    t.strictSame(stored, []);
  },
);

t.test("a signed body that is not a message about a parcel is refused", async (t) => {
  const { send, stored } = await stage(t);
  const { data } = delivered;
  for (const [body, code] of [
    ["no json", "malformed_json"],
    [{ ...delivered, type: "" }, "validation_failed"],
    [{ ...delivered, type: 5 }, "validation_failed"],
    [[], "validation_failed"],
    [{ type: "shipment.lost", data: { ...data, trackingNumber: "" } }, "validation_failed"],
    [{ ...delivered, data: { ...data, trackingNumber: "" } }, "validation_failed"],
    [{ ...delivered, data: { ...data, orderId: "" } }, "validation_failed"],
    [{ ...delivered, data: { ...data, collected: { amount: -1, currency: "EUR" } } }, "validation_failed"],
    [{ ...delivered, data: { trackingNumber: "ORD1", orderId } }, "validation_failed"],
  ] as const)
    t.match(await send(body), { status: 400, body: { code } }, JSON.stringify(body));
  t.strictSame(stored, []);
});

t.test(
  "a message that cannot be stored is not answered with 200, so the carrier sends it again",
  async (t) => {
    const { send, state } = await stage(t);
    state.away = true;
    t.match(await send(delivered), { status: 503 });
    state.away = false;
    state.isolation = true;
    t.match(await send(delivered), { status: 503 });
  },
);
