/**
 * Parcels over HTTP on three nodes: labels and hand-over at the carrier's process, its signed call-backs at the nodes.
 * Each command goes to the next node.
 */
import t, { type Test } from "tap";
import { DEVELOPMENT_SECRET } from "../../config/settings-faults.ts";
import type { OrderView, PaymentMethod } from "../../src/services/orders/contract.ts";
import { type CallBack, callBack, deliverParcel, shipments } from "../support/clients/carrier-client.ts";
import {
  command,
  healthCheck,
  history,
  mails,
  orderOf,
  place,
  putStock,
  read,
} from "../support/clients/order-client.ts";
import { untilOrder } from "../support/clients/order-poll.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { shareOf } from "../support/load/partition-share.ts";
import { waitUntil } from "../support/wait-until.ts";

const SKU = "PARCEL";
const TOTAL = { amount: 2000, currency: "EUR" };
const WAIT = { timeoutMs: 60_000 } as const;

/** Orders that wait for the carrier, at least; one of them is the victim's. */
const LABELS = 12;

let requests = 0;
const nextUrl = ({ nodes }: OrderCluster): string => {
  const running = nodes.filter((node) => node.running());
  return running[requests++ % running.length]!.url;
};

const becomes = (cluster: OrderCluster, id: string, what: string, holds: (view: OrderView) => boolean) =>
  untilOrder(() => nextUrl(cluster), id, what, holds, WAIT);

/** Places and packs an order, which then needs its label. */
async function packed(cluster: OrderCluster, method: PaymentMethod, email = "ada@example.com") {
  const order = orderOf({ method, email, lines: [{ sku: SKU, quantity: 2 }] });
  const { id } = (await place(nextUrl(cluster), order)).body;
  for (const [step, body] of [["pick"], ["quality-check", { passed: true }], ["pack"]] as const) {
    const answer = await command(nextUrl(cluster), id, step, body);
    if (answer.status !== 200) throw new Error(`${step} answers ${JSON.stringify(answer)}`);
  }
  return id;
}

/** Brings an order to where it can be shipped. */
async function ready(cluster: OrderCluster, method: PaymentMethod, email?: string) {
  const id = await packed(cluster, method, email);
  const view = await becomes(cluster, id, "ready to be shipped", ({ nextEvents }) =>
    nextEvents.includes("ship"),
  );
  const trackingNumber = view.fulfillment.trackingNumber ?? "";
  return { id, trackingNumber, data: { trackingNumber, orderId: id, collected: null } satisfies CallBack };
}

async function shipped(t: Test, cluster: OrderCluster, method: PaymentMethod, email?: string) {
  const order = await ready(cluster, method, email);
  t.match(await command(nextUrl(cluster), order.id, "ship"), {
    status: 200,
    body: { status: "shipped" },
  });
  return order;
}

const ended = async (cluster: OrderCluster, id: string) =>
  (await history(nextUrl(cluster), id))
    .flatMap(({ events }) => events)
    .filter((event) => /delivered|collected|completed/u.test(event));

t.test("parcels that a warehouse ships", async (t) => {
  const cluster = await startOrderCluster(t, { fulfillment: "manual", catalogue: false });
  await putStock(cluster.urls[0]!, SKU, 1000);
  const isShipped = async (id: string) => {
    const { body } = await read(nextUrl(cluster), id);
    return body.status === "shipped" && body.version;
  };

  t.test(
    "S1 --> U --> U1: the label is the carrier's, the parcel is handed over, and its word completes the order",
    async (t) => {
      const email = "parcel@example.com";
      const { id, trackingNumber } = await ready(cluster, "credit_card", email);
      t.match(await shipments(cluster.carrier.url, id), [
        { trackingNumber, idempotencyKey: `${id}:label`, status: "labelled", collect: null },
      ]);
      t.match(await command(nextUrl(cluster), id, "ship"), { status: 200, body: { status: "shipped" } });
      t.match(await shipments(cluster.carrier.url, id), [{ trackingNumber, status: "handed_over" }]);
      const effects = (await history(nextUrl(cluster), id)).flatMap((item) => item.effects.opened);
      t.ok(
        effects.indexOf("fulfillment.retrieveInvoice") < effects.indexOf("fulfillment.handOverParcel"),
        "the invoice first",
      );
      const mail = await waitUntil(
        "the mail is there",
        async () =>
          (await mails(cluster.mailbox.url)).find(
            ({ to, subject }) => to === email && subject === "Order shipped",
          ),
        WAIT,
      );
      t.match(mail.text, trackingNumber);

      t.equal(await deliverParcel(cluster.carrier.url, trackingNumber), 200);
      const done = await becomes(cluster, id, "completed", ({ status }) => status === "completed");
      t.match(done, {
        fulfillment: { status: "delivered", trackingNumber },
        payment: { status: "captured" },
      });
      t.strictSame(await ended(cluster, id), ["order.completed"]);
      t.match(await shipments(cluster.carrier.url, id), [{ trackingNumber, status: "delivered" }]);
      t.equal((await shipments(cluster.carrier.url, id)).length, 1, "one label");
    },
  );

  t.test(
    "an order that is paid at the door is completed by a call-back with exactly the total, or by the warehouse",
    async (t) => {
      const paid = await shipped(t, cluster, "cash_on_delivery");
      const left = await shipped(t, cluster, "in_person");
      t.match(await shipments(cluster.carrier.url, paid.id), [{ collect: TOTAL }]);
      await deliverParcel(cluster.carrier.url, paid.trackingNumber);
      const done = await becomes(cluster, paid.id, "completed", ({ status }) => status === "completed");
      t.match(done.payment, { status: "collected" });
      t.strictSame(await ended(cluster, paid.id), ["payment.collected", "order.completed"]);

      await deliverParcel(cluster.carrier.url, left.trackingNumber, null);
      for (const collected of [null, { ...TOTAL, amount: 1999 }, { ...TOTAL, currency: "USD" }])
        t.equal(
          (await callBack(nextUrl(cluster), `msg_${left.id}`, { ...left.data, collected })).status,
          200,
        );
      const disputed = await becomes(
        cluster,
        left.id,
        "disputed",
        ({ fulfillment }) => !!fulfillment.dispute,
      );
      t.match(disputed, {
        status: "shipped",
        fulfillment: { dispute: { collected: null, expected: TOTAL, reason: null } },
      });
      t.match(await command(nextUrl(cluster), left.id, "deliver"), {
        status: 422,
        body: { code: "amount_mismatch" },
      });
      t.match(await command(nextUrl(cluster), left.id, "deliver", { collected: TOTAL }), {
        status: 200,
        body: { status: "completed", payment: { status: "collected" } },
      });
    },
  );

  t.test("forged, early, repeated and misdirected call-backs deliver nothing", async (t) => {
    const order = await ready(cluster, "debit_card");
    const other = await shipped(t, cluster, "debit_card");
    for (const answer of [
      await callBack(nextUrl(cluster), "msg_forged", order.data, DEVELOPMENT_SECRET),
      await fetch(`${nextUrl(cluster)}/v1/webhooks/carrier`, {
        method: "POST",
        body: JSON.stringify({ type: "shipment.delivered", data: order.data }),
      }),
    ])
      t.match([answer.status, await answer.json()], [401, { code: "invalid_signature" }]);
    const harmless: CallBack[] = [
      order.data,
      { ...order.data, trackingNumber: other.trackingNumber },
      { ...other.data, trackingNumber: order.trackingNumber },
      { ...other.data, collected: TOTAL },
      { ...order.data, orderId: `ord_${"0".repeat(26)}` },
    ];
    for (const [index, data] of harmless.entries())
      for (const url of cluster.urls) t.equal((await callBack(url, `msg_early_${index}`, data)).status, 200);
    t.match(await command(nextUrl(cluster), order.id, "ship"), { status: 200, body: { status: "shipped" } });
    t.ok(await isShipped(order.id), "an early call-back counts as no delivery later");
    t.match(await becomes(cluster, other.id, "disputed", ({ fulfillment }) => !!fulfillment.dispute), {
      status: "shipped",
      fulfillment: { dispute: { collected: TOTAL } },
    });
    const words = async (id: string) =>
      (await history(nextUrl(cluster), id)).filter(({ input }) => input === "inbox:carrier.delivered").length;
    t.same([await words(order.id), await words(other.id)], [0, 1], "a record of the collected amount only");

    for (const id of ["msg_late_1", "msg_late_1", "msg_late_2"])
      for (const url of cluster.urls) t.equal((await callBack(url, id, order.data)).status, 200);
    const done = await becomes(cluster, order.id, "completed", ({ status }) => status === "completed");
    t.equal(await deliverParcel(cluster.carrier.url, order.trackingNumber), 200);
    t.equal((await callBack(nextUrl(cluster), "msg_late_3", order.data)).status, 200);
    t.match(await command(nextUrl(cluster), order.id, "deliver"), { status: 409 });
    t.equal((await read(nextUrl(cluster), order.id)).body.version, done.version);
    t.strictSame(await ended(cluster, order.id), ["order.completed"]);
    t.equal(await words(order.id), 1);
  });

  t.test(
    "labels wait for a carrier that is down, also when their owner is killed meanwhile: each order gets one",
    async (t) => {
      const victim = cluster.nodes[2]!;
      const isVictims = await shareOf(cluster, victim);
      await cluster.carrier.kill();
      const ids: string[] = [];
      while (ids.length < LABELS || !ids.some(isVictims)) ids.push(await packed(cluster, "debit_card"));
      const failing = await waitUntil(
        "a breaker is not closed",
        async () => {
          for (const url of cluster.urls) {
            const { status, check } = await healthCheck(url, "providers");
            if (check?.ok === false) return { status, check };
          }
          return undefined;
        },
        WAIT,
      );
      t.match(failing, { status: 200, check: { detail: /carrier (open|half_open), \d+ waiting/u } });
      await victim.kill();
      for (const id of ids)
        await becomes(
          cluster,
          id,
          "waiting for its label",
          ({ status, fulfillment }) => status === "confirmed" && fulfillment.status === "packed",
        );
      await cluster.carrier.start();
      for (const id of ids) {
        const view = await becomes(cluster, id, "ready", ({ status }) => status === "ready");
        t.match(
          await shipments(cluster.carrier.url, id),
          [view.fulfillment.trackingNumber].map((trackingNumber) => ({ trackingNumber })),
        );
        t.equal((await shipments(cluster.carrier.url, id)).length, 1);
      }
      await victim.start();
    },
  );
});

t.test(
  "a carrier that reports the delivery before the hand-over has ended completes the order",
  async (t) => {
    const cluster = await startOrderCluster(t, {
      nodes: 1,
      fulfillment: "manual",
      catalogue: false,
      carrierEnv: { ORDERLY_CARRIER_DELIVER_AFTER_MS: "0" },
    });
    await putStock(cluster.urls[0]!, SKU, 1000);
    for (const method of ["cash_on_delivery", "credit_card"] as const) {
      for (let count = 0; count < 5; count++) {
        const { id } = await ready(cluster, method);
        t.equal((await command(nextUrl(cluster), id, "ship")).status, 200);
        await becomes(cluster, id, "completed", ({ status }) => status === "completed");
        t.strictSame(await ended(cluster, id), [
          ...(method === "cash_on_delivery" ? ["payment.collected"] : []),
          "order.completed",
        ]);
      }
    }
  },
);
