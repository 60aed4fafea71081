/** The people of a simulated shop, and its carrier: stock, the warehouse, repeated failures, parked orders. */
import type { ActorReply } from "../../src/runtime/actors.ts";
import type { AdjustStock } from "../../src/services/inventory/contract.ts";
import {
  allowedCommands,
  dueOnDelivery,
  failedMachine,
  type OrderMachines,
} from "../../src/services/orders/status.ts";
import type { Customers } from "./customers.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

const TRIES = 60;
/** Answers after which a clerk repeats the request. */
const NOT_NOW: readonly string[] = ["unavailable", "overloaded", "storage_unavailable", "refused"];
const IN_TRANSIT: ReadonlySet<string> = new Set([
  "report-refused",
  "report-unclaimed",
  "report-lost",
  "receive",
  "settle",
]);
/** What the carrier says of a parcel besides its delivery. */
const WORDS = ["refused", "unclaimed", "lost", "returned"] as const;

/** See the top of the file. */
export class Staff {
  private readonly world: World;
  private readonly customers: Customers;
  private readonly random: Random;
  /** Orders that a command is under way for. */
  private readonly busy = new Set<string>();
  private readonly reported = new Set<string>();
  private readonly receiving = new Set<string>();
  private readonly results = new Map<string, string>();
  private asked = 0;

  constructor(world: World, customers: Customers) {
    this.world = world;
    this.customers = customers;
    this.random = new Random(world.plan.seed, "staff");
  }

  /** What they do within one step. @param eager they leave nothing undone */
  act(eager: boolean): void {
    const { random, world } = this;
    if (!eager && random.chance(0.1)) void this.count(random.pick(world.plan.skus), this.pieces());
    if (!eager && random.chance(0.1)) void this.adjust(random.pick(world.plan.skus));
    if (eager) for (const sku of world.plan.skus) void this.receiveWhatIsShort(sku);
    for (const order of world.log.orders.values()) {
      if (eager || random.chance(0.3)) this.step(order.id);
      if (eager || random.chance(0.6)) this.report(order.id);
    }
    for (const [id, parking] of world.log.parked) {
      if (eager || random.chance(0.3)) void this.unpark(id, parking, eager);
    }
  }

  /** Sets the counted stock: an absolute number. */
  async count(sku: string, onHand: number): Promise<void> {
    const { random, world } = this;
    const name = `${sku} ${random.pick(["red", "blue"])}`;
    await world.insist(random, TRIES, async (node) => {
      const price = { amount: random.chance(0.8) ? 100 : 120, currency: "EUR" };
      const reply = await node.inventory.put(sku, { onHand, name, price });
      if (reply.status === "stored") world.replies.checkStock(`a count at ${node.name}`, reply.stock);
      return reply.status === "stored" || reply.status === "below_reserved" ? true : undefined;
    });
  }

  /** A clerk changes the count by what was found, lost or counted, perhaps twice with one key. */
  private async adjust(sku: string): Promise<void> {
    const { random, world } = this;
    const idempotencyKey = `adjust-${++this.asked}`;
    const expected = random.chance(0.3) ? world.log.stocks.get(sku)?.at(-1)?.onHand : undefined;
    const change: AdjustStock = {
      reason: "count",
      ...(random.chance(0.5)
        ? { delta: random.pick([-5, -2, -1, 1, 4]) }
        : { countedTo: this.pieces() >> 1 }),
      ...(expected !== undefined && { expected }),
    };
    for (let times = random.pick([1, 1, 2]); times > 0; times--)
      await this.insistOn(sku, change, idempotencyKey);
  }

  private async insistOn(sku: string, change: AdjustStock, idempotencyKey: string): Promise<void> {
    const { random, world } = this;
    await world.insist(random, TRIES, async ({ inventory, name }) => {
      const result = await inventory.adjust(sku, change, { idempotencyKey, caller: "clerk" });
      world.trace.say(`@${name}`, `${idempotencyKey} of ${sku}: ${result.status}`);
      if (result.status === "idempotency_key_reused")
        world.violations.add(`${idempotencyKey} was not reused`);
      if (result.status === "adjusted") this.checkOnce(idempotencyKey, JSON.stringify(result.adjustment));
      return NOT_NOW.includes(result.status) ? undefined : true;
    });
  }

  /** Each key has one result, whatever crashes. */
  private checkOnce(key: string, result: string): void {
    const first = this.results.get(key) ?? result;
    this.results.set(key, first);
    if (first !== result) this.world.violations.add(`${key} had the results ${first} and ${result}`);
  }

  /** In the end every order can be shipped. */
  private async receiveWhatIsShort(sku: string): Promise<void> {
    const stock = this.world.log.stocks.get(sku)?.at(-1);
    const short = stock ? stock.reserved - stock.onHand : 0;
    if (!stock || short <= 0 || this.receiving.has(sku)) return;
    this.receiving.add(sku);
    const change: AdjustStock = { delta: short, expected: stock.onHand, reason: "received" };
    await this.insistOn(sku, change, `receipt-${++this.asked}`);
    this.receiving.delete(sku);
  }

  private pieces(): number {
    return this.world.plan.stock + this.random.between(0, this.world.plan.stock);
  }

  /** The warehouse takes the next step of an order; an operator repeats what has failed. */
  private step(id: string): void {
    const { random, world } = this;
    const machines = world.log.order(id)?.machines;
    if (!machines || this.busy.has(id) || world.log.parked.has(id)) return;
    const failed = failedMachine(machines);
    const next = allowedCommands(machines).find((command) => command !== "cancel" && command !== "retry");
    if (failed) void this.command(id, failed, { type: "retry" });
    else if (next === "quality-check")
      void this.command(id, "fulfillment", { type: next, passed: random.chance(0.8) });
    else if (next === "deliver") {
      const due = dueOnDelivery(machines);
      const paid = due && due.amount > 0 ? { collected: due } : {};
      const event = random.chance(0.75) ? { type: next, ...paid } : this.otherReport(machines);
      void this.command(id, "fulfillment", event);
    } else if (next) void this.command(id, "fulfillment", { type: next });
  }

  /** What an operator reports about a parcel in transit that is not delivered. */
  private otherReport(machines: OrderMachines): object {
    const possible = allowedCommands(machines).filter((command) => IN_TRANSIT.has(command));
    const type = this.random.pick(possible);
    return { type, restock: this.random.chance(0.7), reason: "a small difference" };
  }

  private async command(id: string, machine: string, event: object): Promise<void> {
    const { random, world } = this;
    const sent = event as { readonly type: string };
    const commandId = `${sent.type}-s${++this.asked}`;
    this.busy.add(id);
    await world.insist(random, 8, async ({ actors, name }) => {
      const reply = await actors.command(id, machine, sent, { commandId, waitMs: 0 });
      this.say(name, `${commandId} ${id}`, reply);
      return reply.status === "ok" || reply.status === "illegal" ? true : undefined;
    });
    this.busy.delete(id);
  }

  /** The carrier reports a delivery, or what else became of the parcel: once, twice or never. */
  private report(id: string): void {
    const machines = this.world.log.order(id)?.machines;
    const { trackingNumber } = machines?.fulfillment.context ?? {};
    if (!machines || trackingNumber === undefined || this.reported.has(id)) return;
    const { value } = machines.fulfillment;
    const shipped = typeof value === "object" && ("shipped" in value || "shipping" in value);
    if (!shipped) return;
    this.reported.add(id);
    const due = dueOnDelivery(machines);
    const collected = due && due.amount > 0 ? due : null;
    if (this.random.chance(0.2)) {
      const event = { type: `carrier.${this.random.pick(WORDS)}`, trackingNumber };
      void this.customers.webhook(id, "fulfillment", event, `parcel_${id}`);
      // A second word that may contradict the first, arrive before it, or be true.
      if (this.random.chance(0.5))
        void this.customers.webhook(
          id,
          "fulfillment",
          { type: `carrier.${this.random.pick(WORDS)}`, trackingNumber } as { type: string },
          `parcel_${id}_again`,
        );
      return;
    }
    const wrong = this.random.chance(0.15);
    const event = {
      type: "carrier.delivered",
      trackingNumber,
      collected: wrong ? { amount: (collected?.amount ?? 0) + 1, currency: "EUR" } : collected,
    };
    void this.customers.webhook(id, "fulfillment", event, `parcel_${id}`);
  }

  /** An operator repairs the program and resumes the order, or skips the input. */
  private async unpark(id: string, parking: string, eager: boolean): Promise<void> {
    if (this.busy.has(id)) return;
    const { random, world } = this;
    this.busy.add(id);
    const mends = random.chance(0.5);
    await world.insist(random, 2, async ({ actors, name }) => {
      const found = (await actors.list().catch(() => [])).find(({ actor }) => actor === id);
      if (mends && found?.input?.kind === "event") world.mended.add(found.input.id);
      const again = mends || (!eager && random.chance(0.1));
      const reply = again ? await actors.resume(id) : await actors.skip(id, parking);
      this.say(name, `${again ? "resume" : "skip"} ${id}`, reply);
      return true;
    });
    this.busy.delete(id);
  }

  private say(node: string, what: string, reply: ActorReply): void {
    this.world.trace.say(`@${node}`, `${what}: ${reply.status}`);
  }
}
