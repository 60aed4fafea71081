/** What must be true of orders, holds and stock at every moment: read from the log alone. */
import { isDeepStrictEqual } from "node:util";
import { ofPartition } from "../../../../src/runtime/layout.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { INVENTORY_STREAM, inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { partitionOf } from "../../../../src/runtime/subjects.ts";
import type { MemoryLog } from "../../../../src/adapters/memory/log.ts";
import type { ActorRecord, Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { readHold, readStock, type StoredHold } from "../../../../src/services/inventory/stored.ts";
import { type OrderMachines, orderMachinesOf, orderStatus } from "../../../../src/services/orders/status.ts";
import { difference } from "../../../../src/services/payments/reconciliation.ts";
import type { GatewayModel } from "./gateway-model.ts";

/** The states of a hold that fit an order's status; every other status holds its stock. */
const HOLD_OF: Readonly<Record<string, readonly string[]>> = {
  reserving: ["none", "reserved", "refused", "released"],
  rejected: ["none", "refused", "reserved", "released"],
  payment_failed: ["reserved", "released"],
  payment_expired: ["reserved", "released"],
  cancelled: ["reserved", "released"],
  ready: ["reserved", "shipped"],
  shipped: ["shipped"],
  delivered: ["shipped"],
  completed: ["shipped"],
};

/** Checks the log of a run, and collects what it violates. */
export class OrderAudit {
  readonly faults: string[] = [];
  private readonly logs: readonly MemoryLog[];
  /** The first stream, with holds and stock. */
  private readonly log: MemoryLog;
  private readonly partitions: number;
  private readonly skus: readonly string[];
  private readonly recordsByOrder = new Map<string, ActorRecord[]>();
  private readonly checked = new Map<string, number>();

  /** @param logs of all streams, by number */
  constructor(logs: readonly MemoryLog[], partitions: number, skus: readonly string[]) {
    this.logs = logs;
    this.log = logs[INVENTORY_STREAM] as MemoryLog;
    this.partitions = partitions;
    this.skus = skus;
  }

  /** All records of an order; each is read once, because stored records never change. */
  records(id: string): readonly ActorRecord[] {
    const known = this.recordsByOrder.get(id) ?? [];
    this.recordsByOrder.set(id, known);
    const partition = partitionOf(id, this.partitions);
    const stored = ofPartition(partition, this.logs).all(subjects.record(partition, id));
    for (const { payload } of stored.slice(known.length)) known.push(JSON.parse(payload) as ActorRecord);
    return known;
  }

  machines(id: string): OrderMachines | undefined {
    const last = this.records(id).at(-1);
    return last && orderMachinesOf(last.snapshot.machines);
  }

  hold(id: string): StoredHold | undefined {
    const stored = this.log.last(inventorySubjects.hold(id));
    return stored && readHold(stored.payload);
  }

  /** A caller got this answer: exactly this state is in the log. */
  answered(id: string, snapshot: Snapshot): void {
    const record = this.records(id)[snapshot.version - 1];
    const answer = JSON.parse(JSON.stringify(snapshot)) as Snapshot;
    if (!record) this.faults.push(`${id}: a caller got version ${snapshot.version}, which is not stored`);
    // An input that changed nothing raises the inbox sequence in memory alone.
    else if (!isDeepStrictEqual({ ...answer, inbox: 0 }, { ...record.snapshot, inbox: 0 }))
      this.faults.push(`${id}: a caller got another state`);
  }

  /** One line of records for each order, one hold that ends once, and a stock that is the sum of the holds. */
  check(orders: Iterable<string>): void {
    const reserved = new Map<string, number>();
    const shipped = new Map<string, number>();
    for (const id of orders) {
      this.checkRecords(id);
      const hold = this.checkHold(id);
      const counts = hold?.state === "reserved" ? reserved : hold?.state === "shipped" ? shipped : undefined;
      for (const { sku, quantity } of (counts && hold?.lines) ?? []) {
        counts?.set(sku, (counts.get(sku) ?? 0) + quantity);
      }
    }
    for (const sku of this.skus) {
      const message = this.log.last(inventorySubjects.stock(sku));
      if (!message) continue;
      const stock = readStock(message.payload);
      if (stock.reserved !== (reserved.get(sku) ?? 0) || stock.shipped !== (shipped.get(sku) ?? 0)) {
        this.faults.push(
          `${sku}: ${JSON.stringify(stock)}, but holds have ${reserved.get(sku)} reserved and ${shipped.get(sku)} shipped`,
        );
      }
    }
  }

  private checkRecords(id: string): void {
    const records = this.records(id);
    for (let at = this.checked.get(id) ?? 0; at < records.length; at++) {
      const { snapshot } = records[at] as ActorRecord;
      if (snapshot.version !== at + 1)
        this.faults.push(`${id}: record ${at + 1} has version ${snapshot.version}`);
      if (new Set(snapshot.commands).size !== snapshot.commands.length)
        this.faults.push(`${id}: a command was applied twice`);
    }
    this.checked.set(id, records.length);
    const machines = this.machines(id);
    if (!machines) return;
    const status = orderStatus(machines);
    const hold = this.hold(id)?.state ?? "none";
    if (!(HOLD_OF[status] ?? ["reserved"]).includes(hold))
      this.faults.push(`${id} is ${status}, its hold ${hold}`);
  }

  private checkHold(id: string): StoredHold | undefined {
    const states = this.log.all(inventorySubjects.hold(id)).map(({ payload }) => readHold(payload));
    const [first, second, ...more] = states;
    const ends = second === undefined || (first?.state === "reserved" && second.state !== "reserved");
    if (!ends || more.length > 0)
      this.faults.push(`${id}: hold is ${states.map(({ state }) => state).join(" ")}`);
    return second ?? first;
  }

  /** After the last input: everything that began has ended, and goods, money and stock agree. */
  checkEnd(orders: Iterable<string>, gateway: GatewayModel): void {
    if (this.faults.length > 0) return;
    for (const id of orders) {
      const last = this.records(id).at(-1);
      const machines = this.machines(id);
      if (!last || !machines) continue;
      const status = orderStatus(machines);
      const { effects, timers } = last.snapshot;
      if (effects.length + timers.length > 0)
        this.faults.push(
          `${id} (${status}) has open ${[...effects, ...timers].map((one) => one.id).join(" ")}`,
        );
      const hold = this.hold(id)?.state ?? "none";
      const closed = ["rejected", "payment_failed", "payment_expired", "cancelled"].includes(status);
      if (closed && hold === "reserved") this.faults.push(`${id} is ${status} and still holds stock`);
      this.checkMoney(id, status, closed, machines, gateway);
    }
    const seen = new Set<string>();
    for (const log of this.logs) {
      for (let sequence = 1; ; ) {
        const event = log.next(sequence, (subject) => subject.startsWith("orders.events."));
        if (!event) break;
        sequence = event.sequence + 1;
        const key = event.headers["ce-id"] ?? "";
        if (seen.has(key)) this.faults.push(`event ${key} is there twice`);
        seen.add(key);
      }
    }
  }

  private checkMoney(
    id: string,
    status: string,
    closed: boolean,
    { order, payment }: OrderMachines,
    gateway: GatewayModel,
  ): void {
    if (gateway.authorizations(id) > 1) this.faults.push(`${id} was charged twice`);
    const { authorized, settled, refunded } = gateway.balance(id);
    const kept = settled - refunded;
    const isOpen = authorized > 0 && refunded < authorized;
    if (closed && (kept > 0 || isOpen))
      this.faults.push(`${id} is ${status}, and ${authorized}/${kept} is open`);
    const { value, context } = payment;
    const found = difference(id, { orderId: id, value, context, underWay: false }, gateway.bookings(id));
    if (found) this.faults.push(JSON.stringify(found));
    const { method } = order.context;
    const due =
      method === "cash_on_delivery" || method === "in_person" ? 0 : (order.context.total?.amount ?? 0);
    if (status === "completed" && kept !== due)
      this.faults.push(`${id} is completed, paid ${kept} of ${due}`);
  }
}
