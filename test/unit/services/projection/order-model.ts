/** Random orders, and a plain filter over them in memory: what a projection has to answer. */
import { paymentMethods } from "../../../../src/services/orders/contract.ts";
import type { CountKey, OrderSummary, Sort } from "../../../../src/services/projection/contract.ts";
import type { OrderChange } from "../../../../src/services/projection/fold.ts";
import type { Selection } from "../../../../src/services/projection/selection.ts";
import { isFinal, type Shape, waitsOf } from "../../../../src/services/projection/shape.ts";

export const START = Date.parse("2026-11-01T00:00:00.000Z");

/** The same numbers for the same seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export const statuses = ["confirmed", "awaiting_payment", "completed", "cancelled"] as const;
const skus = ["A", "B-1", "MUG-BLUE", "TSHIRT-M"];
const names = ["Mug, blue", "T-shirt M", "Größe", undefined];

const pick = <T>(random: (below: number) => number, list: readonly T[]): T => list[random(list.length)]!;

export function randomShape(random: (below: number) => number): Shape {
  const status = pick(random, statuses);
  const payment = pick(random, ["authorized", "captured"]);
  return {
    status,
    payment,
    fulfillment: pick(random, ["stored", "delivered"]),
    method: pick(random, paymentMethods.slice(0, 3)),
    states: [`order:${status}`, `payment:${payment}`, ...(random(3) === 0 ? ["fulfillment:packed"] : [])],
    awaited: pick(random, [[], ["person"], ["effect", "timer"]]),
    over: status === "completed" || status === "cancelled",
    parked: false,
  };
}

/** The changes of orders 0 to `orders` - 1, some of which change again and again. */
export function randomChanges(
  random: (below: number) => number,
  orders: number,
  steps: number,
): OrderChange[] {
  const created = Array.from({ length: orders }, () => START + random(30 * 86_400_000));
  return Array.from({ length: steps }, (_, step) => {
    const order = random(orders);
    const known = random(6) > 0;
    return {
      id: `ord_${order}`,
      partition: order % 4,
      record: {
        sequence: step + 1,
        version: step + 1,
        createdAt: created[order]!,
        updatedAt: created[order]! + random(10_000_000),
        shape: randomShape(random),
        total: known ? { amount: random(5000), currency: "EUR" } : null,
        trackingNumber: random(3) === 0 ? `T${order}` : null,
        invoiceNumber: random(4) === 0 ? `2026-${order}` : null,
        facts: step + 1,
      },
      facts: {
        version: step + 1,
        customer: `cus_${random(20)}`,
        group: random(2) === 0 ? `g${random(5)}` : null,
        placedBy: random(2) === 0 ? `k${random(5)}` : null,
        reference: random(3) === 0 ? `r${order}` : null,
        lines: Array.from({ length: 1 + random(3) }, () => {
          const name = pick(random, names);
          return {
            sku: pick(random, skus),
            quantity: 1 + random(3),
            ...(name === undefined ? {} : { name }),
          };
        }),
      },
      ...(random(10) === 0 ? { parked: random(2) === 0 } : {}),
    };
  });
}

/** An order as the plain fold has it. */
export type ModelOrder = OrderChange & Required<Pick<OrderChange, "record" | "facts" | "parked">>;

/** The last of everything. */
export function plainFold(changes: readonly OrderChange[]): ModelOrder[] {
  const orders = new Map<string, OrderChange>();
  for (const change of changes) orders.set(change.id, { ...orders.get(change.id), ...change });
  return [...orders.values()].map((order) => {
    const parked = order.parked ?? false;
    const record = order.record!;
    return { ...order, parked, record: { ...record, shape: { ...record.shape, parked } } } as ModelOrder;
  });
}

const wordsIn = (text: string): string[] =>
  text
    .toLowerCase()
    .normalize("NFD")
    .replaceAll(/\p{M}/gu, "")
    .split(/[^\p{L}\p{N}._-]+/u)
    .flatMap((word) => [word, ...word.split(/[._-]/u)]);

function hasWords(order: ModelOrder, q: string): boolean {
  const { facts, id, record } = order;
  const lines = facts.lines.flatMap(({ name = "", sku }) => [sku, name]);
  const texts = [id, facts.customer, ...lines, record.trackingNumber ?? "", record.invoiceNumber ?? ""];
  const words = texts.flatMap(wordsIn);
  return q
    .toLowerCase()
    .split(" ")
    .every((word) => words.some((one) => (word.length < 3 ? one === word : one.startsWith(word))));
}

/** Whether an order fits, condition by condition. */
export function fits(order: ModelOrder, s: Selection): boolean {
  const { facts, record } = order;
  const { createdAt, shape, total, updatedAt } = record;
  const conditions = [
    s.status?.includes(shape.status),
    s.payment?.includes(shape.payment),
    s.fulfillment?.includes(shape.fulfillment),
    s.method?.includes(shape.method),
    s.in?.some((state) => shape.states.includes(state)),
    s.waitsFor?.some((wait) => waitsOf(shape).includes(wait)),
    s.parked === undefined ? undefined : s.parked === order.parked,
    s.customerId === undefined ? undefined : s.customerId === facts.customer,
    s.placedBy === undefined ? undefined : s.placedBy === facts.placedBy,
    s.persons?.includes(facts.group ?? ""),
    s.sku?.some((sku) => facts.lines.some((line) => line.sku === sku)),
    s.trackingNumber === undefined ? undefined : s.trackingNumber === record.trackingNumber,
    s.invoiceNumber === undefined ? undefined : s.invoiceNumber === record.invoiceNumber,
    s.externalReference === undefined ? undefined : s.externalReference === facts.reference,
    s.q === undefined ? undefined : hasWords(order, s.q),
    s.createdAfter === undefined ? undefined : createdAt >= s.createdAfter,
    s.createdBefore === undefined ? undefined : createdAt < s.createdBefore,
    s.updatedAfter === undefined ? undefined : updatedAt >= s.updatedAfter,
    s.updatedBefore === undefined ? undefined : updatedAt < s.updatedBefore,
    s.minTotal === undefined ? undefined : total !== null && total.amount >= s.minTotal,
    s.maxTotal === undefined ? undefined : total !== null && total.amount <= s.maxTotal,
    s.stuckSince === undefined ? undefined : !isFinal(shape) && updatedAt <= s.stuckSince,
    s.partition?.includes(order.partition),
  ];
  return !conditions.includes(false);
}

/** What a list is sorted by. Orders with equal values are in the order of their making. */
export function keyOf({ record }: ModelOrder, sort: Sort): number {
  if (sort.endsWith("createdAt")) return record.createdAt;
  return sort.endsWith("updatedAt") ? record.updatedAt : (record.total?.amount ?? -1);
}

/** The counts of some orders by a key. */
export function countsOf(orders: readonly ModelOrder[], by: CountKey): Map<string, number> {
  const keys = orders.flatMap(({ record: { createdAt, shape } }) => {
    const time = new Date(createdAt).toISOString();
    if (by === "day") return [time.slice(0, 10)];
    if (by === "hour") return [`${time.slice(0, 13)}:00Z`];
    return by === "state" ? shape.states : [shape[by]];
  });
  return new Map([...Map.groupBy(keys, (key) => key)].map(([key, all]) => [key, all.length]));
}

/** A filter of one to four random conditions. */
export function randomSelection(random: (below: number) => number): Selection {
  const time = (): number => START + random(30 * 86_400_000);
  const conditions: (() => Selection)[] = [
    () => ({ status: [pick(random, statuses), pick(random, statuses)] }),
    () => ({ payment: [pick(random, ["authorized", "captured"])] }),
    () => ({ fulfillment: [pick(random, ["stored", "delivered"])] }),
    () => ({ method: [pick(random, paymentMethods)] }),
    () => ({ in: [pick(random, ["order:confirmed", "fulfillment:packed", "payment:captured"])] }),
    () => ({ waitsFor: [pick(random, ["person", "customer", "effect", "timer"] as const)] }),
    () => ({ parked: random(2) === 0 }),
    () => ({ customerId: `cus_${random(22)}` }),
    () => ({ placedBy: `k${random(6)}` }),
    () => ({ persons: random(4) === 0 ? [] : [`g${random(6)}`, `g${random(6)}`] }),
    () => ({ sku: random(2) === 0 ? [pick(random, skus)] : [pick(random, skus), pick(random, skus)] }),
    () => ({ trackingNumber: `T${random(300)}` }),
    () => ({ invoiceNumber: `2026-${random(300)}` }),
    () => ({ externalReference: `r${random(300)}` }),
    () => ({
      q: pick(random, ["mug", "mug-b", "grosse", "T-SHIRT", "tshirt-m cus_1", "blue 2026", "ord", "m", "b"]),
    }),
    () => ({ createdAfter: time() }),
    () => ({ createdBefore: time() }),
    () => ({ updatedAfter: time() }),
    () => ({ updatedBefore: time() }),
    () => ({ minTotal: random(5000) }),
    () => ({ maxTotal: random(5000) }),
    () => ({ stuckSince: time() }),
    () => ({ partition: [random(4)] }),
  ];
  return Object.assign(
    {},
    ...Array.from({ length: random(5) }, () => pick(random, conditions)()),
  ) as Selection;
}

/** The ids of summaries, in their order. */
export const idsOf = (orders: readonly OrderSummary[]): string[] => orders.map(({ id }) => id);
