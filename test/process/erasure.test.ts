/**
 * Orders of all kinds with marked personal data are run to their ends, and the customer is erased: no mark is left in
 * any stream, bucket, document, outbox file or log. What the outside systems have been sent is theirs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import t, { type Test } from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import type { OrderView, PaymentMethod } from "../../src/services/orders/contract.ts";
import { command, eraseCustomer, mails, orderOf, place, read } from "../support/clients/order-client.ts";
import { untilCompleted, untilOrder } from "../support/clients/order-poll.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Each is in one field of every order. */
const MARKS = {
  name: "Zqname Canary",
  email: "zqmail@canary.example",
  line1: "77 Zqstreet",
  line2: "Zqflat 3",
  company: "Zqcompany Ltd",
  billing: "88 Zqbilling",
  phone: "+351 912 777 001",
  token: "tok_ok",
} as const;
const PATTERN = /Zqname|zqmail|Zqstreet|Zqflat|Zqcompany|Zqbilling|912 777 001|tok_ok/u;

const CUSTOMER = "cus_canary";

const marked = (method: PaymentMethod, token?: string) => {
  const order = orderOf({ method, email: MARKS.email, ...(token === undefined ? {} : { token }) });
  const { line1, line2, company, name, phone } = MARKS;
  const shippingAddress = { ...order.shippingAddress, name, line1, line2, phone };
  const billingAddress = { ...order.shippingAddress, line1: MARKS.billing, company };
  return { ...order, customer: { ...order.customer, id: CUSTOMER, name }, shippingAddress, billingAddress };
};

/** Files that hold a mark, the simulators' own left out: they are outside. */
function filesWithMarks(home: string): string[] {
  const outside = ["mailbox", "carrier", "gateway"];
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !outside.some((folder) => path.startsWith(join(home, folder))))
    .filter((path) => PATTERN.test(textOf(path)));
}

/** Empty for a file that its process has removed meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Messages of all streams that hold a mark, by the server itself: files may be compressed. */
async function messagesWithMarks(cluster: OrderCluster): Promise<{ named: number; marked: string[] }> {
  const link = await connectNats({ servers: [cluster.nats.url], name: "canary", connectTimeoutMs: 10_000 });
  try {
    const manager = await jetstreamManager(link.nc);
    const found: string[] = [];
    let named = 0;
    for await (const { config, state } of manager.streams.list())
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(config.name, { seq }).catch(() => null);
        if (message === null) continue;
        const headers = [...(message.header ?? [])]
          .map(([name, values]) => `${name}: ${values.join()}`)
          .join("\n");
        const text = `${message.subject}\n${headers}\n${Buffer.from(message.data).toString("latin1")}`;
        if (text.includes(CUSTOMER)) named++;
        if (PATTERN.test(text)) found.push(`${config.name}#${seq} ${message.subject}`);
      }
    return { named, marked: found };
  } finally {
    await link.close();
  }
}

async function checkNoMarks(t: Test, cluster: OrderCluster): Promise<void> {
  const { marked: found, named } = await messagesWithMarks(cluster);
  t.same(found, [], "no message has a mark");
  t.ok(named > 10, `the customer's id is in ${named} messages: they are read`);
  t.same(filesWithMarks(cluster.home), []);
  for (const node of cluster.nodes) t.notMatch(node.output(), PATTERN, `the log of ${node.name}`);
}

t.test(
  "after an erasure nothing that is stored shows the customer's data, and no other order changes",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2, env: { ORDERLY_LOG_LEVEL: "trace" } });
    const [one = "", two = ""] = cluster.urls;
    const ids: string[] = [];
    for (const method of [
      "credit_card",
      "debit_card",
      "tokenized",
      "cash_on_delivery",
      "in_person",
    ] as const) {
      const placed = await place(one, marked(method));
      t.equal(placed.status, 201, method);
      t.match(placed.body, { customer: { name: MARKS.name, email: MARKS.email } });
      ids.push(placed.body.id);
    }
    const declined = await place(two, marked("credit_card", "tok_declined"));
    t.equal(declined.status, 402);
    if (declined.body.orderId !== undefined) ids.push(declined.body.orderId);
    const paysLater = await place(two, marked("async"));
    t.equal(paysLater.status, 201);
    const other = await place(two, orderOf({ method: "cash_on_delivery" }));

    await t.test(
      "no mark is stored even before, except that documents are sealed with keys of their own",
      async (t) => {
        const done: OrderView[] = [];
        for (const id of ids.slice(0, 5)) done.push(await untilCompleted(two, id, { timeoutMs: 60_000 }));
        t.match(done[0], {
          customer: { name: MARKS.name },
          shippingAddress: { line1: MARKS.line1, phone: MARKS.phone },
        });
        await waitUntil("the mails have left", async () => (await mails(cluster.mailbox.url)).length >= 20);
        t.match(JSON.stringify(await mails(cluster.mailbox.url)), PATTERN, "mails show the data");
        await checkNoMarks(t, cluster);
      },
    );

    await t.test("an open order refuses the erasure and is named", async (t) => {
      const refused = await eraseCustomer(one, CUSTOMER);
      t.match([refused.status, refused.body], [409, { code: "orders_open", orders: [paysLater.body.id] }]);
      t.match((await read(two, ids[0] ?? "")).body, { customer: { name: MARKS.name } });
      await command(one, paysLater.body.id, "cancel", {});
      await untilOrder(one, paysLater.body.id, "cancelled", ({ status }) => status === "cancelled");
      ids.push(paysLater.body.id);
    });

    await t.test("each order of the customer reads erased on each node, and its invoice stays", async (t) => {
      const erased = await waitUntil("the orders have ended", async () => {
        const answer = await eraseCustomer(two, CUSTOMER);
        if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
        return answer;
      });
      t.match(erased.body, { status: "erased", orders: ids.length, reason: "asked by mail" });
      for (const url of cluster.urls)
        for (const id of ids) {
          const { body } = await read(url, id);
          t.match(body, { erased: true, customer: { id: CUSTOMER, name: "erased", email: "erased" } }, id);
          t.notMatch(JSON.stringify(body), PATTERN);
        }
      const pdf = await fetch(`${one}/v1/orders/${ids[0]}/invoice`);
      t.equal(pdf.status, 200);
      t.match(Buffer.from(await pdf.arrayBuffer()).toString("latin1"), /^%PDF-/u);
      t.match((await read(one, other.body.id)).body, { customer: { name: "Ada Byron" } });
      const again = await place(one, marked("cash_on_delivery"));
      t.match(
        [again.status, again.body],
        [201, { customer: { name: MARKS.name } }],
        "the customer may come back",
      );
      t.equal((await eraseCustomer(one, "cus_unknown")).status, 404);
    });
    await checkNoMarks(t, cluster);
  },
);
