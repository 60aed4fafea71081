/**
 * Checks every message in the moment in which the server stores it: one linear history for each order, nothing twice,
 * stock that is the sum of the holds, no record of a deposed epoch. Reads the logs alone.
 */
import type { MemoryLog } from "../../src/adapters/memory/log.ts";
import { readChanges } from "../../src/runtime/actor/record-changes.ts";
import { readRecord } from "../../src/runtime/actor/record-decoding.ts";
import { type ActorRecord, readFacts, RecordHeader } from "../../src/runtime/actor/snapshot.ts";
import { limits } from "../../src/runtime/limits.ts";
import type { MachineEntry } from "../../src/runtime/definition.ts";
import { readLock } from "../../src/runtime/cluster/lock-entry.ts";
import type { StoredMessage } from "../../src/runtime/ports.ts";
import { sameMoney } from "../../machines/money.ts";
import { orderMachines } from "../../src/services/orders/definition.ts";
import { orderMachinesOf } from "../../src/services/orders/status.ts";
import { readHold, readStock, type StoredStock } from "../../src/services/inventory/stored.ts";
import { inventorySubjects } from "../../src/services/inventory/subjects.ts";
import { subjects } from "../../src/services/subjects.ts";
import { stepFaults } from "../support/audits/edge-audit.ts";
import { stockFaults } from "../support/audits/stock-audit.ts";
import { OrderLedger, probedIn } from "./order-ledger.ts";
import { probeOf } from "./probe.ts";
import type { Trace } from "./trace.ts";
import type { Violations } from "./violations.ts";

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
  returning: ["shipped"],
  returned: ["shipped"],
};

const INVENTORY_LOCK = subjects.lock("inventory.0");

type Lock = { readonly epoch: number; readonly node: string };

/** A sample of the server's clock is wrong by half a second at most, and the date of a record is held for a second. */
const EARLIEST_MS = 1_500;
/** A write set waits for its batch at most as long as an isolated owner repeats it. */
const LATEST_MS = 30_000;
/**
 * A schedule may fire as late as the plan says, and a little later on a server whose clock was set; that of a timer
 * which its owner fires has the grace.
 */
const FIRED_WITHIN_MS = 1_000 + limits.timerGraceMs;

/** See the top of the file. */
export class LogAudit {
  readonly orders = new Map<string, OrderLedger>();
  /** By SKU, oldest first. */
  readonly stocks = new Map<string, StoredStock[]>();
  /** Public events: their ids, by type. */
  readonly events = new Map<string, { readonly order: string; readonly id: string }[]>();
  /** Order's id to the id of its parking. */
  readonly parked = new Map<string, string>();
  /** Number of times that a lock has named another node or process. */
  takeovers = 0;
  /** Timers that the server has fired, and those that their owners have. */
  firedByServer = 0;
  firedByOwner = 0;
  /** Of the latter, those without a schedule that an earlier owner had armed. */
  firedBySuccessor = 0;
  /** When each timer should fire, by order and generation: one that is stored after its time fires at once. */
  private readonly due = new Map<string, number>();
  /** The epoch in which each timer without a schedule was armed, by order and generation. */
  private readonly unscheduled = new Map<string, number>();
  /** By how much the clock of the servers has been set in all, ms. */
  private setMs = 0;
  stored = 0;
  private readonly violations: Violations;
  private readonly trace: Trace;
  private readonly locks = new Map<string, Lock>();
  private readonly eventIds = new Set<string>();
  private readonly commits = new Set<string>();
  /** Orders and SKUs that the newest messages have touched. */
  private readonly touched = new Set<OrderLedger>();
  private stockTouched = false;
  private readonly reserved = new Map<string, number>();
  private readonly shipped = new Map<string, number>();
  private readonly returned = new Map<string, number>();
  /** The newest record's commit and the node that wrote it. */
  private newest = { commit: "", node: "" };

  constructor(logs: readonly MemoryLog[], violations: Violations, trace: Trace) {
    this.violations = violations;
    this.trace = trace;
    for (const [stream, log] of logs.entries()) {
      let next = 1;
      log.onStored(() => {
        for (; next <= log.lastSequence; next++) {
          const message = log.at(next);
          if (message) this.take(stream, message);
        }
        this.checkTouched();
      });
    }
  }

  order(id: string): OrderLedger | undefined {
    return this.orders.get(id);
  }

  /** The node that the lock of a resource names now; empty without one. */
  owner(lock: string): string {
    return this.locks.get(lock)?.node ?? "";
  }

  /** The clock of the servers was set. */
  serverClockSet(ms: number): void {
    this.setMs += Math.abs(ms);
  }

  private take(stream: number, message: StoredMessage): void {
    const { subject, sequence, payload } = message;
    this.stored++;
    const [root = "", kind = "", partition = "", id = ""] = subject.split(".");
    const label = stream === 0 ? "log" : `log ${stream}`;
    const node = message.headers[RecordHeader.node] ?? "";
    this.trace.say(label, `${sequence} ${subject}${node && ` by ${node}`}`, payload);
    if (root === "$KV") {
      if (kind.length > 0 && partition === "stock") this.takeStock(payload);
      else if (partition !== "catalogue" && partition !== "adjustments") this.takeLock(subject, message);
    } else if (kind === "journal") this.takeRecord(stream, Number(partition), id, message);
    else if (kind === "facts") this.takeFacts(id, message);
    else if (kind === "holds") this.takeHold(partition, message);
    else if (kind === "events") this.takeEvent(subject, message);
    else if (kind === "parked") this.takeParking(id, payload);
    else if (kind === "inbox") this.takeInput(id, message);
  }

  private takeLock(subject: string, { payload, sequence }: StoredMessage): void {
    const entry = readLock(payload);
    if (!entry) this.violations.add(`${subject}: the lock's entry cannot be read`);
    if (entry && entry.node !== "") this.takeovers++;
    this.locks.set(subject, { epoch: sequence, node: entry?.node ?? "" });
  }

  /** They follow their record in its batch. */
  private takeFacts(id: string, { payload, sequence }: StoredMessage): void {
    const order = this.orders.get(id);
    const facts = readFacts(payload);
    const fault = (text: string): void => this.violations.add(`${id}, facts at ${sequence}: ${text}`);
    if (!order || !facts) return fault("they are of no order, or cannot be read");
    if (facts.version !== order.facts.length + 1)
      fault(`version ${facts.version} after ${order.facts.length}`);
    if (order.last?.snapshot.facts?.version !== facts.version)
      fault("the record before names another version");
    order.facts.push(facts);
  }

  private takeRecord(stream: number, partition: number, id: string, message: StoredMessage): void {
    const { headers, sequence } = message;
    const record = readRecord(message)!;
    const order = this.orders.get(id) ?? new OrderLedger(id, partition);
    this.orders.set(id, order);
    const before = order.last;
    const { snapshot, commit } = record;
    const at = `${id}, record at ${sequence}`;
    const fault = (text: string): void => this.violations.add(`${at}: ${text}`);
    if (snapshot.version !== order.records.length + 1)
      fault(`version ${snapshot.version} after ${order.records.length}`);
    if (this.commits.has(commit)) fault(`commit ${commit} is stored twice`);
    this.commits.add(commit);
    if (new Set(snapshot.commands).size !== snapshot.commands.length) fault("an input was applied twice");
    const lock = this.locks.get(subjects.lock(`partition.${partition}`, stream));
    const epoch = Number(headers[RecordHeader.epoch]);
    const node = headers[RecordHeader.node] ?? "";
    if (epoch !== lock?.epoch || node !== lock.node)
      fault(`written by ${node} in epoch ${epoch}, and the lock is ${lock?.node} in ${lock?.epoch}`);
    const [seen, seenBefore] = [probedIn(record), probedIn(before)];
    if (seenBefore.some((by, index) => seen[index] !== by))
      fault(`forgets inputs of ${seenBefore.join(" ")}`);
    if (new Set(seen).size !== seen.length) fault(`an input was applied twice: ${seen.join(" ")}`);
    if (before && snapshot.inbox < before.snapshot.inbox) fault("the inbox offset goes back");
    const ageMs = message.at - snapshot.updatedAt;
    if (ageMs < -EARLIEST_MS - this.setMs || ageMs > LATEST_MS + this.setMs)
      fault(`dated ${ageMs} ms before the server stored it`);
    for (const text of edgeFaults(record)) fault(text);
    const { total, expectedTotal } = orderMachinesOf(snapshot.machines).order.context;
    if (total && expectedTotal && !sameMoney(total, expectedTotal))
      fault(`costs ${total.amount}, and the customer agreed to ${expectedTotal.amount}`);
    for (const { generation, dueAt, unscheduled } of snapshot.timers) {
      const timer = `${id} ${generation}`;
      if (unscheduled && !this.unscheduled.has(timer)) this.unscheduled.set(timer, epoch);
      if (!this.due.has(timer)) this.due.set(timer, Math.max(dueAt, message.at));
    }
    if (record.input.startsWith("timer:")) this.takeTimer(id, epoch, record, before, fault);
    order.records.push(record);
    for (const { src } of snapshot.effects) order.opened.add(src);
    // Decided and closed within one record: the inventory joined it.
    for (const opened of record.effects?.opened ?? []) order.opened.add(opened);
    this.newest = { commit, node };
    this.touched.add(order);
  }

  /** An owner fires none of its timers before its time, as it knows the server's clock. */
  private takeTimer(
    id: string,
    epoch: number,
    { snapshot }: ActorRecord,
    before: ActorRecord | undefined,
    fault: (text: string) => void,
  ): void {
    if (!before || snapshot.inbox > before.snapshot.inbox) return;
    this.firedByOwner++;
    const open = new Set(snapshot.timers.map(({ generation }) => generation));
    const gone = before.snapshot.timers.filter(({ generation }) => !open.has(generation));
    const armedIn = gone.map(({ generation }) => this.unscheduled.get(`${id} ${generation}`) ?? epoch);
    if (armedIn.some((armed) => armed < epoch)) this.firedBySuccessor++;
    // A timer that has fired may wait for its actor while the owner learns that the clock was set back.
    if (!gone.some(({ dueAt }) => dueAt <= snapshot.updatedAt + this.setMs))
      fault("the owner fired a timer before its time");
  }

  /** A timer fires neither before its time by the server's clock nor much later. */
  private takeInput(id: string, { payload, at, sequence }: StoredMessage): void {
    const input = JSON.parse(payload) as { kind: string; generation?: number };
    if (input.kind !== "timer") return;
    this.firedByServer++;
    const timer = `${id} ${input.generation}`;
    if (this.unscheduled.has(timer))
      this.violations.add(`timer of ${id} at ${sequence}: the server fired it, and it has no schedule`);
    const lateMs = at - (this.due.get(timer) ?? Number.NaN);
    if (!(lateMs >= -this.setMs && lateMs <= FIRED_WITHIN_MS + this.setMs))
      this.violations.add(`timer of ${id} at ${sequence}: fired ${lateMs} ms after its time`);
  }

  private takeHold(id: string, { payload, headers, sequence }: StoredMessage): void {
    const hold = readHold(payload);
    const order = this.orders.get(id);
    const fault = (text: string): void => this.violations.add(`hold of ${id} at ${sequence}: ${text}`);
    if (!order) return fault("an order without a record holds stock");
    const before = order.hold;
    const comesBack = before?.state === "shipped" && !before.returned && hold.returned === true;
    const fits = !before || comesBack || (before.state === "reserved" && hold.state !== "reserved");
    if (comesBack && order.machines?.fulfillment.context.sentBack?.goods !== "restocked")
      fault("it came back, and its order does not know it");
    if (!fits) fault(`${hold.state} after ${before.state}`);
    // A hold that joined an order's commit: decided on the node that wrote the record.
    if (headers[RecordHeader.commit] === this.newest.commit) {
      const lock = this.locks.get(INVENTORY_LOCK);
      if (lock?.node !== this.newest.node)
        fault(`joined by ${this.newest.node}, and the inventory is ${lock?.node}'s`);
    }
    if (before?.state === "reserved") this.count(this.reserved, before.lines, -1);
    if (hold.state === "reserved") this.count(this.reserved, hold.lines, 1);
    if (hold.state === "shipped") this.count(comesBack ? this.returned : this.shipped, hold.lines, 1);
    order.holds.push(hold);
    this.touched.add(order);
    this.stockTouched = true;
  }

  private count(sums: Map<string, number>, lines: StoredHoldLines, sign: number): void {
    for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + sign * quantity);
  }

  private takeStock(payload: string): void {
    try {
      const stock = readStock(payload);
      const history = this.stocks.get(stock.sku) ?? [];
      for (const fault of stockFaults(history.at(-1), stock)) this.violations.add(fault);
      this.stocks.set(stock.sku, history);
      history.push(stock);
    } catch (error) {
      this.violations.add(String(error));
    }
    this.stockTouched = true;
  }

  private takeEvent(subject: string, { headers }: StoredMessage): void {
    const id = headers["ce-id"] ?? "";
    if (this.eventIds.has(id)) this.violations.add(`event ${id} is stored twice`);
    this.eventIds.add(id);
    const type = subject.split(".").slice(3).join(".");
    const events = this.events.get(type) ?? [];
    this.events.set(type, events);
    events.push({ id, order: headers["ce-subject"] ?? "" });
  }

  private takeParking(id: string, payload: string): void {
    const { status, id: parking } = JSON.parse(payload) as { status: string; id?: string };
    if (status === "parked") this.parked.set(id, parking ?? "");
    else this.parked.delete(id);
  }

  /** What has to hold between two batches. */
  private checkTouched(): void {
    for (const order of this.touched) {
      const hold = order.hold?.state ?? "none";
      const { status } = order;
      if (!(HOLD_OF[status] ?? ["reserved"]).includes(hold))
        this.violations.add(`${order.id} is ${status}, its hold ${hold}`);
    }
    this.touched.clear();
    if (!this.stockTouched) return;
    this.stockTouched = false;
    for (const [sku, history] of this.stocks) {
      const stock = history.at(-1);
      const [reserved, shipped] = [this.reserved.get(sku) ?? 0, this.shipped.get(sku) ?? 0];
      if (stock && (stock.reserved !== reserved || stock.shipped !== shipped)) {
        const { subject } = { subject: inventorySubjects.stock(sku) };
        this.violations.add(
          `${subject}: ${stock.reserved} reserved and ${stock.shipped} shipped, the holds have ${reserved} and ${shipped}`,
        );
      }
    }
  }
}

type StoredHoldLines = readonly { readonly sku: string; readonly quantity: number }[];

const audited: Readonly<Record<string, MachineEntry>> = {
  ...orderMachines,
  probe: probeOf("present", new Set()),
};

/** Every step of every machine, edge by edge. */
function edgeFaults(record: ActorRecord): string[] {
  const changes = readChanges(record);
  if (!changes) return ["its changes cannot be read"];
  return changes.transitions.flatMap((step) => {
    const { machine } = audited[step.machine] ?? {};
    if (!machine) return [`${step.machine} is no machine`];
    // Programs differ in where the probe begins.
    return step.machine === "probe" && step.from === null ? [] : stepFaults(machine, step);
  });
}
