/** Webhooks over HTTP with the real intake: the order of the checks, and when the sender gets 200. */
import t, { type Test } from "tap";
import type { AppDependencies } from "../../../src/http/app.ts";
import type { Actors } from "../../../src/runtime/actors.ts";
import { Unavailable } from "../../../src/runtime/ports.ts";
import { webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { signWebhook } from "../../../src/services/webhooks/signature.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { emptyInbox, registersInMemory, startApp } from "../../support/http-services.ts";
import { waitUntil } from "../../support/wait-until.ts";

const SECRET = "a secret of thirty-two characters, or more";
const paid = {
  type: "payment.paid",
  data: {
    payment: "pay_1",
    orderId: "ord_01k3s5kz0ffrfrykkzk0whh5z8",
    amount: 1999,
    currency: "EUR",
    authorization: "auth_1",
    reason: null,
  },
};
const text = JSON.stringify(paid);
const large = JSON.stringify({ ...paid, more: "x".repeat(70_000) });
const MINUTE_MS = 60_000;

type Deliver = Actors["deliver"];
type Changes = Partial<AppDependencies> & {
  readonly deliver?: Deliver;
  readonly orIsolated?: <T>(promise: Promise<T>) => Promise<T | undefined>;
};

async function stage(t: Test, { deliver, orIsolated = (promise) => promise, ...replaced }: Changes = {}) {
  const delivered: Parameters<Deliver>[] = [];
  const webhooks = webhookIntake({
    secrets: { payments: [SECRET], carrier: [`${SECRET} of another sender`] },
    deliver:
      deliver ??
      (async (...input) => {
        delivered.push(input);
        return "stored";
      }),
    inbox: emptyInbox,
    unmatched: registersInMemory(),
    log: quietLog,
    orIsolated,
    now: Date.now,
  });
  const { app } = await startApp(t, { webhooks, ...replaced });
  const send = async (body: string, headers: Record<string, string>) => {
    const answer = await app.inject({
      method: "POST",
      url: "/v1/webhooks/payments",
      headers: { "content-type": "application/json", ...headers },
      payload: body,
    });
    const { code } = answer.json<{ code?: string }>();
    return { status: answer.statusCode, code, retryAfter: answer.headers["retry-after"] };
  };
  return { app, send, delivered };
}

const signed = (body: string, at = new Date(), secret = SECRET) => ({
  ...signWebhook(secret, "msg_1", at, body),
});
const wrong = (body: string) => signed(body, new Date(), "another secret, as long as it has to be");

/** Headers that are not a valid signature for any body. */
const unsigned: [string, Record<string, string>][] = [
  ["none", {}],
  ["no signature", { ...signed(text), "webhook-signature": "" }],
  ["no signature of a known version", { ...signed(text), "webhook-signature": "v0,x" }],
  ["no id", { ...signed(text), "webhook-id": "" }],
  ["an id that is none", { ...signed(text), "webhook-id": "a b" }],
  ["no time", { ...signed(text), "webhook-timestamp": "" }],
  ["a time that is none", { ...signed(text), "webhook-timestamp": "soon" }],
  ["a stale time", signed(text, new Date(Date.now() - 6 * MINUTE_MS))],
  ["a time to come", signed(text, new Date(Date.now() + 6 * MINUTE_MS))],
];

const isolation: Partial<AppDependencies> = {
  operations: {
    isolation: () => "no server",
    health: () => ({ ready: false, checks: [] }),
    cluster: async () => ({ nodes: [], partitions: [], workers: [] }),
    metrics: () => "",
  },
};

t.test(
  "headers that show no signature are answered 401, whatever the body and the node's state",
  async (t) => {
    const nodes = { "a node": await stage(t), "an isolated node": await stage(t, isolation) };
    for (const [node, { send, delivered }] of Object.entries(nodes)) {
      for (const [name, headers] of unsigned)
        for (const [what, body] of Object.entries({ text, large, none: "", "no JSON": "{" }))
          t.match(
            await send(body, headers),
            { status: 401, code: "invalid_signature" },
            `${node}: ${name}, ${what}`,
          );
      t.same(delivered, []);
    }
  },
);

t.test(
  "a wrong signature is answered 401, also by an isolated node, and a body too large to check 413",
  async (t) => {
    for (const changes of [{}, isolation]) {
      const { send, delivered } = await stage(t, changes);
      for (const body of [text, "", "{"])
        t.match(await send(body, wrong(body)), { status: 401, code: "invalid_signature" });
      t.match(await send(`${text} `, signed(text)), { status: 401 }, "signed for another body");
      t.match(await send(large, signed(large)), { status: 413, code: "body_too_large" });
      t.same(delivered, []);
    }
  },
);

t.test(
  "a sender without a signature gets its 401 over a real connection, however much it sends",
  async (t) => {
    const { app } = await stage(t);
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    for (const bytes of [70_000, 3_000_000]) {
      const answer = await fetch(`${url}/v1/webhooks/payments`, { method: "POST", body: "x".repeat(bytes) });
      t.equal(answer.status, 401, `${bytes} bytes`);
      await answer.body?.cancel();
    }
  },
);

t.test("a signed body is then read: 400 for an invalid one, 503 on an isolated node", async (t) => {
  const { send, delivered } = await stage(t);
  t.match(await send("{", signed("{")), { status: 400, code: "malformed_json" });
  t.match(await send("{}", signed("{}")), { status: 400, code: "validation_failed" });
  t.match(await send(text, signed(text)), { status: 200 });
  t.match(delivered, [[paid.data.orderId, "payment", { type: "gateway.paid" }, "payments/msg_1"]]);
  const away = await stage(t, isolation);
  t.match(await away.send(text, signed(text)), { status: 503, code: "unavailable", retryAfter: "1" });
  t.same(away.delivered, []);
});

t.test("200 is sent after the message is durably stored, and 503 when that is not known", async (t) => {
  const storing = Promise.withResolvers<"stored">();
  let storings = 0;
  let answered = false;
  const slow = await stage(t, {
    deliver: () => {
      storings++;
      return storing.promise;
    },
  });
  const answer = slow.send(text, signed(text)).finally(() => {
    answered = true;
  });
  await waitUntil("the message is being stored", () => storings === 1);
  t.match(await slow.send(text, wrong(text)), { status: 401 }, "a later request has its answer");
  t.equal(answered, false, "not before");
  storing.resolve("stored");
  t.match(await answer, { status: 200 });

  const refusing = await stage(t, {
    deliver: async () => {
      throw new Unavailable("no server");
    },
  });
  t.match(await refusing.send(text, signed(text)), { status: 503, code: "unavailable", retryAfter: "1" });
  const lost = await stage(t, { deliver: () => new Promise(() => {}), orIsolated: async () => undefined });
  t.match(await lost.send(text, signed(text)), { status: 503, code: "unavailable", retryAfter: "1" });
  const broken = await stage(t, {
    deliver: async () => {
      throw new Error("a fault of the program");
    },
  });
  t.match(await broken.send(text, signed(text)), { status: 500, code: "internal_error" });
});
