/**
 * Money that is gone, comes too late or is not needed, over HTTP on three nodes without webhooks: an authorization that
 * lapses, a page that is paid after the end of its order, an order that costs nothing; an end that no caller waits for.
 */
import t from "tap";
import {
  command,
  history,
  ledger,
  mails,
  orderOf,
  place,
  putStock,
  read,
  stock,
} from "../support/clients/order-client.ts";
import { untilOrder, untilPaid } from "../support/clients/order-poll.ts";
import { shareOf } from "../support/load/partition-share.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const ON_HAND = 10;
const WAIT = { timeoutMs: 60_000, intervalMs: 100 } as const;
const expired = { status: "expired", reason: "authorization_expired" };

const cluster = await startOrderCluster(t, {
  catalogue: false,
  fulfillment: "manual",
  webhooks: "off",
  paymentPollMs: 200,
});
const [url = "", other = ""] = cluster.urls;
const booked = async (id: string) => (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind);
const becomes = (id: string, status: string, payment: string) => untilPaid(url, id, status, payment, WAIT);

const SKUS = ["LAPSE-1", "LAPSE-2", "LAPSE-3", "LAPSE-4"];

/** Places an order whose authorization lasts three seconds. */
async function authorizedForAMoment(sku: string): Promise<string> {
  const lines = [{ sku, quantity: 1 }];
  const { status, body } = await place(url, orderOf({ token: "tok_lapses_soon", lines }));
  t.equal(status, 201);
  return body.id;
}

t.test("any remaining node notices an authorization that lapses, and the order is held", async (t) => {
  const last = cluster.nodes.at(-1)!;
  const isOwned = await shareOf(cluster, last);
  for (const sku of SKUS) await putStock(url, sku, ON_HAND);
  // The killed node owns one of the orders that were authorized last, so that the others notice it.
  const ids: string[] = [];
  for (let newest: string[] = []; !newest.some(isOwned); ids.push(...newest))
    newest = await Promise.all(SKUS.map(authorizedForAMoment));
  await last.kill();
  for (const id of ids) {
    const view = await becomes(id, "confirmed", "expired");
    t.match(view, { payment: expired, nextEvents: ["cancel", "pick"] });
    t.ok((await history(url, id)).some(({ events }) => events.includes("payment.expired")));
  }
  await last.start();

  const id = ids[0]!;
  for (const step of ["pick", "quality-check", "pack"] as const) {
    const body = step === "quality-check" ? { passed: true } : {};
    t.equal((await command(other, id, step, body)).status, 200, step);
  }
  const held = await untilOrder(url, id, "held", ({ nextEvents }) => nextEvents.includes("retry"), WAIT);
  t.match(held, { status: "confirmed", payment: expired, fulfillment: { status: "packed" } });
  t.match(await command(url, id, "retry"), { status: 200 }, "an operator repeats the call to the gateway");
  await waitUntil(
    "the gateway has refused again",
    async () => {
      const events = (await history(url, id)).flatMap((item) => item.events);
      // From its timer, from the capture at packing, from the operator's retry.
      return events.filter((event) => event === "payment.expired").length === 3;
    },
    WAIT,
  );
  t.strictSame(await booked(id), ["authorize", "lapse"]);

  for (const one of ids) t.match(await command(url, one, "cancel", { reason: "not paid" }), { status: 200 });
  for (const one of ids) {
    await becomes(one, "cancelled", "expired");
    t.strictSame(
      await booked(one),
      ["authorize", "lapse"],
      "the gateway voided nothing and refunded nothing",
    );
  }
  for (const sku of SKUS)
    await waitUntil(`${sku} is free`, async () => (await stock(url, sku)).available === ON_HAND, WAIT);
});

t.test(
  "a poll finds a page that is paid after its order has ended, and the payment is refunded",
  async (t) => {
    await putStock(url, "LATE-1", ON_HAND);
    const email = "late@example.com";
    const lines = [{ sku: "LATE-1", quantity: 1 }];
    const { body } = await place(url, orderOf({ method: "async", lines, email }));
    t.match(await command(url, body.id, "cancel", { reason: "changed my mind" }), { status: 200 });
    await becomes(body.id, "cancelled", "voided");
    const paid = await fetch(body.payment.url ?? "", {
      method: "POST",
      body: new URLSearchParams({ action: "pay_late" }),
    });
    t.equal(paid.status, 200);
    await becomes(body.id, "cancelled", "refunded");
    t.strictSame(await booked(body.id), ["authorize", "capture", "refund"]);
    const mail = await waitUntil(
      "the customer has the mail",
      async () =>
        (await mails(cluster.mailbox.url)).find(
          (one) => one.to.includes(email) && one.subject === "Payment refunded",
        ),
      WAIT,
    );
    t.match(mail.text, /because the order was cancelled/u);
  },
);

t.test("an order that costs nothing is confirmed and completed with every payment method", async (t) => {
  const item = { onHand: ON_HAND, name: "A gift", price: { amount: 0, currency: "EUR" } };
  const put = await fetch(`${url}/v1/inventory/GIFT`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(item),
  });
  t.equal(put.status, 200);
  for (const method of ["credit_card", "debit_card", "tokenized", "async", "in_person"] as const) {
    const lines = [{ sku: "GIFT", quantity: 1 }];
    const { status, body } = await place(url, orderOf({ method, lines }));
    t.equal(status, 201, method);
    t.match(body, { status: "confirmed", total: { amount: 0 }, payment: { url: null } }, method);
    for (const step of ["pick", "quality-check", "pack", "ship", "deliver"] as const) {
      const collected = method === "in_person" ? { collected: { amount: 0, currency: "EUR" } } : {};
      const fields = step === "quality-check" ? { passed: true } : step === "deliver" ? collected : {};
      await waitUntil(
        `${method}: ${step}`,
        async () => (await command(other, body.id, step, fields)).status === 200,
        WAIT,
      );
    }
    t.equal((await read(url, body.id)).body.status, "completed", method);
    t.strictSame(await booked(body.id), []);
  }
});

t.test("an order that is rejected while its caller does not wait has a mail about it", async (t) => {
  await putStock(url, "LATE-STOCK", 1);
  const email = "unattended@example.com";
  const lines = [{ sku: "LATE-STOCK", quantity: 2 }];
  const { status, body } = await place(url, orderOf({ email, lines }), { prefer: "respond-async" });
  const id = status === 202 ? body.id : (body.orderId ?? "");
  await untilOrder(url, id, "rejected", (order) => order.status === "rejected", WAIT);
  const sent = async () => (await mails(cluster.mailbox.url)).filter(({ to }) => to === email);
  await waitUntil("the customer has a mail", async () => (await sent()).length > 0, WAIT);
  t.match(await sent(), [{ subject: "Order not accepted", text: /LATE-STOCK: 2 ordered, 1 available/u }]);
});
