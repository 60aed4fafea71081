/** An order that waits for its customer on the gateway's page, and the acts of customer, gateway and shop on it. */
import type { Test } from "tap";
import { signWebhook } from "../../../src/services/webhooks/signature.ts";
import { history, ledger, mails, orderOf, place, putStock, stock } from "./order-client.ts";
import { untilPaid } from "./order-poll.ts";
import type { OrderCluster } from "../cluster/order-cluster.ts";
import { ownerOf } from "../load/partition-share.ts";
import { waitUntil } from "../wait-until.ts";

/** Pieces on hand of each order's own SKU. */
export const ON_HAND = 10;
/** The price of two pieces. */
export const TOTAL = { amount: 2000, currency: "EUR" };
/** A busy machine is slow, and the cluster first has to notice a killed node. */
export const WAIT = { timeoutMs: 60_000 } as const;
/** The default of development, which the test clusters use. */
const SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";

let numbers = 0;

export type HostedOrder = Awaited<ReturnType<typeof awaiting>>;

/** Places an order for two pieces of a SKU of its own, each on the next node. */
export async function awaiting(t: Test, cluster: OrderCluster) {
  const number = ++numbers;
  const sku = `PAGE-${number}`;
  const email = `page-${number}@example.com`;
  const first = cluster.urls[number % cluster.urls.length]!;
  await putStock(first, sku, ON_HAND);
  const answer = await place(first, orderOf({ method: "async", lines: [{ sku, quantity: 2 }], email }));
  t.equal(answer.status, 201);
  t.match(answer.body, { status: "awaiting_payment", payment: { method: "async", status: "pending" } });
  const { id } = answer.body;
  const page = answer.body.payment.url ?? "";
  t.match(page, `${cluster.gateway.url}/pay/pay_`);
  /** The address of a running node. */
  const url = () =>
    cluster.nodes.find((node) => node.url === first && node.running())?.url ?? anyUrl(cluster);
  return {
    id,
    page,
    sku,
    email,
    /** The gateway's id of the payment. */
    payment: page.split("/").at(-1) ?? "",
    url,
    choose: (action: "pay" | "pay_late" | "decline") =>
      fetch(page, { method: "POST", body: new URLSearchParams({ action }) }),
    becomes: (status: string, payment: string) => untilPaid(url, id, status, payment, WAIT),
    booked: async () => (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind),
    history: () => history(url(), id),
    /** The history once no call of the order is under way. */
    historyAtRest: () =>
      waitUntil(
        "no call is under way",
        async () => {
          const items = await history(url(), id);
          const count = (which: "opened" | "closed") => items.flatMap(({ effects }) => effects[which]).length;
          return count("opened") === count("closed") && items;
        },
        WAIT,
      ),
    stockIs: (available: number) =>
      waitUntil(
        `${available} are available`,
        async () => {
          const now = await stock(url(), sku);
          return now.available === available && now.reserved === 0;
        },
        WAIT,
      ),
    mailed: (subject: string) =>
      waitUntil(
        `a mail: ${subject}`,
        async () =>
          (await mails(cluster.mailbox.url)).some(
            (mail) => mail.to.includes(email) && mail.subject === subject,
          ),
        WAIT,
      ),
  };
}

function anyUrl(cluster: OrderCluster): string {
  const node = cluster.nodes.find((one) => one.running());
  if (node === undefined) throw new Error("no node runs");
  return node.url;
}

/** How often the payment has entered this state, by the order's history. */
export async function arrivals(order: HostedOrder, state: string): Promise<number> {
  const transitions = (await order.history()).flatMap((item) => item.transitions);
  return transitions.filter(({ machine, to }) => machine === "payment" && to === state).length;
}

/** The gateway's message about a payment on the page. @param authorization the id of the gateway's booking */
export const paidMessage = ({ id, payment }: HostedOrder, authorization: string) => ({
  type: "payment.paid",
  data: { payment, orderId: id, ...TOTAL, authorization, reason: null },
});

/** The gateway's message about a customer who declines. */
export const declinedMessage = ({ id, payment }: HostedOrder) => ({
  type: "payment.declined",
  data: { payment, orderId: id, ...TOTAL, authorization: null, reason: "declined_by_customer" },
});

/** The authorization of a paid page, from the gateway's status query. */
export async function authorizationOf(cluster: OrderCluster, { payment }: HostedOrder): Promise<string> {
  const answer = await fetch(`${cluster.gateway.url}/payments/pages/${payment}`);
  const { authorization } = (await answer.json()) as { authorization: string | null };
  if (authorization === null) throw new Error(`${payment} is not paid`);
  return authorization;
}

/** Posts a message as the gateway would. @param id the message's */
export function postMessage(
  nodeUrl: string,
  id: string,
  body: object,
  { at = new Date(), secret = SECRET }: { readonly at?: Date; readonly secret?: string } = {},
): Promise<Response> {
  const text = JSON.stringify(body);
  return fetch(`${nodeUrl}/v1/webhooks/payments`, {
    method: "POST",
    headers: { "content-type": "application/json", ...signWebhook(secret, id, at, text) },
    body: text,
  });
}

/** The customer pays while the order's owner is dead. @returns the input that brought the payment to the next owner */
export async function paidWhileOwnerIsDead(t: Test, cluster: OrderCluster): Promise<string> {
  const order = await awaiting(t, cluster);
  const owner = await ownerOf(cluster, order.id);
  t.ok(
    (await order.history()).every(({ node }) => node === owner.name),
    `${owner.name} has the order`,
  );
  await owner.kill();
  t.equal((await order.choose("pay")).status, 200);
  await order.becomes("completed", "captured");
  const items = await order.history();
  const paid = items.filter(({ events }) => events.includes("payment.captured"));
  t.equal(paid.length, 1, "once");
  t.not(paid[0]!.node, owner.name, `${owner.name} was dead`);
  t.strictSame(await order.booked(), ["authorize", "capture"]);
  await owner.start();
  return paid[0]!.input;
}
