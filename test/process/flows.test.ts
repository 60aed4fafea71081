/**
 * Orders from the customer to the door, over HTTP, on three nodes. Each test is named after the arrows of the
 * flowcharts that it walks: Order Creation up to `H`, then Fulfillment and Order Deliver.
 */
import t, { type Test } from "tap";
import type { PaymentMethod } from "../../src/services/orders/contract.ts";
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
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { OrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const PRICE = 1000;
const ON_HAND = 100;

let cluster: OrderCluster;
t.before(async () => {
  cluster = await startOrderCluster(t);
});

let tests = 0;
/** Every test has a SKU, a customer and a node of its own, and reads from another node. */
async function stage() {
  const number = tests++;
  const sku = `FLOW-${number}`;
  const url = cluster.urls[number % cluster.urls.length]!;
  await putStock(url, sku, ON_HAND);
  return {
    sku,
    url,
    elsewhere: cluster.urls[(number + 1) % cluster.urls.length]!,
    email: `customer-${number}@example.com`,
    lines: [{ sku, quantity: 2 }],
  };
}

const booked = async (id: string) =>
  (await ledger(cluster.gateway.url, id)).map(({ kind, amount, currency }) => ({ kind, amount, currency }));
const total = { amount: 2 * PRICE, currency: "EUR" };

type Journey = {
  readonly method: PaymentMethod;
  readonly creation: string;
  readonly rest: string;
  readonly paidAtLast: string;
  readonly ledger: readonly ("authorize" | "capture")[];
};

/** Order Payment, of a card that is authorised. */
const authorized = 'A1 --> E -->|"Authorized"| E1 --> E4; E1 --> E2; E1 --> H --> G --> H3';

const journeys: readonly Journey[] = [
  {
    method: "cash_on_delivery",
    creation: 'B2 --> D2 -->|"Cash on Delivery"| D1 --> D3',
    rest: 'K --> L -->|"Cash"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Cash on Delivery"| Q --> W --> N',
    paidAtLast: "collected",
    ledger: [],
  },
  {
    method: "in_person",
    creation: 'B2 --> D2 -->|"In Person"| D1 --> D3',
    rest: 'K --> L -->|"In Person"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"In Person"| Q --> W --> N',
    paidAtLast: "collected",
    ledger: [],
  },
  {
    method: "credit_card",
    creation: `D2 -->|"Credit"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Credit Card"| V --> M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Credit"| W --> N',
    paidAtLast: "captured",
    ledger: ["authorize", "capture"],
  },
  {
    method: "tokenized",
    creation: `D2 -->|"Tokenized"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Tokenized"| V --> M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Tokenized"| W --> N',
    paidAtLast: "captured",
    ledger: ["authorize", "capture"],
  },
  {
    method: "debit_card",
    creation: `D2 -->|"Debit"| D5 -->|"Authorized"| D1 --> D3; ${authorized}`,
    rest: 'K --> L -->|"Debit"| M --> J --> S --> S1 --> U --> P --> O; P --> N; U --> U1 -->|"Debit"| W --> N',
    paidAtLast: "authorized",
    ledger: ["authorize"],
  },
];

/** The public events of a journey, as the flowcharts have them. */
function eventsOf({ ledger, paidAtLast }: Journey): string[] {
  return [
    "order.created",
    ...(ledger.includes("authorize") ? ["payment.authorized"] : []),
    "order.confirmed",
    "fulfillment.stored",
    "fulfillment.picked",
    "fulfillment.quality_checked",
    "fulfillment.packed",
    ...(ledger.includes("capture") ? ["payment.captured"] : []),
    "order.ready",
    "invoice.created",
    "order.shipped",
    "fulfillment.delivered",
    ...(paidAtLast === "collected" ? ["payment.collected"] : []),
    "order.completed",
  ];
}

for (const journey of journeys) {
  const { method } = journey;
  t.test(
    `A --> A1 --> B --> B2 --> H1 --> I1; ${journey.creation}; D1 --> H --> I; H --> ${journey.rest}`,
    async (t) => {
      const { sku, url, elsewhere, email, lines } = await stage();
      const placed = await place(url, orderOf({ method, email, lines }));
      const { id } = placed.body;
      t.match(placed, { status: 201, body: { status: "confirmed", lines, total, payment: { method } } });
      t.equal(placed.headers.get("location"), `/v1/orders/${id}`);
      t.equal(placed.headers.get("etag"), `"${placed.body.version}"`);

      const done = await completed(elsewhere, id);
      t.match(done, { total, payment: { method, status: journey.paidAtLast, url: null }, nextEvents: [] });
      t.equal(done.fulfillment.status, "delivered");
      t.match(done.fulfillment.trackingNumber, /^\w+$/u);
      t.strictSame(
        await booked(id),
        journey.ledger.map((kind) => ({ kind, ...total })),
        "the gateway's ledger",
      );
      t.match(await stock(url, sku), { onHand: ON_HAND - 2, reserved: 0, available: ON_HAND - 2 });
      await checkHistory(t, elsewhere, id, eventsOf(journey));
      await checkMails(t, cluster.mailbox.url, email, [
        "Order created and awaiting payment",
        "Order confirmed",
        "Order shipped",
      ]);
      await checkPdf(t, url, done);
    },
  );
}

for (const [token, what] of [
  ["tok_slow", "after two seconds"],
  ["tok_error_then_ok", "after two errors"],
  ["tok_lost_answer", "and its answer is lost"],
] as const)
  t.test(`D5 -->|"Authorized"| D1 ${what} (${token}): authorised once, captured once`, async (t) => {
    const { url, elsewhere, email, lines } = await stage();
    const from = performance.now();
    const placed = await place(url, orderOf({ token, email, lines }));
    t.match(placed, { status: 201, body: { status: "confirmed" } });
    if (token === "tok_slow") t.ok(performance.now() - from >= 2000);
    await completed(elsewhere, placed.body.id);
    t.strictSame(await booked(placed.body.id), [
      { kind: "authorize", ...total },
      { kind: "capture", ...total },
    ]);
  });

for (const { token, code, arrow } of [
  { token: "tok_declined", code: "payment_failed", arrow: 'E -->|"Failed"| G1; D5 -->|"Not authorized"| D6' },
  {
    token: "tok_timeout",
    code: "payment_expired",
    arrow: 'E -->|"External timeout"| E3; D5 -->|"Expired"| D7',
  },
] as const)
  t.test(`${arrow}: 402, nothing booked, the stock is back`, async (t) => {
    const { sku, url, elsewhere, email, lines } = await stage();
    const from = performance.now();
    const refused = await place(url, orderOf({ token, email, lines }));
    t.match(refused, { status: 402, body: { code } });
    t.ok(performance.now() - from < 10_000, "within the default wait");
    const id = refused.body.orderId ?? "";
    await waitUntil("the stock is back", async () => (await stock(url, sku)).available === ON_HAND);
    t.match(await stock(url, sku), { onHand: ON_HAND, reserved: 0 });
    const view = await waitUntil("the payment is at its end", async () => {
      const { body } = await read(elsewhere, id);
      return body.payment.status === code.slice("payment_".length) && body;
    });
    t.match(view, { status: code, total, nextEvents: [], fulfillment: { status: "none" }, invoice: null });
    t.strictSame(await booked(id), []);
    const events = (await history(elsewhere, id)).flatMap((item) => item.events);
    t.strictSame(events, ["order.created", code.replace("_", ".")]);
    await checkMails(t, cluster.mailbox.url, email, ["Order created and awaiting payment"]);
  });

t.test('B -->|"Out of Stock"| C: 409 names every missing line, and nothing is reserved', async (t) => {
  const { sku, url, elsewhere, email } = await stage();
  await putStock(url, "SCARCE", 3);
  const lines = [
    { sku, quantity: 1 },
    { sku: "SCARCE", quantity: 4 },
    { sku: "LIMITED-1", quantity: 11 },
  ];
  const refused = await place(url, orderOf({ email, lines }));
  t.match(refused, { status: 409, body: { code: "out_of_stock" } });
  t.strictSame(refused.body.missing, [
    { sku: "SCARCE", requested: 4, available: 3 },
    { sku: "LIMITED-1", requested: 11, available: 10 },
  ]);
  const id = refused.body.orderId ?? "";
  t.match(await read(elsewhere, id), { status: 200, body: { status: "rejected", reason: "out_of_stock" } });
  for (const [one, onHand] of [
    [sku, ON_HAND],
    ["SCARCE", 3],
    ["LIMITED-1", 10],
  ] as const)
    t.match(await stock(elsewhere, one), { onHand, reserved: 0, available: onHand });
  t.strictSame(await booked(id), []);
  const events = (await history(elsewhere, id)).flatMap((item) => item.events);
  t.strictSame(events, ["order.rejected"]);
  await checkMails(t, cluster.mailbox.url, email, []);
});

t.test("V fails twice: the order is held, tried again, and goes on V --> M", async (t) => {
  const { url, elsewhere, email, lines } = await stage();
  const placed = await place(url, orderOf({ token: "tok_capture_refused_twice", email, lines }));
  t.equal(placed.status, 201);
  const { id } = placed.body;
  await waitUntil("the capture has failed", async () => {
    const { body } = await read(elsewhere, id);
    return body.payment.status === "capture_failed" && body.status === "confirmed";
  });
  t.match(await command(elsewhere, id, "retry"), { status: 200 }, "an operator does not wait");
  await completed(elsewhere, id);
  const nothingFailed = { status: 409, body: { code: "illegal_transition", allowedEvents: [] } };
  t.match(await command(url, id, "retry"), nothingFailed);
  const events = (await history(elsewhere, id)).flatMap((item) => item.events);
  t.equal(events.filter((event) => event === "payment.capture_failed").length, 2);
  t.strictSame(
    (await booked(id)).map(({ kind }) => kind),
    ["authorize", "capture"],
  );
});

t.test("O, I and I1 send every mail once, also in the end", async (t) => {
  const seen = (await mails(cluster.mailbox.url)).map(({ to, subject }) => `${subject} to ${to}`);
  t.strictSame(seen.toSorted(), [...new Set(seen)].toSorted());
});

async function completed(url: string, id: string) {
  return waitUntil(
    `${id} is completed`,
    async () => {
      const { body } = await read(url, id);
      if (body.status !== "completed") throw new Error(`it is ${body.status}, ${JSON.stringify(body)}`);
      return body;
    },
    { timeoutMs: 30_000, intervalMs: 50 },
  );
}

/** One record per commit, none missing, and in them these events and no others. */
async function checkHistory(t: Test, url: string, id: string, events: readonly string[]): Promise<void> {
  const items = await history(url, id);
  t.strictSame(
    items.map(({ version }) => version),
    items.map((_, index) => index + 1),
    "versions are 1, 2, 3 ...",
  );
  const sequences = items.map(({ sequence }) => sequence);
  t.strictSame(
    sequences,
    sequences.toSorted((a, b) => a - b),
  );
  t.ok(
    items.every(
      ({ node, epoch, at }) => /^node-\d$/u.test(node) && epoch > 0 && !Number.isNaN(Date.parse(at)),
    ),
  );
  t.strictSame(
    items.flatMap((item) => item.events),
    events,
  );
}
