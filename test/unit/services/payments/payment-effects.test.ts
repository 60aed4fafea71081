/** The payment effects under the runtime's own runner, against a gateway that misbehaves over real HTTP. */
import t from "tap";
import { systemClock } from "../../../../src/adapters/local/system-clock.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import type { EffectOutcome } from "../../../../src/runtime/actor/input.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import { paymentEffects } from "../../../../src/services/payments/payment-effects.ts";
import { httpGateway } from "../../../../src/services/payments/gateway.http.ts";
import { type Seen, startGateway } from "./gateway-server.ts";

const amount = { amount: 3998, currency: "EUR" };
const authorization = { orderId: "ord_1", method: "credit_card", token: "tok_ok", amount };
const capture = { orderId: "ord_1", authorization: "auth_1", attempt: 1, amount };

/** Carries one effect out to its end. */
function carryOut(
  url: string,
  src: string,
  input: object,
  options: { readonly generation?: number; readonly timeoutMs?: number; readonly resumed?: boolean } = {},
): Promise<EffectOutcome> {
  const handlers = { ...paymentEffects(httpGateway(url, Date.now), options.timeoutMs) };
  const runner = new EffectRunner({ handlers, clock: systemClock, log: quietLog });
  return new Promise((done) => {
    const key = `ord_1:payment.${src}:${options.generation ?? 2000}`;
    runner.start({ actor: "ord_1", src, key, input, resumed: options.resumed ?? false, done });
  });
}

/** Requested paths, with their keys. */
const asked = (seen: readonly Seen[]): string[] =>
  seen.map(({ path, key }) => (key === undefined ? decodeURIComponent(path) : `${path} ${key}`));

t.test("every call has the key of its order, its kind and its attempt", async (t) => {
  const effects = {
    authorizePayment: "authorize",
    createPaymentPage: "page",
    capturePayment: "capture",
    voidPayment: "void",
    refundPayment: "refund",
  } as const;
  const { url, seen } = await startGateway(t, () => ({ status: 422, body: { error: "refused" } }));
  for (const [src, kind] of Object.entries(effects)) {
    const attempt = src === "authorizePayment" || src === "createPaymentPage" ? {} : { attempt: 3 };
    const input = { orderId: "ord_1", token: "tok_ok", authorization: "auth_1", amount, ...attempt };
    await carryOut(url, src, input);
    t.equal(seen.at(-1)?.key, `ord_1:${kind}:${"attempt" in attempt ? 3 : 1}`, src);
  }
});

t.test("after an error the status is queried before the call is repeated under the same key", async (t) => {
  let errors = 2;
  const { url, seen } = await startGateway(t, ({ method }) => {
    if (method === "GET") return { status: 404, body: { error: "unknown_key" } };
    if (errors-- > 0) return { status: 500, body: { error: "gateway_error" } };
    return { status: 200, body: { status: "authorized", id: "auth_1" } };
  });
  t.strictSame(await carryOut(url, "authorizePayment", authorization), {
    output: { outcome: "authorized", authorization: "auth_1" },
  });
  const post = "/payments/authorize ord_1:authorize:1";
  const get = "/operations/ord_1:authorize:1";
  t.strictSame(asked(seen), [post, get, post, get, post]);
});

t.test("a lost answer is found by the status query, and nothing is charged again", async (t) => {
  let booked = 0;
  const { url, seen } = await startGateway(t, ({ method }) => {
    if (method === "GET") return { status: 200, body: { status: "authorized", id: "auth_1" } };
    booked++;
    return "drop";
  });
  t.strictSame(await carryOut(url, "authorizePayment", authorization), {
    output: { outcome: "authorized", authorization: "auth_1" },
  });
  t.equal(booked, 1);
  t.equal(seen.length, 2);
});

t.test("an authorization that times out and is not found fails permanently as a timeout", async (t) => {
  const { url, seen } = await startGateway(t, ({ method }) =>
    method === "GET" ? { status: 404, body: { error: "unknown_key" } } : "never",
  );
  t.match(await carryOut(url, "authorizePayment", authorization, { timeoutMs: 100 }), {
    error: { code: "timeout", kind: "unknown" },
  });
  t.strictSame(asked(seen), ["/payments/authorize ord_1:authorize:1", "/operations/ord_1:authorize:1"]);
});

t.test("an authorization that timed out but is found counts", async (t) => {
  const { url } = await startGateway(t, ({ method }) =>
    method === "GET" ? { status: 200, body: { status: "authorized", id: "auth_1" } } : "never",
  );
  t.strictSame(await carryOut(url, "authorizePayment", authorization, { timeoutMs: 100 }), {
    output: { outcome: "authorized", authorization: "auth_1" },
  });
});

t.test("the status of an effect that an earlier owner may have started is queried first", async (t) => {
  const { url, seen } = await startGateway(t, () => ({ status: 200, body: { status: "captured" } }));
  t.strictSame(await carryOut(url, "capturePayment", capture, { resumed: true }), {
    output: { outcome: "captured" },
  });
  t.strictSame(asked(seen), ["/operations/ord_1:capture:1"]);
});

t.test("a capture that the machine repeats keeps its key until it was refused", async (t) => {
  const { url, seen } = await startGateway(t, () => ({ status: 200, body: { status: "captured" } }));
  await carryOut(url, "capturePayment", capture, { generation: 3000 });
  await carryOut(url, "capturePayment", capture, { generation: 5000 });
  await carryOut(url, "capturePayment", { ...capture, attempt: 2 }, { generation: 7000 });
  t.strictSame(
    seen.map(({ key }) => key),
    ["ord_1:capture:1", "ord_1:capture:1", "ord_1:capture:2"],
  );
});

t.test("a call to a gateway that stays broken fails after some tries", async (t) => {
  const { url, seen } = await startGateway(t, () => ({ status: 500, body: { error: "gateway_error" } }));
  t.match(await carryOut(url, "voidPayment", { orderId: "ord_1", authorization: null, attempt: 1 }), {
    error: { kind: "unknown", code: "gateway_error" },
  });
  t.ok(seen.length >= 6 && seen.length <= 12, `${seen.length} requests`);
});

t.test("a definite refusal is final at once", async (t) => {
  const { url, seen } = await startGateway(t, () => ({ status: 409, body: { error: "already_captured" } }));
  t.match(await carryOut(url, "voidPayment", { orderId: "ord_1", authorization: null, attempt: 1 }), {
    error: { kind: "refused", code: "already_captured" },
  });
  t.equal(seen.length, 1);
});
