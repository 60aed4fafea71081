import { join } from "node:path";
import t, { type Test } from "tap";
import { createGatewayApp } from "../../../nodes/gateway/app.ts";
import { Ledger } from "../../../nodes/gateway/ledger.ts";

type Answer = {
  status: number;
  body: { status?: string; id?: string; reason?: string; error?: string; expiresAt?: string };
};

async function startGateway(t: Test, { home = t.testdir(), slowMs = 1, now = Date.now } = {}) {
  const ledger = new Ledger(join(home, "ledger.jsonl"), now);
  const app = createGatewayApp({
    ledger,
    slowMs,
    lifeMs: 604_800_000,
    shortLifeMs: 3000,
    publicUrl: "http://127.0.0.1",
    now,
    decided: () => {},
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  let open = true;
  const stop = async () => {
    if (!open) return;
    open = false;
    await app.close();
    ledger.close();
  };
  t.teardown(stop);
  const post = async (path: string, key: string | null, body: object, signal?: AbortSignal) => {
    const response = await fetch(`${url}/payments/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key !== null && { "idempotency-key": key }) },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
    return { status: response.status, body: await response.json() } as Answer;
  };
  const authorize = (key: string, orderId: string, token: string, method = "credit_card") =>
    post("authorize", key, { orderId, method, token, amount: 1999, currency: "EUR" });
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, body: await response.json() } as Answer;
  };
  const entries = async () =>
    (
      (await get("/ledger")) as unknown as {
        body: { entries: { kind: string; orderId: string; amount: number }[] };
      }
    ).body.entries;
  return { stop, post, authorize, get, entries, home };
}

t.test("authorize, capture and refund are booked once each and survive a restart", async (t) => {
  const first = await startGateway(t);
  const authorized = await first.authorize("o1:payment.authorizePayment:100", "o1", "tok_ok");
  t.match(authorized, { status: 200, body: { status: "authorized", id: String } });
  t.same(await first.authorize("o1:payment.authorizePayment:100", "o1", "tok_ok"), authorized);
  const settle = { orderId: "o1", authorization: authorized.body.id, amount: 1999, currency: "EUR" };
  t.same(await first.post("capture", "c1", settle), { status: 200, body: { status: "captured" } });
  await first.stop();

  const second = await startGateway(t, { home: first.home });
  t.same(await second.post("capture", "c1", settle), { status: 200, body: { status: "captured" } });
  t.same(await second.post("capture", "c2", settle), { status: 409, body: { error: "already_captured" } });
  t.same(await second.post("refund", "r1", settle), { status: 200, body: { status: "refunded" } });
  t.same(await second.get(`/operations/${encodeURIComponent("o1:payment.authorizePayment:100")}`), {
    status: 200,
    body: authorized.body,
  });
  t.same(await second.get("/operations/never-used"), { status: 404, body: { error: "unknown_key" } });
  t.same(
    (await second.entries()).map((entry) => [entry.kind, entry.orderId, entry.amount]),
    [
      ["authorize", "o1", 1999],
      ["capture", "o1", 1999],
      ["refund", "o1", 1999],
    ],
  );
  t.match(await second.get("/ledger?orderId=o2"), { body: { entries: [] } });
});

t.test("a call without a key, or with the key of another request, is refused", async (t) => {
  const gateway = await startGateway(t);
  const body = { orderId: "o", method: "credit_card", token: "tok_ok", amount: 1, currency: "EUR" };
  t.match(await gateway.post("authorize", null, body), { status: 400, body: { error: "invalid_request" } });
  t.match(await gateway.post("authorize", "k", { ...body, amount: 1.5 }), { status: 400 });
  t.match(await gateway.post("authorize", "k", { ...body, amount: "1" }), { status: 400 });
  t.match(await gateway.post("authorize", "k", { ...body, currency: "ZZZ" }), { status: 400 });
  t.match(await gateway.post("authorize", "k", body), { status: 200 });
  const reused = { status: 422, body: { error: "idempotency_key_reused" } };
  t.same(await gateway.post("authorize", "k", { ...body, amount: 2 }), reused);
  t.same(await gateway.post("void", "k", { orderId: "o", authorization: null }), reused);
  t.equal((await gateway.entries()).length, 1);
});

t.test("tok_declined and unknown tokens decline, and a repetition has the same answer", async (t) => {
  const gateway = await startGateway(t);
  const declined = { status: 402, body: { status: "declined", reason: "card_declined" } };
  t.same(await gateway.authorize("k1", "o1", "tok_declined"), declined);
  t.same(await gateway.authorize("k1", "o1", "tok_declined"), declined);
  t.same(await gateway.authorize("k2", "o1", "tok_whatever"), {
    status: 402,
    body: { status: "declined", reason: "unknown_token" },
  });
  t.same(await gateway.get("/operations/k1"), { status: 200, body: declined.body });
  t.same(await gateway.entries(), []);
});

t.test("tok_timeout never answers and never books; a void then keeps the order closed", async (t) => {
  const gateway = await startGateway(t);
  const body = { orderId: "o", method: "credit_card", token: "tok_timeout", amount: 1, currency: "EUR" };
  await t.rejects(gateway.post("authorize", "k", body, AbortSignal.timeout(100)), { name: "TimeoutError" });
  t.equal((await gateway.get("/operations/k")).status, 404);
  const nothing = { status: 200, body: { status: "nothing_to_void" } };
  t.same(await gateway.post("void", "v", { orderId: "o", authorization: null }), nothing);
  t.same(await gateway.authorize("k2", "o", "tok_ok"), {
    status: 402,
    body: { status: "declined", reason: "order_voided" },
  });
  t.same(await gateway.entries(), []);
});

t.test("tok_slow books after its pause, or not at all when the order was voided meanwhile", async (t) => {
  const gateway = await startGateway(t, { slowMs: 150 });
  const late = gateway.authorize("k1", "voided", "tok_slow");
  const fine = gateway.authorize("k2", "kept", "tok_slow");
  t.equal((await gateway.get("/operations/k1")).status, 404, "not booked yet");
  await gateway.post("void", "v", { orderId: "voided", authorization: null });
  t.match(await late, { status: 402, body: { reason: "order_voided" } });
  t.match(await fine, { status: 200 });
  t.same(
    (await gateway.entries()).map((entry) => entry.orderId),
    ["kept"],
  );
});

t.test("tok_error_then_ok fails twice per key, then authorizes once", async (t) => {
  const gateway = await startGateway(t);
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await gateway.authorize("k", "o", "tok_error_then_ok")).status);
  t.same(statuses, [500, 500, 200, 200]);
  t.equal((await gateway.entries()).length, 1);
});

t.test(
  "tok_lost_answer books and drops the connection; status query and repetition find the result",
  async (t) => {
    const gateway = await startGateway(t);
    await t.rejects(gateway.authorize("k", "o", "tok_lost_answer"));
    const found = await gateway.get("/operations/k");
    t.match(found, { status: 200, body: { status: "authorized", id: String } });
    t.same(await gateway.authorize("k", "o", "tok_lost_answer"), found);
    t.equal((await gateway.entries()).length, 1);
  },
);

t.test("tok_capture_refused_twice authorizes, and its third capture succeeds", async (t) => {
  const gateway = await startGateway(t);
  const { body } = await gateway.authorize("k", "o", "tok_capture_refused_twice");
  const capture = (key: string) => gateway.post("capture", key, { orderId: "o", authorization: body.id });
  t.same(await capture("c1"), { status: 409, body: { error: "capture_refused" } });
  t.match(await capture("c2"), { status: 409 });
  t.same(await capture("c3"), { status: 200, body: { status: "captured" } });
});

t.test("an authorization states when it lapses, and is refused from then on", async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const gateway = await startGateway(t, { now: () => now });
  const { body } = await gateway.authorize("k1", "o", "tok_lapses_soon");
  t.match(body, { status: "authorized", expiresAt: "2026-01-01T00:00:03.000Z" });
  t.match((await gateway.authorize("k2", "p", "tok_ok")).body, { expiresAt: "2026-01-08T00:00:00.000Z" });
  t.equal((await gateway.authorize("k3", "d", "tok_ok", "debit_card")).body.expiresAt, undefined);
  const reference = { orderId: "o", authorization: body.id };
  now += 3000;
  for (const kind of ["capture", "void"])
    t.match(await gateway.post(kind, `k-${kind}`, reference), {
      status: 409,
      body: { error: "authorization_expired" },
    });
  t.same((await gateway.get("/operations/k1")).body, body, "what was answered stays");
  t.match(
    (await gateway.entries()).map(({ kind }) => kind),
    ["authorize", "authorize", "authorize", "lapse"],
  );
});

t.test("many callers with the same key at once are booked once", async (t) => {
  const gateway = await startGateway(t, { slowMs: 20 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => gateway.authorize("k", "o", "tok_slow", "debit_card")),
  );
  t.equal(new Set(answers.map((answer) => answer.body.id)).size, 1);
  t.equal((await gateway.entries()).length, 1);
});

t.test("closing does not wait for callers that are never answered", async (t) => {
  const gateway = await startGateway(t, { slowMs: 60_000 });
  const waiting = [gateway.authorize("k", "o", "tok_timeout"), gateway.authorize("k2", "o", "tok_slow")];
  const ended = Promise.allSettled(waiting);
  await gateway.get("/ledger");
  await gateway.stop();
  t.match(
    (await ended).map((one) => one.status),
    ["rejected", "rejected"],
  );
});
