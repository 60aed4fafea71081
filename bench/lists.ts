/**
 * Lists of orders: how fast the projection folds records, and how fast it answers with many orders. Its file alone, in
 * this process: no server, no HTTP. The records are those of real orders of several payment methods, step by step,
 * written again under other ids.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventObject } from "../src/runtime/definition.ts";
import type { StoredMessage } from "../src/runtime/ports.ts";
import { paymentMethods } from "../src/services/orders/contract.ts";
import type { CountKey, Sort } from "../src/services/projection/contract.ts";
import { type FactsPart, folded, type RecordPart } from "../src/services/projection/fold.ts";
import { OrderQueries } from "../src/services/projection/queries.sqlite.ts";
import { openFile } from "../src/services/projection/schema.sqlite.ts";
import type { Selection } from "../src/services/projection/selection.ts";
import { OrderStore } from "../src/services/projection/store.sqlite.ts";
import { orderInput } from "../test/unit/machines/order-input.ts";
import { factsOf, recordOf } from "../test/unit/services/projection/stored-orders.ts";
import { OrderWorld } from "../test/unit/services/orders/order-world.ts";
import type { Part, PartContext } from "./part.ts";
import { metric, percentile } from "./result.ts";

/** Messages that are folded at once, as in the feed. */
const CHUNK = 1000;
/** Orders whose records alternate. */
const OPEN_AT_ONCE = 64;
const QUESTIONS = 200;
const YEAR_MS = 365 * 86_400_000;
const NOW = Date.UTC(2026, 10, 30);

/** The messages of one order, in their order; `id` stands for its id. */
type Story = readonly { readonly kind: "record" | "facts"; readonly payload: string }[];

/** See the top of the file. */
export const lists: Part = {
  letter: "h",
  name: "lists",
  what: "records/s that a list of orders takes in, and its answers with many orders",
  async run(context) {
    const { options, progress, report, stage } = context;
    const stories = await Promise.all(paymentMethods.map((method) => storyOf(method)));
    const folder = mkdtempSync(join(tmpdir(), "orderly-lists-"));
    stage.teardown(() => rmSync(folder, { recursive: true, force: true }));
    report(foldRate(join(folder, "fold.sqlite"), stories, options.quick ? 20_000 : 200_000));
    for (const orders of options.orders ?? [options.quick ? 20_000 : 1_000_000]) {
      progress(`lists: making ${orders} orders ...`);
      const path = join(folder, `${orders}.sqlite`);
      const store = await filled(path, stories, orders);
      measureAnswers(context, store, orders, statSync(path).size);
      store.database.close();
    }
  },
};

const STEPS: readonly EventObject[] = [
  { type: "pick" },
  { type: "quality-check", passed: true } as EventObject,
  { type: "pack" },
  { type: "ship" },
  { type: "deliver" },
];

/** An order from its start until it has ended, record by record. */
async function storyOf(method: (typeof paymentMethods)[number]): Promise<Story> {
  const token = ["credit_card", "debit_card", "tokenized"].includes(method) ? { token: "tok_ok" } : {};
  const input = orderInput();
  const world = new OrderWorld({ ...input, orderId: "ord_id", payment: { method, ...token } });
  const story: { kind: "record" | "facts"; payload: string }[] = [];
  let facts = 0;
  const write = (): void => {
    story.push({ kind: "record", payload: recordOf(world, 1).payload });
    const version = world.snapshot.facts?.version ?? 0;
    if (version > facts) story.push({ kind: "facts", payload: factsOf(world, 1, "g").payload });
    facts = version;
  };
  world.start();
  write();
  const steps = [...STEPS];
  for (let turn = 0; turn < 60; turn++) {
    const effect = world.snapshot.effects[0];
    if (effect) await world.perform(effect);
    else if (world.choose("pay")) continue;
    else {
      const [step] = steps;
      if (!step) break;
      if (world.step(step)) steps.shift();
      else if (!world.issueInvoice()) break;
    }
    write();
  }
  return story;
}

/** Folds the records of many orders, of which some alternate. */
function foldRate(path: string, stories: readonly Story[], records: number) {
  const store = new OrderStore(openFile(path));
  const messages: StoredMessage[] = [];
  const open: { id: string; partition: number; story: Story; at: number }[] = [];
  let [orders, count] = [0, 0];
  while (count < records) {
    if (open.length < OPEN_AT_ONCE) {
      const story = stories[orders % stories.length]!;
      open.push({ id: `ord_${orders}`, partition: orders++ % 32, story, at: 0 });
      continue;
    }
    const turn = messages.length % open.length;
    const order = open[turn]!;
    const { kind, payload } = order.story[order.at++]!;
    if (kind === "record") count++;
    const { id, partition } = order;
    messages.push({
      subject: kind === "record" ? `orders.journal.${partition}.${id}` : `orders.facts.${partition}.${id}.g`,
      sequence: messages.length + 1,
      at: NOW,
      headers: {},
      payload: payload.replaceAll("ord_id", id),
    });
    if (order.at === order.story.length) open.splice(turn, 1);
  }
  const begun = performance.now();
  for (let at = 0; at < messages.length; at += CHUNK) {
    const some = messages.slice(at, at + CHUNK);
    const { changes, unreadable } = folded(some, (id) => store.factsOf(id));
    if (unreadable.length > 0) throw new Error("a record cannot be read");
    const sequence = some.at(-1)?.sequence ?? 0;
    store.apply(0, changes, { sequence, log: null, mark: sequence, markedAt: NOW });
  }
  const seconds = (performance.now() - begun) / 1000;
  store.database.close();
  return {
    benchmark: "lists",
    parameters: { what: "fold" },
    metrics: {
      records: metric(records / seconds, "1/s"),
      messages: metric(messages.length / seconds, "1/s"),
      orders: metric(orders, "orders"),
    },
  };
}

/** A file with many orders: most have ended, the newest are under way. */
async function filled(path: string, stories: readonly Story[], orders: number): Promise<OrderStore> {
  const parts = stories.map((story) => partsOf(story));
  const store = new OrderStore(openFile(path));
  for (let at = 0; at < orders; at += CHUNK) {
    const changes = Array.from({ length: Math.min(CHUNK, orders - at) }, (_, index) => {
      const number = at + index;
      const { facts, records } = parts[number % parts.length]!;
      const isOpen = number > orders * 0.9 || number % 97 === 0;
      const record = isOpen ? records[number % records.length]! : records.at(-1)!;
      const createdAt = NOW - YEAR_MS + Math.floor((number / orders) * YEAR_MS);
      const sku = `SKU-${number % 20}`;
      return {
        id: `ord_${number.toString(36)}x${(number * 7919) % orders}`,
        partition: number % 32,
        record: { ...record, sequence: number + 1, createdAt, updatedAt: createdAt + (number % 3600) * 1000 },
        facts: {
          ...facts,
          customer: `cus_${number % 50_000}`,
          lines: [{ sku, quantity: 1 + (number % 3), name: `Shirt of color ${number % 20}` }],
        },
        ...(number % 5000 === 0 && { parked: true }),
      };
    });
    store.apply(0, changes, { sequence: at + CHUNK, log: null, mark: 0, markedAt: NOW });
    // An interruption is seen in between.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return store;
}

function partsOf(story: Story): { readonly records: readonly RecordPart[]; readonly facts: FactsPart } {
  const records: RecordPart[] = [];
  let facts: FactsPart | undefined;
  for (const { kind, payload } of story) {
    const subject = kind === "record" ? "orders.journal.1.ord_id" : "orders.facts.1.ord_id.g";
    const [change] = folded([{ subject, sequence: 1, at: NOW, headers: {}, payload }], () => 99).changes;
    if (change?.record) records.push(change.record);
    facts = change?.facts ?? facts;
  }
  if (!facts) throw new Error("an order has facts");
  return { records, facts };
}

function measureAnswers({ report }: PartContext, store: OrderStore, orders: number, bytes: number): void {
  const queries = new OrderQueries(store);
  const list =
    (selection: Selection, sort: Sort = "-createdAt") =>
    () => {
      const { listed } = queries.page(selection, sort, 50);
      queries.orders(listed);
      return queries.total(selection).value;
    };
  const counts =
    (by: CountKey, selection: Selection = {}) =>
    () =>
      queries.counts(selection, by).length;
  const questions: Readonly<Record<string, () => number>> = {
    newest: list({}),
    "status, method": list({ status: ["confirmed", "ready"], method: ["credit_card", "async"] }),
    "state, by update": list({ in: ["fulfillment:stored"] }, "-updatedAt"),
    "waits for a person": list({ waitsFor: ["person"] }, "updatedAt"),
    "stuck for 15 minutes": list({ stuckSince: NOW - 900_000 }),
    "stuck, by update": list({ stuckSince: NOW - 900_000 }, "updatedAt"),
    customer: list({ customerId: "cus_77" }),
    "SKU, status": list({ sku: ["SKU-3"], status: ["completed"] }),
    words: list({ q: "shirt sku-3" }),
    "a month, a total": list({ createdAfter: NOW - 30 * 86_400_000, minTotal: 1 }, "-total"),
    parked: list({ parked: true }),
    "counts by status": counts("status"),
    "counts by state": counts("state", { method: ["credit_card"] }),
    "counts by day": counts("day"),
    "counts of stuck ones": counts("status", { stuckSince: NOW - 900_000 }),
  };
  for (const [question, ask] of Object.entries(questions)) {
    const found = ask();
    const times = Array.from({ length: QUESTIONS }, () => {
      const begun = performance.now();
      ask();
      return performance.now() - begun;
    });
    report({
      benchmark: "lists",
      parameters: { what: question, orders },
      metrics: {
        p50: metric(percentile(times, 0.5), "ms"),
        p99: metric(percentile(times, 0.99), "ms"),
        found: metric(found, "orders"),
        perOrder: metric(bytes / orders, "B"),
      },
    });
  }
}
