import t, { type Test } from "tap";
import { invoiceNumbersBucket } from "../../../nodes/order/streams.ts";
import { natsBucket } from "../../../src/adapters/nats/bucket.ts";
import { natsDocuments } from "../../../src/adapters/nats/documents.ts";
import type { Actors } from "../../../src/runtime/actors.ts";
import { numberText } from "../../../src/services/invoice/number-counter.ts";
import type { InvoiceResult } from "../../../src/services/invoice/contract.ts";
import { storedInvoices } from "../../../src/services/invoice/invoices.ts";
import { InvoiceNumbers } from "../../../src/services/invoice/numbers.ts";
import { startInvoiceWorker } from "../../../src/services/invoice/worker.ts";
import { noFacts, orderDetails, seller } from "../../support/order-details.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Stage, startStage } from "../../support/worker-stage.ts";

type Issued = { type: string; number: string; issuedAt: string };

/** Inboxes of orders: what was delivered, by id, once each; can be made to fail. */
function inboxes() {
  const delivered = new Map<string, { order: string; machine: string; event: Issued }>();
  const failing = new Set<string>();
  const actors: Pick<Actors, "deliver" | "read"> = {
    deliver: async (order, machine, event, id) => {
      if (failing.has(order)) throw new Error("no server");
      if (delivered.has(id)) return "known";
      delivered.set(id, { order, machine, event: event as Issued });
      return "stored";
    },
    read: async () => ({ status: "not_found" }),
  };
  return { delivered, failing, actors };
}

const bounds = {
  maxInFlight: 16,
  workLimitMs: 3_000,
  lockLifeMs: 4_000,
  backoffMs: 50,
  backoffMaxMs: 200,
  maxAttempts: 100,
};

const never = async (): Promise<boolean> => false;

/** The document of an answer that holds one, whole. */
function pdfOf(result: InvoiceResult): Buffer {
  if (result.status !== "found" || !Buffer.isBuffer(result.pdf))
    throw new Error(`no document: ${result.status}`);
  return result.pdf;
}

async function startInvoices(
  t: Test,
  stage: Stage,
  actors: Pick<Actors, "deliver" | "read">,
  isCancelled: (order: string) => Promise<boolean> = never,
) {
  const node = await stage.node();
  const documents = await natsDocuments(node.link, "INVOICES", Date.now);
  const numbers = natsBucket(node.link, invoiceNumbersBucket(stage.settings));
  const { deliver } = actors;
  const worker = await startInvoiceWorker({
    ...node,
    documents,
    numbers,
    facts: noFacts,
    deliver,
    isCancelled,
    seller,
    bounds,
  });
  t.teardown(() => worker.stop());
  return { worker, invoices: storedInvoices(documents, actors), numbers, node };
}

const ready = (n: number) => ({
  id: `ord_${n}.9.0`,
  type: "order.ready",
  order: `ord_${n}`,
  data: orderDetails(`ord_${n}`),
});

const year = new Date().getUTCFullYear();

t.test("two workers number the invoices of concurrent orders without a gap, once each", async (t) => {
  const stage = await startStage(t);
  const { delivered, actors } = inboxes();
  const nodes = [await startInvoices(t, stage, actors), await startInvoices(t, stage, actors)];
  const count = 100;
  await Promise.all(Array.from({ length: count }, (_, n) => stage.emit(ready(n))));
  await Promise.all(Array.from({ length: count }, (_, n) => stage.emit(ready(n))));
  const settled = () =>
    nodes.reduce((sum, { worker }) => sum + worker.counters.done + worker.counters.repeated, 0);
  await waitUntil("every delivery is settled", () => settled() === 2 * count, { timeoutMs: 20_000 });
  t.same(
    [...delivered.values()].map(({ event }) => event.number).toSorted(),
    Array.from({ length: count }, (_, n) => numberText(year, n + 1)),
  );
  t.ok(nodes.every(({ worker }) => worker.counters.done > 0));
  t.match(delivered.get("invoice/ord_7"), {
    order: "ord_7",
    machine: "fulfillment",
    event: { type: "invoice.issued", number: String, issuedAt: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ },
  });
  const read = await nodes[1]?.invoices.read("ord_7");
  t.match(read, { status: "found", number: delivered.get("invoice/ord_7")?.event.number });
  t.equal(read && pdfOf(read).subarray(0, 5).toString(), "%PDF-");
});

t.test("an order whose inbox is not reached keeps its number and its PDF until it is", async (t) => {
  const stage = await startStage(t);
  const { delivered, failing, actors } = inboxes();
  const { worker, invoices } = await startInvoices(t, stage, actors);
  failing.add("ord_1");
  await stage.emit(ready(1));
  await waitUntil("it has failed", () => worker.counters.failed > 0);
  const before = await waitUntil("the PDF is there", async () => {
    const read = await invoices.read("ord_1");
    return read.status === "found" ? read : undefined;
  });
  await stage.emit(ready(2));
  await waitUntil("the next order is served", () => delivered.has("invoice/ord_2"));
  failing.clear();
  await waitUntil("the order is notified", () => delivered.has("invoice/ord_1"));
  t.equal(delivered.get("invoice/ord_1")?.event.number, numberText(year, 1));
  t.equal(delivered.get("invoice/ord_2")?.event.number, numberText(year, 2));
  const after = await invoices.read("ord_1");
  t.ok(pdfOf(after).equals(pdfOf(before)), "the very same document");
});

const cancelled = (n: number) => ({
  id: `ord_${n}.12.0`,
  type: "order.cancelled",
  order: `ord_${n}`,
  data: { ...orderDetails(`ord_${n}`), reason: "changed my mind" },
});
const done = (worker: { counters: { done: number } }, count: number) =>
  waitUntil(`${count} events are done`, () => worker.counters.done === count);

t.test("the invoice of a cancelled order stays, and a credit note cancels it", async (t) => {
  const stage = await startStage(t);
  const { delivered, actors } = inboxes();
  const { worker, invoices } = await startInvoices(t, stage, actors);
  for (const n of [1, 2]) await stage.emit(ready(n));
  await done(worker, 2);
  const before = await invoices.read("ord_2");
  await stage.emit(cancelled(2));
  await done(worker, 3);
  const [invoice, note] = [await invoices.read("ord_2"), await invoices.creditNote("ord_2")];
  t.same(invoice, before, "as it was");
  t.match(note, { status: "found", number: `CN-${year}-000001` });
  t.equal(pdfOf(note).subarray(0, 5).toString(), "%PDF-");
  t.same(await invoices.creditNote("ord_1"), { status: "not_found" }, "the other has none");
  t.equal(delivered.size, 3, "its order is notified of the credit note");
});

t.test("an order that is cancelled before its invoice gets none, and no number is lost", async (t) => {
  const stage = await startStage(t);
  const { delivered, actors } = inboxes();
  const gone = new Set(["ord_1"]);
  const { worker, invoices } = await startInvoices(t, stage, actors, async (order) => gone.has(order));
  await stage.emit(ready(1));
  await done(worker, 1);
  await stage.emit(cancelled(1));
  // Its cancellation event arrives first; its record does not show it yet.
  await stage.emit(cancelled(2));
  await done(worker, 3);
  await stage.emit(ready(2));
  await done(worker, 4);
  for (const n of [1, 2]) {
    t.same(await invoices.read(`ord_${n}`), { status: "not_found" });
    t.same(await invoices.creditNote(`ord_${n}`), { status: "not_found" });
  }
  t.equal(delivered.size, 0);
  await stage.emit(ready(3));
  await waitUntil("the next one has its invoice", () => delivered.has("invoice/ord_3"));
  t.equal(delivered.get("invoice/ord_3")?.event.number, numberText(year, 1));
});

t.test("an order cancelled between its number and its PDF gets both, and a credit note", async (t) => {
  const stage = await startStage(t);
  const { actors } = inboxes();
  const { worker, invoices, numbers, node } = await startInvoices(t, stage, actors, async () => true);
  const { number } = await new InvoiceNumbers(numbers, node.clock).take("ord_1");
  await stage.emit(ready(1));
  await stage.emit(cancelled(1));
  await done(worker, 2);
  t.match(await invoices.read("ord_1"), { status: "found", number });
  t.match(await invoices.creditNote("ord_1"), { status: "found", number: `CN-${year}-000001` });
});

t.test("a stored PDF never changes, whatever a later event contains", async (t) => {
  const stage = await startStage(t);
  const { actors } = inboxes();
  const { worker, invoices } = await startInvoices(t, stage, actors);
  await stage.emit(ready(1));
  await done(worker, 1);
  const before = await invoices.read("ord_1");
  await stage.emit({ ...ready(1), id: "another", data: { ...orderDetails("ord_1"), taxBasisPoints: 1 } });
  await done(worker, 2);
  const after = await invoices.read("ord_1");
  t.ok(pdfOf(before).equals(pdfOf(after)));
});

t.test("many takers on three nodes at once: no gap, no number twice", async (t) => {
  const stage = await startStage(t);
  const takers = await Promise.all(
    [0, 1, 2].map(async () => {
      const node = await stage.node();
      return new InvoiceNumbers(natsBucket(node.link, invoiceNumbersBucket(stage.settings)), node.clock);
    }),
  );
  const count = 150;
  // Every order takes its number on two nodes.
  const taken = await Promise.all(
    Array.from({ length: 2 * count }, async (_, n) => {
      const order = `ord_${n % count}`;
      return { order, number: (await takers[n % 3]!.take(order)).number };
    }),
  );
  const byOrder = new Map<string, Set<string>>();
  for (const { order, number } of taken) {
    byOrder.set(order, (byOrder.get(order) ?? new Set()).add(number));
  }
  t.same(
    [...byOrder.values()].filter((numbers) => numbers.size !== 1),
    [],
  );
  // A number whose order had another one is free at the end; the next order gets it.
  for (let n = 0; n < count; n++)
    taken.push({ order: `x${n}`, number: (await takers[0]!.take(`x${n}`)).number });
  const all = [...new Set(taken.map((one) => one.number))].toSorted();
  t.same(
    all,
    Array.from({ length: 2 * count }, (_, n) => numberText(year, n + 1)),
  );
});

t.test("a missing invoice and a missing order get different answers", async (t) => {
  const stage = await startStage(t);
  const node = await stage.node();
  const documents = await natsDocuments(node.link, "INVOICES", Date.now);
  const none = storedInvoices(documents, { read: async () => ({ status: "not_found" }) });
  t.same(await none.read("ord_1"), { status: "not_found" });
  const away = storedInvoices(documents, {
    read: async () => ({ status: "unavailable", reason: "no node owns it" }),
  });
  t.match(await away.read("ord_1"), { status: "unavailable", reason: "no node owns it" });
});

t.test("documents are replaced whole, and survive a restart of the server", async (t) => {
  const stage = await startStage(t);
  const node = await stage.node();
  const documents = await natsDocuments(node.link, "INVOICES", Date.now);
  t.equal(await documents.get("a b.c"), undefined);
  const large = Buffer.alloc(300_000, "x");
  await documents.put("a b.c", { bytes: Buffer.from("one"), metadata: { number: "1" } });
  await documents.put("a b.c", { bytes: large, metadata: { number: "2" } });
  await documents.put("empty", { bytes: new Uint8Array(), metadata: {} });
  await stage.servers[0]?.kill();
  await stage.servers[0]?.restart();
  const found = await waitUntil("it can be read again", () => documents.get("a b.c"));
  t.ok(large.equals(found.bytes));
  t.same(found.metadata, { number: "2" });
  t.equal((await documents.get("empty"))?.bytes.length, 0);
});
