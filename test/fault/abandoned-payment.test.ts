/**
 * Orders that are cancelled while their authorization is under way, and whose owner is killed before the gateway has
 * answered. No caller waits for the effect any more; the next owner completes it, and its money goes back, once.
 */
import t, { type Test } from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { arranged } from "../support/arranged.ts";
import { gatewayCalls, requestsByKey } from "../support/logs/gateway-log.ts";
import {
  command,
  history,
  ledger,
  mails,
  orderOf,
  place,
  read,
  stock,
} from "../support/clients/order-client.ts";
import { untilOrder } from "../support/clients/order-poll.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { shareOf } from "../support/load/partition-share.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
/** Over three nodes, so that the victim has some of each method. */
const ORDERS = 48;
const SKU = "TSHIRT-S";

/** The booking that gives the money back, and the payment's last status. The gateway books a debit card at once. */
const METHODS = [
  { method: "credit_card", gaveBack: "void", paid: "voided" },
  { method: "debit_card", gaveBack: "refund", paid: "refunded" },
] as const;
/** How an order ends that is not cancelled. */
const ENDED: ReadonlySet<string> = new Set(["completed", "payment_expired"]);
type Method = (typeof METHODS)[number];
type Abandoned = Method & { readonly id: string; readonly email: string };

t.setTimeout(120_000 + ROUNDS * 60_000);

t.test(
  "an authorization that its order no longer needs is voided once, though its owner is killed",
  async (t) => {
    t.setTimeout(100_000 + ROUNDS * 60_000);
    const cluster = await startOrderCluster(t, { gatewayEnv: { ORDERLY_LOG_LEVEL: "debug" } });
    const audit = auditReplies(t, cluster);
    const { onHand } = await stock(cluster.urls[0]!, SKU);
    let sold = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const victim = cluster.nodes[round % cluster.nodes.length]!;
      sold += await abandon(t, cluster, victim, round);
      await victim.start();
    }
    const left = { onHand: onHand - sold, reserved: 0, available: onHand - sold };
    t.match(await stock(cluster.urls[0]!, SKU), left, "the stock of the cancelled orders is available again");
    await audit.check(t);
  },
);

/** Authorizations of the victim that are under way while the gateway is frozen. */
type UnderWay = {
  readonly abandoned: readonly Abandoned[];
  /** The other orders, of this attempt and of those before it. */
  readonly others: readonly Abandoned[];
  readonly thaw: () => void;
};

/** Places orders until authorizations of both methods are under way at the victim, and freezes the gateway. */
async function underWay(
  t: Test,
  cluster: OrderCluster,
  victim: ClusterProcess,
  round: number,
): Promise<UnderWay> {
  const isOwned = await shareOf(cluster, victim);
  const others: Abandoned[] = [];
  return await arranged(t, "authorizations of the victim are under way", async (attempt) => {
    const orders = await Promise.all(
      Array.from({ length: ORDERS }, (_, index) => placed(cluster, `${round}-${attempt}`, index)),
    );
    await waitUntil(
      "the gateway works on every authorization",
      () => {
        const asked = callsOf(cluster);
        return orders.every(({ id }) => asked.has(`${id}:authorize:1`));
      },
      { intervalMs: 5 },
    );
    // The gateway answers none of them while the victim lives, however busy the machine is.
    const thaw = cluster.gateway.freeze();
    let abandoned = orders.filter(({ id }) => isOwned(id));
    // The second time, the victim has applied what the gateway answered before the frost.
    for (let time = 0; time < 2; time++) {
      const open = await Promise.all(abandoned.map(({ id }) => isOpen(victim.url, id)));
      abandoned = abandoned.filter((_, index) => open[index]);
    }
    if (METHODS.every(({ method }) => abandoned.some((order) => order.method === method))) {
      others.push(...orders.filter((order) => !abandoned.includes(order)));
      return { abandoned, others, thaw };
    }
    thaw();
    others.push(...orders);
    return { missed: `${abandoned.length} of ${ORDERS} are` };
  });
}

const isOpen = async (url: string, id: string) => (await read(url, id)).body.status === "authorizing";

const callsOf = (cluster: OrderCluster) => requestsByKey(gatewayCalls(cluster.gateway.output()));

/**
 * Kills the victim between the cancellations of its orders and the gateway's answers.
 * @returns the number of orders that were completed; all others have ended too
 */
async function abandon(
  t: Test,
  cluster: OrderCluster,
  victim: ClusterProcess,
  round: number,
): Promise<number> {
  const { abandoned, others, thaw } = await underWay(t, cluster, victim, round);
  const answers = await Promise.all(
    abandoned.map(({ id }) => command(victim.url, id, "cancel", { reason: "changed my mind" })),
  );
  await victim.kill();
  const [killedAt, killedSince] = [Date.now(), performance.now()];
  thaw();
  t.strictSame(
    answers.map(({ status, body }) => `${status} ${body.status} ${body.payment?.status}`),
    abandoned.map(() => "200 cancelled authorizing"),
    "the order is cancelled, and its payment is open",
  );

  const url = cluster.urls.find((one) => one !== victim.url)!;
  for (const order of abandoned) await ends(t, cluster, url, order);
  const endedAfterMs = Math.round(performance.now() - killedSince);
  for (const order of abandoned) await checkMails(cluster, order);
  let again = 0;
  for (const { id, gaveBack } of abandoned) {
    const keys = [...callsOf(cluster)].filter(([key]) => key.startsWith(id));
    t.strictSame(keys.map(([key]) => key).toSorted(), [`${id}:authorize:1`, `${id}:${gaveBack}:1`]);
    const [authorize = [], back = []] = keys.map(([, requests]) => requests);
    t.equal(back.length, 1, `the gateway was asked for one ${gaveBack}`);
    const [first, ...repeats] = authorize;
    t.ok(
      first && first.at < killedAt && repeats.length <= 1,
      "the gateway got at most one repeated authorization",
    );
    again += repeats.length;
  }
  let completed = 0;
  for (const { id } of others) {
    // The gateway answered nothing for some time: on a busy machine for longer than an authorization waits.
    const { status } = await untilOrder(url, id, "ended", (order) => ENDED.has(order.status));
    if (status === "completed") completed++;
  }
  t.comment(
    `round ${round + 1}: ${abandoned.length} authorizations abandoned; ${again} of them requested again under their keys, ` +
      `before they were booked; all given back ${endedAfterMs} ms after the kill`,
  );
  return completed;
}

/** An order whose authorization takes the gateway two seconds; the node answers at once. */
async function placed({ urls }: OrderCluster, round: string, index: number): Promise<Abandoned> {
  const method = METHODS[index % METHODS.length]!;
  const email = `abandoned-${round}-${index}@example.com`;
  const order = orderOf({
    method: method.method,
    token: "tok_slow",
    email,
    lines: [{ sku: SKU, quantity: 1 }],
  });
  const { status, body } = await place(urls[index % urls.length]!, order, { prefer: "respond-async" });
  if (status !== 202) throw new Error(`order ${index} was answered ${status} ${JSON.stringify(body)}`);
  return { ...method, id: body.id, email };
}

/** The order is cancelled, and its stock and its money are given back, once. */
async function ends(t: Test, cluster: OrderCluster, url: string, order: Abandoned): Promise<void> {
  const { id, method, gaveBack, paid } = order;
  const view = await untilOrder(url, id, `paid back (${method})`, ({ payment }) => payment.status === paid);
  t.match(view, { status: "cancelled", fulfillment: { status: "cancelled" }, nextEvents: [] });
  const entries = (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind);
  t.strictSame(entries, ["authorize", gaveBack], `${method}: the gateway's bookings`);
  const events = (await history(url, id)).flatMap((item) => item.events);
  for (const event of ["order.cancelled", "payment.authorized", `payment.${paid}`])
    t.equal(events.filter((one) => one === event).length, 1, `${method}: one ${event}`);
  t.notOk(events.includes("order.confirmed"));
}

/** The customer has the mails. A killed worker may send a mail again, and one that it held comes later. */
async function checkMails(cluster: OrderCluster, { paid, email }: Abandoned): Promise<void> {
  const subjects = ["Order created and awaiting payment", "Order cancelled"];
  if (paid === "refunded") subjects.push("Payment refunded");
  await waitUntil(`${email} has the mails ${subjects.join(", ")}`, async () => {
    const sent = (await mails(cluster.mailbox.url)).filter(({ to }) => to === email);
    return subjects.every((subject) => sent.some((mail) => mail.subject === subject));
  });
}
