/**
 * Bulk operations on a cluster of processes: what a preview counts, a selection that grows, a stop in mid-run, and
 * `kill -9` of the owner in mid-run. Every order is reached once, as the journal has it.
 */
import t, { type Test } from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { parseObject } from "../../src/runtime/json.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";
import { CHUNK_SIZE } from "../../src/services/bulk/chunks.ts";
import type { BulkItem, BulkPreview, BulkView } from "../../src/services/bulk/contract.ts";
import { COMMANDS_PER_SECOND } from "../../src/services/bulk/pacer.ts";
import { bulkSubjects } from "../../src/services/bulk/subjects.ts";
import { subjects } from "../../src/services/subjects.ts";
import { command, orderOf, place } from "../support/clients/order-client.ts";
import { openEvents } from "../support/clients/event-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 32;
/** An operation with them takes more than a second. */
const ORDERS = 260;
const CALLERS = 16;

type Problem = { readonly code: string; readonly count?: number; readonly previewed?: number };
type Answer<B> = { readonly status: number; readonly location: string | null; readonly body: B & Problem };

async function call<B>(url: string, body?: object, key?: string): Promise<Answer<B>> {
  const headers = {
    "content-type": "application/json",
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  const read = (await answer.json()) as B & Problem;
  return { status: answer.status, location: answer.headers.get("location"), body: read };
}

/** Orders of one customer, all confirmed. */
async function placeMany(cluster: OrderCluster, customer: string, orders: number): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < orders) {
      const url = cluster.urls[next++ % cluster.urls.length]!;
      const order = orderOf({ method: "cash_on_delivery" });
      const { body, status } = await place(url, { ...order, customer: { ...order.customer, id: customer } });
      if (status !== 201) throw new Error(`an order was answered ${status}: ${JSON.stringify(body)}`);
      ids.push((body as { id: string }).id);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return ids;
}

const cancelAll = (customerId: string) => ({
  action: "cancel",
  filter: { customerId, status: "confirmed" },
  reason: "The warehouse is closed",
  dryRun: true,
});

/** Waits until the list at `url` has the orders. */
async function listed(url: string, customer: string, orders: number): Promise<void> {
  await waitUntil(`${url} lists ${orders} orders of ${customer}`, async () => {
    const { body } = await call<{ total: { value: number } }>(
      `${url}/v1/orders?customerId=${customer}&status=confirmed&limit=1`,
    );
    return body.total.value === orders;
  });
}

async function previewed(url: string, customer: string): Promise<BulkPreview> {
  const preview = await call<BulkPreview>(`${url}/v1/bulk`, cancelAll(customer));
  if (preview.status !== 200) throw new Error(JSON.stringify(preview));
  return preview.body;
}

function untilBulk(
  url: string,
  id: string,
  what: string,
  holds: (bulk: BulkView) => boolean,
): Promise<BulkView> {
  return waitUntil(`operation ${id} ${what}`, async () => {
    const { body, status } = await call<BulkView>(`${url}/v1/bulk/${id}`);
    return status === 200 && holds(body) ? body : undefined;
  });
}

const hasEnded = ({ status }: BulkView): boolean => status === "completed" || status === "stopped";

/** The outcome of every order of an operation. */
async function outcomesOf(url: string, id: string, outcome = ""): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: string = `limit=200${outcome && `&outcome=${outcome}`}${cursor && `&cursor=${cursor}`}`;
    const page: Answer<{ items: BulkItem[]; nextCursor: string | null }> = await call(
      `${url}/v1/bulk/${id}/items?${query}`,
    );
    for (const { orderId, outcome: one } of page.body.items) {
      if (found.has(orderId)) throw new Error(`${orderId} is listed twice`);
      found.set(orderId, one);
    }
    cursor = page.body.nextCursor;
  }
  return found;
}

/** How often the journal has a cancellation of each order. */
async function cancellations(link: NatsLink, ids: readonly string[]): Promise<number[]> {
  const journal = natsJournal(link, subjects.stream(0));
  const counts: number[] = [];
  for (const id of ids) {
    const records = await journal.readAll(subjects.record(partitionOf(id, PARTITIONS), id));
    const inputs = records.map(({ payload }) => JSON.stringify(parseObject(payload)));
    counts.push(inputs.filter((input) => input.includes("command:cancel")).length);
  }
  return counts;
}

async function ownerOf(link: NatsLink): Promise<string> {
  const lock = await natsJournal(link, bulkSubjects.stream(0)).readLast(bulkSubjects.lock("partition.0"));
  return String(parseObject(lock?.payload ?? "")?.["node"]);
}

async function start(t: Test): Promise<{ readonly cluster: OrderCluster; readonly link: NatsLink }> {
  const cluster = await startOrderCluster(t, { fulfillment: "manual" });
  const link = await connectNats({ servers: [cluster.nats.url], name: "test", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  return { cluster, link };
}

t.test("bulk operations of a cluster", async (t) => {
  const { cluster, link } = await start(t);
  const [first, second, third] = cluster.urls as [string, string, string];

  await t.test(
    "a preview counts the orders that take the command, by their status, and does nothing",
    async (t) => {
      const ids = await placeMany(cluster, "cus_preview", 10);
      for (const id of ids.slice(0, 3)) await command(first, id, "cancel", {});
      await waitUntil("the list has them", async () => {
        const plan = { ...cancelAll("cus_preview"), filter: { customerId: "cus_preview" } };
        const { body, status } = await call<BulkPreview>(`${second}/v1/bulk`, plan);
        if (status !== 200 || body.count !== 10 || body.eligible[0]?.count !== 7) return false;
        t.strictSame(body.eligible, [{ state: "confirmed", count: 7 }]);
        t.equal(body.samples.length, 5);
        return true;
      });
      const byIds = { action: "cancel", ids: [...ids, ids[0], "ord_none"], reason: "x", dryRun: true };
      const { body } = await call<BulkPreview>(`${third}/v1/bulk`, byIds);
      t.match(body, { count: 11, exact: true, eligible: [{ state: "confirmed", count: 7 }] });
      const started = await call<BulkView>(`${first}/v1/bulk`, { token: body.token }, "by-ids");
      t.equal(started.status, 202, JSON.stringify(started.body));
      const ended = await untilBulk(second, started.body.id, "has ended", hasEnded);
      t.match(ended, { status: "completed", count: 11, processed: 11 });
      t.strictSame(ended.outcomes, [
        { code: "done", count: 7 },
        { code: "illegal_transition", count: 3 },
        { code: "order_not_found", count: 1 },
      ]);
      t.strictSame(
        await cancellations(link, ids),
        Array.from({ length: 10 }, () => 1),
      );
    },
  );

  await t.test("a selection that has grown by more than a tenth is not started", async (t) => {
    await placeMany(cluster, "cus_grown", 20);
    await listed(first, "cus_grown", 20);
    const { count, token } = await previewed(first, "cus_grown");
    t.equal(count, 20);
    await placeMany(cluster, "cus_grown", 3);
    await listed(first, "cus_grown", 23);
    const refused = await call(`${first}/v1/bulk`, { token }, "grown");
    t.match(refused, { status: 409, body: { code: "selection_changed", previewed: 20, count: 23 } });
    const again = await previewed(first, "cus_grown");
    await placeMany(cluster, "cus_grown", 1);
    await listed(first, "cus_grown", 24);
    const started = await call<BulkView>(`${first}/v1/bulk`, { token: again.token }, "grown");
    t.equal(started.status, 202, "one more of 23 is less than a tenth");
    t.equal(started.location, `/v1/bulk/${started.body.id}`);
    t.match(await untilBulk(first, started.body.id, "has ended", hasEnded), { processed: 24 });
    const repeated = await call<BulkView>(`${second}/v1/bulk`, { token: again.token }, "grown");
    t.match(repeated, { status: 202, body: { id: started.body.id } }, "a repetition finds it");
    const another = await call(`${second}/v1/bulk`, { token: again.token }, "another-key");
    t.match(another, { status: 409, body: { code: "token_used", bulkId: started.body.id } });
    const reused = await call(`${second}/v1/bulk`, { token }, "grown");
    t.match(reused, { status: 422, body: { code: "idempotency_key_reused" } });
  });

  const ids = await placeMany(cluster, "cus_many", ORDERS);
  await listed(first, "cus_many", ORDERS);

  await t.test("a stop in mid-run reaches no further chunk, and every order has its outcome", async (t) => {
    const { token } = await previewed(first, "cus_many");
    const begun = performance.now();
    const { body } = await call<BulkView>(`${second}/v1/bulk`, { token }, "stopped");
    await untilBulk(
      third,
      body.id,
      "has come to the second chunk",
      ({ processed }) => processed >= CHUNK_SIZE,
    );
    const stopped = await call<BulkView>(`${third}/v1/bulk/${body.id}/stop`, {});
    t.match(stopped, { status: 200, body: { status: /^stopp/u } });
    const ended = await untilBulk(first, body.id, "has stopped", hasEnded);
    const tookMs = performance.now() - begun;
    t.equal(ended.status, "stopped");
    t.ok(ended.processed < ORDERS, `it has reached ${ended.processed} orders`);
    t.ok(ended.processed <= (COMMANDS_PER_SECOND * tookMs) / 1000 + 1, "at most 200 a second");
    t.strictSame(ended.outcomes, [{ code: "done", count: ended.processed }]);
    const outcomes = await outcomesOf(second, body.id);
    t.equal(outcomes.size, ORDERS);
    const done = ids.filter((id) => outcomes.get(id) === "done");
    t.equal(done.length, ended.processed);
    t.equal((await outcomesOf(second, body.id, "pending")).size, ORDERS - ended.processed);
    const counts = await cancellations(link, ids);
    t.strictSame(
      counts,
      ids.map((id) => (outcomes.get(id) === "done" ? 1 : 0)),
      "the journal has a cancellation of each order that is done, and of no other",
    );
    t.match((await call<BulkView>(`${first}/v1/bulk/${body.id}/stop`, {})).body, { status: "stopped" });
  });

  await t.test(
    "kill -9 of the owner in mid-run: another node goes on, and every order is done once",
    async (t) => {
      const more = await placeMany(cluster, "cus_killed", ORDERS);
      await listed(first, "cus_killed", ORDERS);
      const { token } = await previewed(first, "cus_killed");
      const owner = await ownerOf(link);
      const victim = cluster.nodes.find(({ name }) => name === owner)!;
      const other = cluster.nodes.find(({ name }) => name !== owner)!;
      const { body } = await call<BulkView>(`${victim.url}/v1/bulk`, { token }, "killed");
      const events = await openEvents(t, `${other.url}/v1/stream?topics=bulk:${body.id}`);
      const before = await untilBulk(
        other.url,
        body.id,
        "has its first outcomes",
        ({ processed }) => processed > 0,
      );
      await victim.kill();
      t.ok(before.processed < ORDERS, `${before.processed} orders were done at the kill`);
      const ended = await untilBulk(other.url, body.id, "has ended", hasEnded);
      t.match(ended, { status: "completed", processed: ORDERS });
      t.strictSame(ended.outcomes, [{ code: "done", count: ORDERS }]);
      t.not(await ownerOf(link), owner);
      t.strictSame(
        await cancellations(link, more),
        Array.from({ length: ORDERS }, () => 1),
      );
      await waitUntil("a client that watches sees it completed", () =>
        events.events.some(({ data, event }) => {
          return event === "bulk" && (data as BulkView).status === "completed";
        }),
      );
    },
  );
});
