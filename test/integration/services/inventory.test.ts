/** The inventory on a real server: several nodes, lost answers, a deposed owner, a server that is killed. */
import t from "tap";
import type { ReserveOutput } from "../../../src/services/inventory/contract.ts";
import { startNatsCluster, startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { auditLedger, type InventoryNode, losing, startInventoryNode } from "./inventory-node.ts";

const shirt = { name: "Shirt", price: { amount: 1999, currency: "EUR" } };
const order = (orderId: string, quantity = 1, sku = "HOT.SKU") => ({ orderId, lines: [{ sku, quantity }] });
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}_${n}`);

/** All at once, distributed over the nodes; retried as an order's effect would be. */
async function reserveAll(nodes: readonly InventoryNode[], ids: readonly string[]): Promise<ReserveOutput[]> {
  return Promise.all(
    ids.map(async (id, index) => {
      const { client } = nodes[index % nodes.length] as InventoryNode;
      const reply = await client.reserve(order(id), { fresh: true });
      if (reply.status !== "ok") throw new Error(`${id}: ${JSON.stringify(reply)}`);
      return reply.output;
    }),
  );
}

const count = (outputs: readonly ReserveOutput[], outcome: ReserveOutput["outcome"]) =>
  outputs.filter((output) => output.outcome === outcome).length;

t.test("two nodes that sell one hot SKU at once sell exactly what is there", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startInventoryNode(t, url, "one");
  const two = await startInventoryNode(t, url, "two");
  await one.claim();
  t.match(await two.client.put("HOT.SKU", { onHand: 25, ...shirt }), { status: "stored" });
  const ids = names("ord", 400);
  const outputs = await reserveAll([one, two], ids);
  t.equal(count(outputs, "reserved"), 25);
  t.equal(count(outputs, "out_of_stock"), 375);
  const { stock } = await auditLedger(one.journal);
  t.match(stock.get("HOT.SKU"), { onHand: 25, reserved: 25 });
  t.match(await two.client.get("HOT.SKU"), { stock: { available: 0 } });
});

t.test("reservations, releases and shipments add up in the log and for the next owner", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startInventoryNode(t, url, "one");
  const two = await startInventoryNode(t, url, "two");
  await one.claim();
  for (const sku of ["A", "B"]) await one.client.put(sku, { onHand: 1000, ...shirt });
  const ids = names("ord", 120);
  await Promise.all(
    ids.map(async (orderId, n) => {
      const { client } = n % 2 ? one : two;
      const lines = [
        { sku: "A", quantity: 1 + (n % 3) },
        { sku: "B", quantity: 2 },
      ];
      await client.reserve({ orderId, lines });
      if (n % 4 === 0) await client.release({ orderId });
      else if (n % 4 === 1) await client.ship({ orderId });
      if (n % 8 === 0) await client.ship({ orderId });
    }),
  );
  const { stock } = await auditLedger(one.journal);
  t.match(stock.get("B"), { onHand: 940, reserved: 120, shipped: 60, received: 1000 });
  const before = await one.client.list({ limit: 10 });
  await two.claim();
  t.strictSame(await two.client.list({ limit: 10 }), before);
  t.match(await two.client.reserve(order("ord_0", 9, "A")), {
    output: { outcome: "closed", as: "released" },
  });
});

t.test("every second answer is lost, and everything is stored once", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startInventoryNode(
    t,
    url,
    "one",
    losing((attempt) => attempt % 2 === 1),
  );
  const two = await startInventoryNode(t, url, "two");
  await one.claim();
  await one.client.put("HOT.SKU", { onHand: 30, ...shirt });
  const ids = names("ord", 100);
  const outputs = [
    ...(await reserveAll([one, two], ids.slice(0, 50))),
    ...(await reserveAll([two, one], ids.slice(50))),
  ];
  t.equal(count(outputs, "reserved"), 30);
  await Promise.all(ids.slice(0, 10).map((orderId) => two.client.ship({ orderId })));
  await one.client.put("HOT.SKU", { onHand: 40, ...shirt });
  const { stock } = await auditLedger(one.journal);
  t.match(stock.get("HOT.SKU"), { onHand: 40, received: 50, shipped: 10, reserved: 20 });
  t.match(await one.client.get("HOT.SKU"), { stock: { onHand: 40, reserved: 20, available: 20 } });
});

t.test("an owner that has not noticed its deposition sells nothing more", async (t) => {
  const { url } = await startNatsServer(t);
  let gate: Promise<void> = Promise.resolve();
  const one = await startInventoryNode(t, url, "one", (append) => async (messages, timeoutMs) => {
    await gate;
    return append(messages, timeoutMs);
  });
  const two = await startInventoryNode(t, url, "two");
  await one.claim();
  await one.client.put("HOT.SKU", { onHand: 20, ...shirt });
  const [early, late] = [names("early", 300), names("late", 15)];
  const paused = Promise.withResolvers<void>();
  gate = paused.promise;
  const selling = reserveAll([one], early);
  await waitUntil(
    "the first owner has sold, without an acknowledgement",
    () => one.relay.state().depth >= 20,
  );
  await two.claim();
  t.equal(count(await reserveAll([two], late), "reserved"), 15);
  t.equal(one.shard.open, true, "both act as owner of the shard; the server decides");
  paused.resolve();
  t.equal(count(await selling, "reserved"), 5);
  t.equal(one.shard.open, false);
  const { stock } = await auditLedger(two.journal);
  t.match(stock.get("HOT.SKU"), { onHand: 20, reserved: 20 });
  t.match(await one.client.get("HOT.SKU"), { stock: { reserved: 20, available: 0 } });
});

t.test("killing the server while it sells loses no answered sale and repeats none", async (t) => {
  const server = await startNatsServer(t, { syncAlways: true });
  const one = await startInventoryNode(t, server.url, "one");
  await one.claim();
  await one.client.put("HOT.SKU", { onHand: 150, ...shirt });
  const ids = names("ord", 300);
  const answered: ReserveOutput[] = [];
  const killed = Promise.withResolvers<void>();
  const selling = Promise.all(
    ids.map(async (id, n) => {
      // Some before, some in waves around the kill, some after it.
      if (n >= 50) await answeredAtLeast(answered, Math.min(n - 49, 100));
      if (n >= 150) await killed.promise;
      answered.push(...(await reserveAll([one], [id])));
    }),
  );
  await answeredAtLeast(answered, 60);
  const down = server.kill();
  killed.resolve();
  await down;
  t.ok(answered.length < 300);
  await server.restart();
  await selling;
  t.equal(count(answered, "reserved"), 150);
  t.equal(count(answered, "out_of_stock"), 150);
  const { stock } = await auditLedger(one.journal);
  t.match(stock.get("HOT.SKU"), { onHand: 150, reserved: 150 });
});

t.test("on three servers, killing one while the shard changes hands sells nothing twice", async (t) => {
  const { servers, urls } = await startNatsCluster(t, 3);
  const nodes = [
    await waitUntil("the cluster has leaders", () => startInventoryNode(t, urls, "one")),
    await startInventoryNode(t, urls, "two"),
  ] as const;
  const [one, two] = nodes;
  await one.claim();
  await one.client.put("HOT.SKU", { onHand: 60, ...shirt });
  const answered: ReserveOutput[] = [];
  const killed = Promise.withResolvers<void>();
  const selling = Promise.all(
    names("ord", 200).map(async (id, n) => {
      if (n >= 40) await killed.promise;
      answered.push(...(await reserveAll([nodes[n % 2] as InventoryNode], [id])));
    }),
  );
  await answeredAtLeast(answered, 20);
  await servers[0]?.kill();
  killed.resolve();
  await waitUntil("the second node has the shard", async () => {
    await two.claim();
    return true;
  });
  await selling;
  t.equal(count(answered, "reserved"), 60);
  const { stock } = await auditLedger(two.journal);
  t.match(stock.get("HOT.SKU"), { onHand: 60, reserved: 60 });
});

async function answeredAtLeast(answered: readonly unknown[], count: number): Promise<void> {
  await waitUntil(`${count} reservations are answered`, () => answered.length >= count, {
    timeoutMs: 30_000,
  });
}
