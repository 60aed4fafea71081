/** Many callers for the last pieces of one SKU, and the same idempotency key at three nodes: nothing is sold twice. */
import { subjects } from "../../src/services/subjects.ts";
import t from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { epochsOf } from "../support/audits/fence-audit.ts";
import { checkAllEnd, checkLedger, checkStock } from "../support/audits/order-audit.ts";
import { ledger, orderOf, place, putStock, read, stock } from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { INVENTORY, ownersIn } from "../support/load/partition-share.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const CALLERS = 50;
const PIECES = 10;
const METHODS = ["cash_on_delivery", "credit_card", "debit_card"] as const;

t.setTimeout(200_000 + ROUNDS * 60_000);

let cluster: OrderCluster;
t.before(async () => {
  cluster = await startOrderCluster(t);
});

/** Every order of the file: the gateway's ledger is checked against all of them. */
const all: LoadedOrder[] = [];

/** All callers order one piece at the same time. */
function rush(sku: string, urls: () => readonly string[] = () => cluster.urls, name = sku) {
  return startLoad({
    name,
    count: CALLERS,
    callers: CALLERS,
    orderAt: (index) => orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku, quantity: 1 }] }),
    urls,
  });
}

const outcomes = (orders: readonly LoadedOrder[]) => ({
  confirmed: orders.filter((order) => order.outcome === "confirmed").length,
  out_of_stock: orders.filter((order) => order.outcome === "out_of_stock").length,
});

t.test("B{Reserve Inventory}: 50 callers on three nodes get exactly the last 10 pieces", async (t) => {
  const orders = await rush("LIMITED-1").done;
  all.push(...orders);
  t.strictSame(outcomes(orders), { confirmed: PIECES, out_of_stock: CALLERS - PIECES });
  t.equal((await stock(cluster.urls[0]!, "LIMITED-1")).available, 0);
  await checkAllEnd(t, cluster.urls, orders);
  await checkStock(t, cluster.urls[1]!, new Map([["LIMITED-1", PIECES]]), orders);
});

t.test(
  "exactly 10 callers get the last 10 pieces when the node that owns the stock is killed meanwhile",
  async (t) => {
    t.setTimeout(60_000 + ROUNDS * 60_000);
    const link = await connectNats({ servers: [cluster.nats.url], name: "test", connectTimeoutMs: 10_000 });
    t.teardown(() => link.close());
    const { nodes } = cluster;
    const owner = ownersIn(cluster).get(INVENTORY);
    const victim = nodes.find((node) => node.name === owner)!;
    const survivors = nodes.filter((node) => node !== victim);
    const sku = "LIMITED-2";
    for (let round = 1; round <= ROUNDS; round++) {
      await waitUntil("the victim owns the stock", async () => {
        return (await epochsOf(natsJournal(link, subjects.stream(0)), victim.name)).has(INVENTORY);
      });
      await putStock(cluster.urls[0]!, sku, PIECES);
      const urls = () => (victim.running() ? nodes : survivors).map((node) => node.url);
      const load = rush(sku, urls, `${sku}-${round}`);
      await load.reached(1);
      const killedAt = performance.now();
      await victim.kill();
      const orders = await load.done;
      all.push(...orders);
      t.comment(
        `round ${round}: the owner of the stock killed, all ${orders.length} answered ${Math.round(performance.now() - killedAt)} ms later; ` +
          `${orders.filter((one) => one.attempts > 1).length} took more than one request`,
      );
      t.strictSame(outcomes(orders), { confirmed: PIECES, out_of_stock: CALLERS - PIECES });
      await victim.start();
      await checkAllEnd(t, cluster.urls, orders);
      await checkStock(t, cluster.urls[0]!, new Map([[sku, PIECES]]), orders);
    }
  },
);

t.test("the gateway booked one authorization for each of these orders", async (t) => {
  await checkLedger(t, cluster.gateway.url, all);
});

t.test("the same Idempotency-Key sent to three nodes at once makes one order", async (t) => {
  for (const [round, method] of METHODS.entries()) {
    const headers = { "idempotency-key": `at-once-${round}` };
    const order = orderOf({ method });
    const answers = await Promise.all(cluster.urls.map((url) => place(url, order, headers)));
    t.strictSame(
      answers.map(({ status }) => status),
      [201, 201, 201],
    );
    const ids = new Set(answers.map(({ body }) => body.id));
    t.equal(ids.size, 1, "one order");
    const [id = ""] = ids;
    const authorized = (await ledger(cluster.gateway.url, id)).filter(({ kind }) => kind === "authorize");
    t.equal(
      authorized.length,
      method === "cash_on_delivery" ? 0 : 1,
      "the gateway booked at most one authorization",
    );
    const again = await place(cluster.urls[round]!, order, headers);
    t.match(again, { status: 201, body: { id } }, "a later repetition gets the same order");
  }
});

t.test("a key that comes back with another body is refused on every node", async (t) => {
  const headers = { "idempotency-key": "twice" };
  const { body: first } = await place(cluster.urls[0]!, orderOf(), headers);
  for (const url of cluster.urls) {
    const other = await place(url, orderOf({ lines: [{ sku: "TSHIRT-M", quantity: 2 }] }), headers);
    t.match(other, { status: 422, body: { code: "idempotency_key_reused" } });
    t.match(await read(url, first.id), { status: 200, body: { lines: [{ quantity: 1 }] } });
  }
});
