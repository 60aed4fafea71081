/** `reconcile` against a real cluster: equal after orders of all kinds and a killed node; a forged booking is named. */
import { execFile } from "node:child_process";
import t from "tap";
import { orderly } from "../support/cluster/local-cluster.ts";
import { command, orderOf, place, read } from "../support/clients/order-client.ts";
import { untilPaid } from "../support/clients/order-poll.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const TOKENS = [
  "tok_ok",
  "tok_declined",
  "tok_error_then_ok",
  "tok_lost_answer",
  "tok_capture_refused_twice",
];
const METHODS = ["credit_card", "debit_card", "tokenized"] as const;

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const reconcile = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [orderly, "reconcile", ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** An order of a customer who pays, declines, or leaves and cancels; a customer who cancelled may still pay. */
async function onPage(url: string, choice: string): Promise<string> {
  const { body } = await place(url, orderOf({ method: "async" }));
  const choose = (action: string) =>
    fetch(body.payment.url ?? "", { method: "POST", body: new URLSearchParams({ action }) });
  if (choice === "pay" || choice === "decline") await choose(choice);
  else {
    await command(url, body.id, "cancel", { reason: "changed my mind" });
    await untilPaid(url, body.id, "cancelled", "voided");
    if (choice === "pay_late") await choose(choice);
  }
  return body.id;
}

t.test("reconcile finds both sides equal after faults, and names a booking that no order made", async (t) => {
  const cluster = await startOrderCluster(t, { stepDelayMs: 200 });
  const env = { NATS_URL: cluster.nats.url, ORDERLY_GATEWAY_URL: cluster.gateway.url };
  const url = cluster.urls[0]!;
  const placing = METHODS.flatMap((method) =>
    TOKENS.map(async (token, index) => {
      // Repeated under its key: a node is killed meanwhile.
      const id = await waitUntil(`${method} with ${token} is placed`, async () => {
        const { status, body } = await place(url, orderOf({ method, token }), {
          "idempotency-key": `${method}-${token}`,
        });
        if (status === 503) throw new Error("no owner");
        return body.id ?? body.orderId;
      });
      if (index % 3 === 0) await command(url, id, "cancel", { reason: "changed my mind" });
      return id;
    }),
  );
  const cash = await place(url, orderOf({ method: "cash_on_delivery" }));
  const pages = await Promise.all(
    ["pay", "decline", "pay_late", "leave"].map((choice) => onPage(url, choice)),
  );
  const last = cluster.nodes.at(-1)!;
  await last.kill();
  const ids = [...(await Promise.all(placing)), cash.body.id, ...pages];
  await last.start();
  await waitUntil(
    "all orders have ended",
    async () => {
      const views = await Promise.all(ids.map((id) => read(url, id)));
      return views.every(
        ({ body }) =>
          ["completed", "payment_failed"].includes(body.status) ||
          (body.status === "cancelled" && ["voided", "refunded", "failed"].includes(body.payment.status)),
      );
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  );

  const equal = await reconcile(env);
  t.equal(equal.code, 0, equal.stdout + equal.stderr);
  t.match(
    equal.stdout,
    new RegExp(`^${ids.length} orders, \\d+ bookings, 0 under way: no differences`, "mu"),
  );

  const forge = (orderId: string, key: string) =>
    fetch(`${cluster.gateway.url}/payments/authorize`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ orderId, method: "credit_card", token: "tok_ok", amount: 500, currency: "EUR" }),
    });
  const completed = (await Promise.all(ids.map((id) => read(url, id)))).find(
    ({ body }) => body.status === "completed",
  )!.body.id;
  await forge(completed, "forged-1");
  await forge(`ord_${"0".repeat(26)}`, "forged-2");
  const different = await reconcile(env, "--json");
  t.equal(different.code, 1, different.stderr);
  const { differences } = JSON.parse(different.stdout) as {
    differences: { orderId: string; problem: string }[];
  };
  t.strictSame(
    differences.map(({ problem }) => problem).toSorted(),
    ["the sides differ", "unknown order"],
    different.stdout,
  );
  t.ok(differences.some(({ orderId }) => orderId === completed));

  const unreachable = await reconcile({ ...env, ORDERLY_GATEWAY_URL: "http://127.0.0.1:1" });
  t.equal(unreachable.code, 2);
  t.match(unreachable.stderr, /orderly reconcile: /u);
});
