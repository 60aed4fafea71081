/** The list of orders on a real server: what it says is what a plain fold of the journal and the owners say. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { orderLog } from "../../../nodes/order/projection-thread.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import type { StoredMessage } from "../../../src/runtime/ports.ts";
import type { OrderPage, OrderSummary } from "../../../src/services/projection/contract.ts";
import { folded } from "../../../src/services/projection/fold.ts";
import { Projection, type ProjectionQuery } from "../../../src/services/projection/projection.ts";
import { openFile } from "../../../src/services/projection/schema.sqlite.ts";
import { OrderStore } from "../../../src/services/projection/store.sqlite.ts";
import { summaryOf } from "../../../src/services/projection/queries.sqlite.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, type Running, settled, shirt, startNode } from "./composed-node.ts";

async function projected(t: Test, natsUrl: string, path: string, streams = 1): Promise<Projection> {
  const link = await connectNats({ servers: [natsUrl], name: "projection", connectTimeoutMs: 5000 });
  const projection = new Projection({
    path,
    logs: subjects.streams(streams).map((stream) => orderLog(link, stream)),
    subjects,
    clock: systemClock,
    log: quietLog,
  });
  t.teardown(async () => {
    await projection.stop();
    await link.close();
  });
  await projection.start();
  return projection;
}

async function pageOf(
  projection: Projection,
  query: Partial<Extract<ProjectionQuery, { op: "list" }>> = {},
): Promise<OrderPage> {
  return await waitUntil("the projection answers", async () => {
    const page = await projection.answer({
      op: "list",
      selection: {},
      sort: "-createdAt",
      limit: 200,
      ...query,
    });
    return page.status === "found" ? page : undefined;
  });
}

/** Waits until the projection knows everything that is stored now. */
async function caughtUp(projection: Projection, { journals }: Running): Promise<void> {
  const ends = await Promise.all(journals.map((journal) => journal.state()));
  await waitUntil("the projection has reached the end of the streams", () => {
    const { streams } = projection.state();
    return (
      streams.length > 0 && ends.every((end, stream) => (streams[stream]?.sequence ?? 0) >= end.lastSequence)
    );
  });
}

const bySequence = (a: OrderSummary, b: OrderSummary): number =>
  a.sequence - b.sequence || (a.id < b.id ? -1 : 1);

/** Orders of several kinds, in several states. */
async function placeSome(node: Running, number: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < number; n++) {
    const order = {
      ...cash(n % 2 === 0 ? "A" : "B", 1 + (n % 3)),
      customer: { ...cash("A").customer, id: `cus_${n % 3}` },
    };
    const id = confirmed(await node.orders.place(order, { caller: "test", waitMs: 20_000 }));
    ids.push(id);
    if (n % 3 === 0) await node.orders.command(id, { type: "cancel", reason: "changed my mind" });
    if (n % 3 === 1) await node.orders.command(id, { type: "pick" });
  }
  return ids;
}

/** Every message of the order streams, folded at once into an empty file. */
async function plainFold(t: Test, { journals }: Running): Promise<OrderSummary[]> {
  const store = new OrderStore(openFile(":memory:"));
  for (const [stream, journal] of journals.entries()) {
    const { lastSequence } = await journal.state();
    const messages: StoredMessage[] = [];
    for (let sequence = 1; sequence <= lastSequence; sequence++) {
      const message = await journal.readAt(sequence);
      if (message) messages.push(message);
    }
    const { changes, incomplete, unreadable } = folded(messages, () => 0);
    t.equal(incomplete, undefined);
    t.strictSame(unreadable, []);
    store.apply(stream, changes, { sequence: lastSequence, log: null, mark: 0, markedAt: 0 });
  }
  const rows = store.database.prepare("SELECT * FROM orders").all() as Parameters<typeof summaryOf>[0][];
  return rows.map((row) => summaryOf(row, store.shapes[row.shape]!)).toSorted(bySequence);
}

for (const streams of [1, 2]) {
  t.test(
    `a projection has every order as the plain fold and its owner have it (${streams} streams)`,
    async (t) => {
      const { url } = await startNatsServer(t);
      const node = await startNode(t, url, "one", streams);
      await settled([node]);
      await node.inventory.put("A", { onHand: 1000, ...shirt });
      await node.inventory.put("B", { onHand: 1000, ...shirt, name: "Blue mug" });
      const path = join(temporaryFolder(t), "projection.sqlite");
      const early = await placeSome(node, 6);
      const projection = await projected(t, url, path, streams);
      const late = await placeSome(node, 12);
      await caughtUp(projection, node);

      const page = await pageOf(projection);
      t.same(page.items.map(({ id }) => id).toSorted(), [...early, ...late].toSorted());
      t.strictSame(page.items.toSorted(bySequence), await plainFold(t, node));
      t.strictSame(page.total, { value: 18, exact: true });
      for (const item of page.items) {
        const found = await node.orders.get(item.id);
        if (found.status !== "found") throw new Error(found.status);
        const { customer, fulfillment, invoice, lines, payment, ...order } = found.order;
        t.match(item, {
          id: order.id,
          version: order.version,
          status: order.status,
          total: order.total,
          createdAt: order.createdAt,
          updatedAt: order.updatedAt,
          customer: { id: customer.id },
          payment: { method: payment.method, status: payment.status },
          fulfillment: { status: fulfillment.status, trackingNumber: fulfillment.trackingNumber },
          invoice: invoice && { number: invoice.number },
          lines: lines.map(({ quantity, sku }) => ({ sku, quantity })),
        });
      }
      t.same((await pageOf(projection, { selection: { status: ["cancelled"] } })).items.length, 6);
      t.same((await pageOf(projection, { selection: { q: "blue" } })).items.length, 9);
      t.same((await pageOf(projection, { selection: { waitsFor: ["person"] } })).items.length, 12);
      await waitUntil("it has reached the end", async () => (await pageOf(projection)).asOf.behindMs === 0);

      await projection.rebuild();
      await caughtUp(projection, node);
      const again = await pageOf(projection);
      t.strictSame(again.items, page.items, "a rebuild gives the same rows in the same order");
      t.strictSame(again.total, page.total);
    },
  );
}

t.test(
  "a projection goes on at its position, and is built anew when its file is damaged or gone",
  async (t) => {
    const { url } = await startNatsServer(t);
    const node = await startNode(t, url, "one");
    await settled([node]);
    await node.inventory.put("A", { onHand: 1000, ...shirt });
    await node.inventory.put("B", { onHand: 1000, ...shirt });
    const path = join(temporaryFolder(t), "projection.sqlite");
    await placeSome(node, 3);
    const first = await projected(t, url, path);
    await caughtUp(first, node);
    const before = await pageOf(first);
    const { folded: all } = first.state();
    await first.stop();

    await placeSome(node, 1);
    const second = await projected(t, url, path);
    await caughtUp(second, node);
    t.equal((await pageOf(second)).total.value, 4);
    t.ok(second.state().folded < all, "it has read only what was new");
    await second.stop();

    const { writeFileSync } = await import("node:fs");
    writeFileSync(path, "this is no database, and is long enough to be read as one".repeat(100));
    const third = await projected(t, url, path);
    await caughtUp(third, node);
    const page = await pageOf(third);
    t.strictSame(page.items.slice(1), before.items);
    await third.stop();

    rmSync(path);
    const fourth = await projected(t, url, path);
    await caughtUp(fourth, node);
    t.strictSame((await pageOf(fourth)).items, page.items);
    await fourth.stop();

    const database = openFile(path);
    database.prepare("UPDATE position SET log = 'another'").run();
    database.close();
    const fifth = await projected(t, url, path);
    await caughtUp(fifth, node);
    t.strictSame((await pageOf(fifth)).items, page.items, "a file of another log is built anew");
    t.ok(fifth.state().folded >= all);
  },
);

t.test("pages forward and back have every order once while orders come in", async (t) => {
  const { url } = await startNatsServer(t);
  const node = await startNode(t, url, "one");
  await settled([node]);
  await node.inventory.put("A", { onHand: 1000, ...shirt });
  await node.inventory.put("B", { onHand: 1000, ...shirt });
  const projection = await projected(t, url, join(temporaryFolder(t), "projection.sqlite"));
  const old = await placeSome(node, 20);
  await caughtUp(projection, node);
  const end = new AbortController();
  const load = (async () => {
    while (!end.signal.aborted) await placeSome(node, 2);
  })();
  const found: string[] = [];
  let page = await pageOf(projection, { limit: 3 });
  const head = page.items.map(({ id }) => id);
  for (;;) {
    found.push(...page.items.map(({ id }) => id));
    if (page.nextCursor === null) break;
    page = await pageOf(projection, { limit: 3, cursor: page.nextCursor });
  }
  const back: string[] = page.items.map(({ id }) => id);
  while (page.previousCursor !== null && !back.includes(head[0]!)) {
    page = await pageOf(projection, { limit: 3, cursor: page.previousCursor });
    back.unshift(...page.items.map(({ id }) => id));
  }
  end.abort();
  await load;
  t.equal(new Set(found).size, found.length, "no order twice");
  t.same(
    old.filter((id) => !found.includes(id)),
    [],
    "no order missing",
  );
  t.strictSame(back.slice(back.indexOf(head[0]!)), found, "the way back has the same orders");
});

t.test("an answer knows the sequence that it is asked for, or says that it lags", async (t) => {
  const { url } = await startNatsServer(t);
  const node = await startNode(t, url, "one");
  await settled([node]);
  await node.inventory.put("A", { onHand: 1000, ...shirt });
  await node.inventory.put("B", { onHand: 1000, ...shirt });
  const projection = await projected(t, url, join(temporaryFolder(t), "projection.sqlite"));
  await caughtUp(projection, node);
  const [id = ""] = await placeSome(node, 1);
  const history = await node.orders.history(id);
  const sequence = history.status === "found" ? (history.items.at(-1)?.sequence ?? 0) : 0;
  const page = await pageOf(projection, { minSequence: [{ stream: 0, sequence }] });
  t.match(page.items, [{ id, sequence }]);
  t.ok(Number(page.asOf.sequence) >= sequence);
  const never = {
    op: "counts",
    by: "status",
    selection: {},
    minSequence: [{ stream: 0, sequence: 9e9 }],
  } as const;
  t.match(await projection.answer(never), { status: "behind" });
});
