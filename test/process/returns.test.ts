/**
 * Parcels that do not stay with their receiver, and amounts that differ at the door, over HTTP: three nodes, a carrier
 * that reports by webhook, a gateway that refunds, a mailbox.
 */
import t, { type Test } from "tap";
import { checkMails } from "../support/audits/order-documents.ts";
import { callBack, deliverParcel, failParcel } from "../support/clients/carrier-client.ts";
import { history, mails, messages, read } from "../support/clients/order-client.ts";
import { openWarehouse, TOTAL } from "../support/clients/warehouse.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const SENT = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];

const cluster = await startOrderCluster(t, { fulfillment: "manual", catalogue: false });
const house = openWarehouse(cluster);
const carrier = cluster.carrier.url;

/** An order in transit. */
async function shipped(t: Test, method: Parameters<typeof house.confirmed>[1]) {
  const placed = await house.confirmed(t, method);
  await house.packed(placed.id);
  const { fulfillment } = await house.shippable(placed.id);
  t.match(await house.ask(placed.id, "ship"), { status: 200, body: { status: "shipped" } });
  return { ...placed, trackingNumber: fulfillment.trackingNumber ?? "" };
}

/** The credit note that the order names. */
async function checkCreditNote(t: Test, id: string): Promise<void> {
  const view = await house.view(id, "credited", ({ invoice }) => invoice?.creditNote !== undefined);
  const note = view.invoice?.creditNote;
  t.match(note, { number: /^CN-\d{4}-\d{6}$/u, url: `/v1/orders/${id}/credit-note` });
  const pdf = await fetch(`${house.nextUrl()}${note?.url}`);
  t.match([pdf.status, pdf.headers.get("content-type")], [200, "application/pdf"]);
  await pdf.body?.cancel();
  t.ok((await house.events(id)).includes("credit_note.created"));
}

t.test(
  'U -->|"Refused"| R --> K --> E --> F; E --> G; E --> O: a refused parcel comes back, and stock, money and invoice are undone once',
  async (t) => {
    for (const [method, booked] of [
      ["cash_on_delivery", []],
      ["credit_card", ["authorize", "capture", "refund"]],
      ["debit_card", ["authorize", "refund"]],
    ] as const)
      await t.test(method, async (t) => {
        const { id, sku, email, trackingNumber } = await shipped(t, method);
        t.equal(await failParcel(carrier, trackingNumber, "refused"), 200);
        t.match(await house.view(id, "coming back", ({ status }) => status === "returning"), {
          fulfillment: { status: "returning", return: { cause: "refused", goods: null } },
          nextEvents: ["deliver", "report-lost", "receive"],
        });
        t.equal(await failParcel(carrier, trackingNumber, "returned"), 200);
        await waitUntil("the carrier's second word is applied", async () =>
          (await history(house.nextUrl(), id)).some(({ input }) => input === "inbox:carrier.returned"),
        );
        t.match(await house.ask(id, "receive", { restock: true }), {
          status: 200,
          body: { status: "returned", reason: "refused", fulfillment: { return: { goods: "restocked" } } },
        });
        await house.stockIsBack(sku);
        const paid = booked.length === 0 ? "none" : "refunded";
        await house.view(id, paid, ({ payment }) => payment.status === paid);
        t.strictSame(await house.booked(id), booked);
        await checkCreditNote(t, id);
        for (const [late, body] of [["receive", { restock: true }], ["report-lost"], ["cancel"]] as const)
          t.match(await house.ask(id, late, body), {
            status: 409,
            body: { code: "illegal_transition", state: "returned" },
          });
        await house.stockIsBack(sku);
        await checkMails(t, cluster.mailbox.url, email, [
          ...SENT,
          "Order not delivered",
          "Order returned",
          ...(paid === "none" ? [] : ["Payment refunded"]),
        ]);
      });
  },
);

t.test(
  'U -->|"Lost"| X --> E: a lost parcel is written off, and its customer gets the money back',
  async (t) => {
    const { id, email, trackingNumber } = await shipped(t, "credit_card");
    t.equal(await failParcel(carrier, trackingNumber, "lost"), 200);
    const view = await house.view(id, "refunded", ({ payment }) => payment.status === "refunded");
    t.match(view, { status: "returned", fulfillment: { return: { cause: "lost", goods: "written_off" } } });
    await checkCreditNote(t, id);
    await checkMails(t, cluster.mailbox.url, email, [...SENT, "Order returned", "Payment refunded"]);
    const about = (await mails(cluster.mailbox.url)).filter(({ to }) => to === email);
    t.match(about.find(({ subject }) => subject === "Order returned")?.text, /has lost the parcel/u);
  },
);

t.test(
  'U -->|"Unclaimed"| R --> X: an operator reports what the carrier does not, and a wrong moment is refused',
  async (t) => {
    const { id } = await house.confirmed(t, "debit_card");
    for (const [name, body] of [
      ["report-refused", {}],
      ["report-unclaimed", {}],
      ["report-lost", {}],
      ["receive", { restock: true }],
      ["settle", { reason: "none" }],
    ] as const)
      t.match(await house.ask(id, name, body), { status: 409, body: { code: "illegal_transition" } }, name);
    const sent = await shipped(t, "debit_card");
    t.match(await house.ask(sent.id, "report-unclaimed"), { status: 200, body: { status: "returning" } });
    t.match(await house.ask(sent.id, "receive", {}), { status: 400, body: { code: "validation_failed" } });
    t.match(await house.ask(sent.id, "receive", { restock: false }), {
      status: 200,
      body: { status: "returned", fulfillment: { return: { cause: "unclaimed", goods: "written_off" } } },
    });
    t.match(await house.ask("ord_unknown", "report-lost"), {
      status: 404,
      body: { code: "order_not_found" },
    });
  },
);

t.test("U1 --> Y --> Q: an amount that differs is shown, counted, and settled by an operator", async (t) => {
  const { id, trackingNumber } = await shipped(t, "cash_on_delivery");
  const collected = { ...TOTAL, amount: TOTAL.amount - 1 };
  t.equal(await deliverParcel(carrier, trackingNumber, collected), 200);
  const view = await house.view(id, "disputed", ({ fulfillment }) => fulfillment.dispute !== undefined);
  t.match(view, {
    status: "shipped",
    fulfillment: { dispute: { collected, expected: TOTAL, reason: null } },
    payment: { status: "none" },
  });
  t.strictSame(view.nextEvents.slice(0, 2), ["deliver", "settle"]);
  const metrics = await Promise.all(cluster.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
  const counted = metrics.filter((text) => /^orderly_events_total.*amount_differs"\} 1$/mu.test(text));
  t.equal(counted.length, 1, "the owner counts it");
  const reason = "one cent is no matter";
  t.match(await house.ask(id, "settle", { reason }), {
    status: 200,
    body: {
      status: "completed",
      payment: { status: "collected" },
      fulfillment: { dispute: { collected, expected: TOTAL, reason } },
    },
  });
});

t.test(
  "R --> U1 --> W: a parcel that comes back is delivered after all, and nothing is given back",
  async (t) => {
    const { id, trackingNumber } = await shipped(t, "debit_card");
    t.equal(await failParcel(carrier, trackingNumber, "unclaimed"), 200);
    await house.view(id, "coming back", ({ status }) => status === "returning");
    t.equal(await deliverParcel(carrier, trackingNumber), 200);
    const done = await house.view(id, "completed", ({ status }) => status === "completed");
    t.equal(done.fulfillment.return, undefined);
    t.strictSame(await house.booked(id), ["authorize"]);
  },
);

t.test("a signed message that changes nothing is shown among the messages of its order", async (t) => {
  const { id, trackingNumber } = await shipped(t, "debit_card");
  t.match(await house.ask(id, "deliver"), { status: 200, body: { status: "completed" } });
  const late = { trackingNumber, orderId: id, collected: null };
  t.equal((await callBack(house.nextUrl(), "msg_late", late)).status, 200);
  t.equal(await failParcel(carrier, trackingNumber, "lost"), 200);
  const found = await waitUntil("both messages are shown", async () => {
    const items = await messages(house.nextUrl(), id);
    return items.filter(({ type }) => type.startsWith("carrier.")).length === 2 && items;
  });
  const of = (type: string) => found.filter((message) => message.type === type);
  t.match(of("carrier.delivered"), [
    { id: /msg_late/u, data: { trackingNumber, collected: null }, version: null },
  ]);
  t.match(of("carrier.lost"), [{ machine: "fulfillment", data: { trackingNumber }, version: null }]);
  t.match(of("invoice.issued"), [{ version: Number }], "one that was applied names its version");
  t.equal((await read(house.nextUrl(), id)).body.status, "completed");
  await waitUntil("they are counted", async () => {
    const texts = await Promise.all(cluster.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    const sums = texts.map((text) =>
      Number(/^orderly_messages_without_effect_total\S* (\d+)$/mu.exec(text)?.[1]),
    );
    return sums.reduce((sum, value) => sum + value, 0) >= 2;
  });
});
