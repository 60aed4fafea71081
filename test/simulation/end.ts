/** After the last fault: when a run has converged, and what has to hold then. */
import { mailedEvents } from "../../src/services/email/worker.ts";
import { creditNoteName } from "../../src/services/invoice/invoices.ts";
import { messageIdOf } from "../../src/services/email/mailer.ts";
import { difference } from "../../src/services/payments/reconciliation.ts";
import type { Customers } from "./customers.ts";
import type { OrderLedger } from "./order-ledger.ts";
import type { World } from "./world.ts";

const ENDED = ["completed", "returned", "cancelled", "rejected", "payment_failed", "payment_expired"];
const CLOSED = ["rejected", "payment_failed", "payment_expired", "cancelled", "returned"];

/** A query of a page that is due within this time is awaited, ms. */
const AWAITED_MS = 20_000;

/** Why the run has not converged yet; empty when it has. Everything that began has to end. */
export function unfinished(world: World): string[] {
  const left: string[] = [];
  if (world.waiting > 0) left.push(`${world.waiting} clients wait`);
  const running = [...world.nodes.values()];
  for (const name of world.wanted) if (!world.nodes.has(name)) left.push(`${name} does not run`);
  for (const name of world.changing) left.push(`${name} starts or stops`);
  for (const order of world.log.orders.values()) left.push(...unfinishedOrder(world, order));
  const held = running.flatMap(({ node }) => node.status().held).toSorted();
  if (held.length !== world.plan.partitions + 1 || new Set(held).size !== held.length)
    left.push(`held are ${held.join(" ")}`);
  const open = running.flatMap(({ node }) =>
    node.status().partitions.flatMap(({ open, partition }) => (open ? [partition] : [])),
  );
  if (open.length !== world.plan.partitions || new Set(open).size !== open.length)
    left.push(`open are ${open.join(" ")}`);
  for (const { name, node } of running) {
    const { relay, partitions } = node.status();
    if (relay.depth > 0) left.push(`${name} has ${relay.depth} write sets`);
    for (const { lag, partition } of partitions) if (lag > 0) left.push(`partition ${partition} lags ${lag}`);
    for (const { newer, unreadable, partition } of partitions)
      if (newer + unreadable > 0) left.push(`${newer + unreadable} of partition ${partition} cannot be read`);
  }
  for (let partition = 0; partition < world.plan.partitions; partition++) {
    const { open: listed = [], behind = [] } = world.cluster.checkpoint(partition) ?? {};
    const named = [...listed, ...behind].filter((id) => !isWatched(world.log.order(id)));
    if (named.length > 0) left.push(`the checkpoint of partition ${partition} lists ${named.join(" ")}`);
  }
  for (const { id, type } of mailed(world)) {
    if (!world.providers.mails.has(messageIdOf(id))) left.push(`no mail about ${type} ${id}`);
  }
  return left;
}

function unfinishedOrder(world: World, order: OrderLedger): string[] {
  const { id, last, status } = order;
  if (world.log.parked.has(id)) return [`${id} is parked`];
  if (!ENDED.includes(status)) return [`${id} is ${status}: ${JSON.stringify(statesOf(order))}`];
  if (isWatched(order)) return isPaidUnseen(world, order) ? [`${id} was paid late, and has not seen it`] : [];
  const open = [...(last?.snapshot.effects ?? []), ...(last?.snapshot.timers ?? [])];
  const left = open.length > 0 ? [`${id} (${status}) has open ${open.map((one) => one.id).join(" ")}`] : [];
  if (CLOSED.includes(status) && order.hold?.state === "reserved") left.push(`${id} still holds stock`);
  left.push(...missingDocuments(world, order));
  const restocked = order.machines?.fulfillment.context.sentBack?.goods === "restocked";
  if (restocked !== (order.hold?.returned === true)) left.push(`the goods of ${id} are not back`);
  return left;
}

/** Documents that the workers still have to make: their stores may have been away. */
function missingDocuments({ providers }: World, { id, machines, status }: OrderLedger): string[] {
  if (machines?.fulfillment.context.invoice === undefined) return [];
  const credited = status === "cancelled" || status === "returned";
  const names = credited ? [id, creditNoteName(id)] : [id];
  return names.filter((name) => !providers.stored.has(name)).map((name) => `${name} is not stored`);
}

/** Money that the order will find with a query that is due soon. Queries get rare: a later one is not awaited. */
function isPaidUnseen(world: World, order: OrderLedger): boolean {
  const { authorized, refunded } = world.providers.books.balance(order.id);
  const looks = order.last?.snapshot.timers ?? [];
  return authorized > refunded && looks.every(({ dueAt }) => dueAt - world.cluster.clock.now() < AWAITED_MS);
}

const statesOf = ({ last }: OrderLedger): unknown[] =>
  Object.values(last?.snapshot.machines ?? {}).map(({ value }) => value);

/** The order has ended, and its page is still checked, for half a day. */
function isWatched(order: OrderLedger | undefined): boolean {
  const value = order?.machines?.payment.value;
  return typeof value === "object" && "watching" in value;
}

function mailed(world: World): { readonly id: string; readonly type: string }[] {
  return mailedEvents.flatMap((type) => (world.log.events.get(type) ?? []).map(({ id }) => ({ id, type })));
}

/** Acknowledged inputs that no record has yet: the owner has not received them, since a message may arrive late. */
export function unapplied(world: World, customers: Customers): string[] {
  return [...customers.acknowledged.values()].flatMap(({ by, id }) =>
    world.log.order(id)?.probed.includes(by) === true ? [] : [`${by} of ${id} was acknowledged and is lost`],
  );
}

/** Once the run has converged: nothing is lost, nothing counts twice, goods, money and documents agree. */
export async function checkEnd(world: World, customers: Customers): Promise<void> {
  const { log, violations } = world;
  for (const id of customers.placed) if (!log.order(id)) violations.add(`${id} was acknowledged and is lost`);
  for (const id of customers.cancelled) {
    const { status } = log.order(id) ?? {};
    if (status !== "cancelled") violations.add(`${id} was cancelled and is ${status}`);
  }
  for (const lost of unapplied(world, customers)) violations.add(lost);
  for (const order of log.orders.values()) checkMoney(world, order);
  const mails = new Set(mailed(world).map(({ id }) => messageIdOf(id)));
  for (const id of world.providers.mails.keys())
    if (!mails.has(id)) violations.add(`mail ${id} is about no event`);
  await checkDocuments(world);
}

function checkMoney(world: World, order: OrderLedger): void {
  const { id, machines, status } = order;
  if (!machines) return;
  // A later look finds it.
  if (isWatched(order) && (order.last?.snapshot.timers.length ?? 0) > 0) return;
  const { books } = world.providers;
  const fault = (text: string): void => world.violations.add(`${id} is ${status}: ${text}`);
  if (books.authorizations(id) > 1) fault("it was charged twice");
  const { authorized, settled, refunded } = books.balance(id);
  const kept = settled - refunded;
  const closed = CLOSED.includes(status);
  if (closed && (kept > 0 || (authorized > 0 && refunded < authorized)))
    fault(`${authorized} authorized, ${kept} kept`);
  const { value, context } = machines.payment;
  const found = difference(id, { orderId: id, value, context, underWay: false }, books.bookings(id));
  if (found) fault(JSON.stringify(found));
  const { method, total } = machines.order.context;
  const due = method === "cash_on_delivery" || method === "in_person" ? 0 : (total?.amount ?? 0);
  if (status === "completed" && kept !== due) fault(`paid ${kept} of ${due}`);
}

/** One invoice with a number of its own for every order that was shipped; a credit note for a cancelled one with it. */
async function checkDocuments(world: World): Promise<void> {
  const { cluster, log, providers, violations } = world;
  const numbers = new Map<string, string>();
  for (const { id, status, machines } of log.orders.values()) {
    const [invoice, note] = await cluster.done(
      Promise.all([providers.documents.get(id), providers.documents.get(creditNoteName(id))]),
    );
    const recorded = machines?.fulfillment.context.invoice?.number;
    const number = invoice?.metadata["number"];
    if (recorded !== undefined && recorded !== number)
      violations.add(`${id} records invoice ${recorded}, the store has ${number}`);
    if (status === "completed" && number === undefined)
      violations.add(`${id} is completed without an invoice`);
    if (note && status !== "cancelled" && status !== "returned")
      violations.add(`${id} is ${status} and has a credit note`);
    if (status === "returned" && !note) violations.add(`${id} is returned, and its invoice is not cancelled`);
    const credited = machines?.fulfillment.context.creditNote?.number;
    if (credited !== undefined && credited !== note?.metadata["number"])
      violations.add(`${id} records credit note ${credited}, the store has ${note?.metadata["number"]}`);
    if (number === undefined) continue;
    if (numbers.has(number)) violations.add(`${id} and ${numbers.get(number)} have invoice ${number}`);
    numbers.set(number, id);
  }
}
