/**
 * What must be true after a story, whichever process died in it. The audit reads the server's own log, the gateway's
 * ledger and the mail server's list, and no state of a node.
 */
import { createHash } from "node:crypto";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { type ActorRecord, RecordHeader } from "../../../src/runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../../src/runtime/ports.ts";
import { mailedEvents } from "../../../src/services/email/worker.ts";
import { type Counter, numberText, spareNumbers } from "../../../src/services/invoice/number-counter.ts";
import { creditNoteName } from "../../../src/services/invoice/invoices.ts";
import { creditNoteSeries } from "../../../src/services/invoice/numbers.ts";
import { orderMachinesOf, orderStatus } from "../../../src/services/orders/status.ts";
import { UNMATCHED } from "../../../src/services/webhooks/subjects.ts";
import {
  type AnsweredOrder,
  COUNTED,
  COUNTED_LAST,
  RECEIVED,
  RECEIVED_ALL,
  STOCK,
  type Story,
  UNKNOWN,
  WAVES_MS,
} from "./crash-story.ts";
import { openedByAudit } from "./crash-keys.ts";
import { type CrashWorld, PARTITIONS } from "./crash-world.ts";

const PRICE = 1000;

/** The faults found; empty when there are none. */
export async function audit({ world, answered, faults }: Story): Promise<string[]> {
  return [
    ...faults,
    ...answered.flatMap((one) => [...history(world, one), ...hold(world, one), ...money(world, one)]),
    ...stock(world, answered),
    ...events(world),
    ...(await invoices(world, answered)),
    ...mails(world),
    ...unmatched(world),
    ...owners(world),
  ];
}

function recordsOf(world: CrashWorld, id: string): { message: StoredMessage; record: ActorRecord }[] {
  return world.server
    .log("KV_ORDERS")
    .all(subjects.record(partitionOf(id, PARTITIONS), id))
    .map((message) => ({ message, record: readRecord(message)! }));
}

/** Histories are linear: each record follows the last, under no older lock, each input once; the end is as answered. */
function history(world: CrashWorld, { id, key, outcome }: AnsweredOrder): string[] {
  const wrong: string[] = [];
  const records = recordsOf(world, id);
  let last: { readonly record: ActorRecord; readonly epoch: number } | undefined;
  for (const [index, { message, record }] of records.entries()) {
    const epoch = Number(message.headers[RecordHeader.epoch]);
    const { version, inbox, commands } = record.snapshot;
    if (version !== index + 1) wrong.push(`${key}: record ${index + 1} has version ${version}`);
    if (epoch < (last?.epoch ?? 0)) wrong.push(`${key}: version ${version} is of an older lock`);
    if (inbox < (last?.record.snapshot.inbox ?? 0)) wrong.push(`${key}: version ${version} goes back`);
    if (new Set(commands).size !== commands.length)
      wrong.push(`${key}: version ${version} has an input twice`);
    const before = new Set(last?.record.snapshot.effects.map((effect) => effect.id));
    for (const closed of record.effects?.closed ?? [])
      if (!before.has(closed)) wrong.push(`${key}: version ${version} ends ${closed} a second time`);
    last = { record, epoch };
  }
  if (!last) return [`${key} was answered ${outcome} and is not there`];
  const { machines, effects, timers } = last.record.snapshot;
  const status = orderStatus(orderMachinesOf(machines));
  if (status !== (outcome === "out_of_stock" ? "rejected" : outcome))
    wrong.push(`${key} was answered ${outcome} and is ${status}`);
  if (effects.length + timers.length > 0) wrong.push(`${key} has open effects or timers`);
  return wrong;
}

/** A hold is made once and ends once, in the same way as its order. */
function hold(world: CrashWorld, { id, key, outcome }: AnsweredOrder): string[] {
  const states = world.server
    .log("KV_ORDERS")
    .all(inventorySubjects.hold(id))
    .map(({ payload }) => (JSON.parse(payload) as { state: string }).state)
    .join(" ");
  // A refusal that joins the first record of the order needs no message of its own.
  const ends: Record<string, string[]> = { completed: ["reserved shipped"], out_of_stock: ["", "refused"] };
  return (ends[outcome] ?? ["reserved released"]).includes(states)
    ? []
    : [`${key}, ${outcome}: its hold was ${states || "never made"}`];
}

/** At most one authorization; money is captured for delivered orders only. */
function money({ gateway }: CrashWorld, { id, key, outcome, order }: AnsweredOrder): string[] {
  const { method } = order.payment;
  const isPrepaid = method === "credit_card" || method === "debit_card" || method === "async";
  const authorizations = gateway.authorizations(id);
  const wanted = isPrepaid && (outcome === "completed" || outcome === "cancelled") ? 1 : 0;
  const wrong = authorizations === wanted ? [] : [`${key}: ${authorizations} authorizations`];
  const { settled, refunded } = gateway.balance(id);
  const total = order.lines.reduce((sum, { quantity }) => sum + quantity * PRICE, 0);
  const due = isPrepaid && outcome === "completed" ? total : 0;
  if (settled - refunded !== due) wrong.push(`${key}, ${outcome}: ${settled} settled, ${refunded} refunded`);
  return wrong;
}

/** Sold stock has left, no stock is reserved, and never was more reserved than on hand. */
function stock(world: CrashWorld, answered: readonly AnsweredOrder[]): string[] {
  const left = new Map<string, number>([...Object.entries(STOCK), [COUNTED, COUNTED_LAST]]);
  left.set(RECEIVED, (left.get(RECEIVED) ?? 0) + RECEIVED_ALL);
  for (const { order, outcome } of answered)
    for (const { sku, quantity } of outcome === "completed" ? order.lines : [])
      left.set(sku, (left.get(sku) ?? 0) - quantity);
  const wrong: string[] = [];
  for (const [sku, wanted] of left) {
    const ledger = world.server
      .log("KV_ORDERS")
      .all(inventorySubjects.stock(sku))
      .map(({ payload }) => JSON.parse(payload) as { onHand: number; reserved: number });
    if (ledger.some(({ onHand, reserved }) => reserved < 0 || reserved > onHand))
      wrong.push(`${sku} was oversold`);
    const last = ledger.at(-1);
    if (last?.onHand !== wanted || last.reserved !== 0)
      wrong.push(`${sku}: ${JSON.stringify(last)}, ${wanted} should be left`);
  }
  if (left.get("HOT") !== 1) wrong.push("the hot SKU was not sold once");
  return wrong;
}

/** Each message about an order that does not exist is kept once, and is in no inbox. */
function unmatched(world: CrashWorld): string[] {
  const kept = world.server.log(`KV_${UNMATCHED.payments}`);
  const wrong: string[] = [];
  for (const wave of WAVES_MS.keys()) {
    const orderId = `${UNKNOWN}${wave}`;
    const traces = kept.all(`$KV.${UNMATCHED.payments}.${orderId}.msg_${orderId}`).length;
    if (traces !== 1) wrong.push(`${orderId} left ${traces} traces`);
    const inbox = subjects.inbox(partitionOf(orderId, PARTITIONS), orderId);
    if (world.server.log("KV_ORDERS").last(inbox)) wrong.push(`${orderId} has an inbox`);
  }
  if (kept.lastSequence !== WAVES_MS.length) wrong.push(`${kept.lastSequence} traces were stored`);
  return wrong;
}

/** Every public event is in the log exactly once. */
function events(world: CrashWorld): string[] {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { headers } of publicEvents(world)) {
    const id = headers["ce-id"] ?? "";
    if (seen.has(id)) wrong.push(`event ${id} was published twice`);
    seen.add(id);
  }
  return wrong;
}

function publicEvents(world: CrashWorld): StoredMessage[] {
  const log = world.server.log("KV_ORDERS");
  const found: StoredMessage[] = [];
  for (let at = 1; ; ) {
    const next = log.next(at, (subject) => subject.startsWith("orders.events."));
    if (!next) return found;
    found.push(next);
    at = next.sequence + 1;
  }
}

/**
 * One number for each completed order, no number twice, and no gap within a year, except numbers that the next
 * document gets. The document shows the same number. A cancelled order has no number, or a number and a credit note;
 * credit notes are numbered by the same rules.
 */
async function invoices(world: CrashWorld, answered: readonly AnsweredOrder[]): Promise<string[]> {
  const wrong: string[] = [];
  const numbers = new Map<string, string>();
  const documents = openedByAudit(world.documents, world.server);
  const keep = async (number: string, key: string, name: string): Promise<void> => {
    if (numbers.has(number)) wrong.push(`number ${number} is that of ${key} and ${numbers.get(number)}`);
    numbers.set(number, key);
    const document = await documents.get(name);
    if (document?.metadata["number"] !== number)
      wrong.push(`${key}: number ${number}, document ${document?.metadata["number"]}`);
  };
  let credited = 0;
  for (const { id, key, outcome } of answered) {
    const number = numberIn(world, `order.${id}`);
    const credit = numberIn(world, `credit-order.${id}`);
    if (number !== undefined) await keep(number, key, id);
    if (credit !== undefined) await keep(credit, key, creditNoteName(id));
    credited += credit === undefined ? 0 : 1;
    if ((credit !== undefined) !== (number !== undefined && outcome === "cancelled"))
      wrong.push(`${key}, ${outcome}: invoice ${number}, credit note ${credit}`);
    if (outcome !== "completed") continue;
    const last = recordsOf(world, id).at(-1)?.record.snapshot.machines;
    const { invoice, document: retrieved } = last ? orderMachinesOf(last).fulfillment.context : {};
    if (invoice?.number === undefined || invoice.number !== number)
      wrong.push(`${key} has invoice ${number}, and knows ${invoice?.number}`);
    const document = await documents.get(id);
    const digest = createHash("sha256")
      .update(document?.bytes ?? "")
      .digest("base64url");
    if (retrieved?.sha256 !== digest || retrieved.bytes !== document?.bytes.length)
      wrong.push(`${key}: another invoice than the stored one went into its parcel`);
  }
  if (credited === 0) wrong.push("no invoice has a credit note");
  const years = Map.groupBy(numbers.keys(), (number) => number.slice(0, -7));
  if (years.size < 3) wrong.push(`documents of ${[...years.keys()].join(", ")}`);
  for (const [year, given] of years) {
    const spare = spareOf(world, year);
    const all = [...spare, ...given.map((number) => Number(number.slice(-6)))].toSorted((a, b) => a - b);
    if (all.some((number, index) => number !== index + 1))
      wrong.push(`the numbers of ${year} have gaps: ${given.toSorted().join(" ")}, spare ${spare.join(" ")}`);
  }
  return wrong;
}

/** Numbers of the current year that the next document gets: the orders they were allocated to had other numbers. */
function spareOf(world: CrashWorld, year: string): number[] {
  const { keys, text } = year.startsWith("CN-") ? creditNoteSeries : { keys: "", text: numberText };
  const ofYear = Number(year.slice(-4));
  const counter = entryOf(world, `${keys}year.${ofYear}`) as Counter | undefined;
  if (counter === undefined || counter.closed) return [];
  // An order without a recorded number still gets this one: it is not spare.
  const unused = counter.given.filter(({ number, order }) => {
    const key = `${keys}order.${order}`;
    return entryOf(world, key) !== undefined && numberIn(world, key) !== text(ofYear, number);
  });
  return spareNumbers(
    counter,
    unused.map(({ number }) => number),
  );
}

function numberIn(world: CrashWorld, key: string): string | undefined {
  return (entryOf(world, key) as { number?: string } | undefined)?.number;
}

function entryOf(world: CrashWorld, key: string): unknown {
  const entry = world.server.log("KV_INVOICES_NUMBERS").all(`$KV.INVOICES_NUMBERS.${key}`).at(-1);
  return entry && (JSON.parse(entry.payload) as unknown);
}

/** One mail for every event that has a template; an event that could not be mailed is one dead letter. */
function mails(world: CrashWorld): string[] {
  const dead = new Set<number>();
  const wrong: string[] = [];
  for (const { item, worker } of world.queues.dead) {
    if (dead.has(item.sequence) || worker !== "email") wrong.push(`dead letter of ${item.subject}`);
    dead.add(item.sequence);
  }
  const mailed: ReadonlySet<string> = new Set(mailedEvents);
  for (const { headers, sequence } of publicEvents(world)) {
    const id = headers["ce-id"] ?? "";
    if (!mailed.has(headers["ce-type"] ?? "")) continue;
    if (world.mails.has(id) === dead.has(sequence))
      wrong.push(`${id}: ${dead.has(sequence) ? "mailed and dead" : "never mailed"}`);
  }
  if (dead.size === 0) wrong.push("no event became a dead letter");
  return wrong;
}

/** Every partition is open on one node, no order is parked any more, and no checkpoint lists an actor. */
function owners(world: CrashWorld): string[] {
  const open = [...world.running.values()].flatMap(({ node }) =>
    node
      .status()
      .partitions.filter((found) => found.open)
      .map(({ partition }) => partition),
  );
  const wrong: string[] = [];
  if (open.length !== PARTITIONS || new Set(open).size !== PARTITIONS)
    wrong.push(`partitions are open as ${open.join(" ")}`);
  const parked = [...world.running.values()].flatMap(({ node }) => node.status().partitions);
  if (parked.some((one) => one.parked > 0)) wrong.push("an order is parked for ever");
  const checkpoints = world.server.log("KV_FLOORS").lastPerSubject("$KV.FLOORS.>");
  for (const { payload } of checkpoints) {
    const { open, behind } = JSON.parse(payload) as { open: string[]; behind?: string[] };
    if (open.length + (behind?.length ?? 0) > 0)
      wrong.push(`a checkpoint lists ${[...open, ...(behind ?? [])].join(" ")}`);
  }
  return wrong;
}
