/** Customers of a simulated shop: they place orders, repeat requests, read, cancel, and pay on pages. */
import type { OrderInput, PaymentMethod } from "../../machines/types.ts";
import type { ActorReply } from "../../src/runtime/actors.ts";
import type { Choice } from "../../nodes/gateway/pages.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

const METHODS: readonly PaymentMethod[] = [
  "cash_on_delivery",
  "in_person",
  "credit_card",
  "debit_card",
  "tokenized",
  "async",
  "async",
];
const UNTOKENED: ReadonlySet<PaymentMethod> = new Set(["cash_on_delivery", "in_person", "async"]);
/** What customers do on their pages; the rest just leaves. */
const CHOICES: readonly Choice[] = ["pay", "pay", "pay", "pay", "decline"];
/** Answers after which a client repeats its request. */
const NOT_NOW: readonly string[] = ["unavailable", "overloaded", "storage_unavailable"];
const TRIES = 60;
/** Notes to one order: an actor remembers its latest 16 inputs, and other inputs need room as well. */
const NOTES_MAX = 4;
const LATEST_WEBHOOK_MS = 1500;

/** See the top of the file. */
export class Customers {
  /** All orders that a customer has placed, or tried to. */
  readonly orders = new Map<string, { readonly input: OrderInput; readonly request?: string }>();
  /** Orders whose start was answered. */
  readonly placed = new Set<string>();
  readonly cancelled = new Set<string>();
  /** Inputs whose acknowledgement a sender has got. `by`: its id; `id`: of its order. */
  readonly acknowledged = new Map<string, { readonly by: string; readonly id: string }>();
  private readonly world: World;
  private readonly random: Random;
  private readonly notes = new Map<string, number>();
  private asked = 0;

  constructor(world: World) {
    this.world = world;
    this.random = new Random(world.plan.seed, "customers");
  }

  /** What they do within one step. */
  act(): void {
    const { random, world } = this;
    for (let i = random.between(0, 2); i > 0 && this.orders.size < world.plan.orders; i--) this.place();
    for (; world.rush > 0; world.rush--) this.place();
    const ids = [...this.orders.keys()];
    if (ids.length === 0) return;
    for (let i = random.between(0, 3); i > 0; i--) void this.read(random.pick(ids));
    if (random.chance(0.12)) void this.cancel(random.pick(ids));
    if (random.chance(0.25)) void this.repeat(random.pick(ids));
    for (let i = random.between(0, 2); i > 0; i--) this.note(random.pick(ids));
    if (random.chance(0.15)) this.poison(random.pick(ids));
    for (const id of ids) {
      if (random.chance(0.1)) this.visit(id, random.pick(CHOICES));
      // Only while the machine checks: `reconcile` alone finds later payments.
      if (random.chance(0.05) && this.isWatched(id)) this.visit(id, "pay_late");
    }
  }

  private place(): void {
    const { random, world } = this;
    const { plan } = world;
    const orderId = `ord_${++this.asked}`;
    const method = random.pick(METHODS);
    const chosen = plan.skus
      .filter(() => random.chance(0.6))
      .map((sku) => ({ sku, quantity: random.between(1, 3) }));
    const lines = chosen.length > 0 ? chosen : [{ sku: "A", quantity: 1 }];
    const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
    const input: OrderInput = {
      // The prices change: some orders end because of it.
      ...(random.chance(0.3) ? { expectedTotal: { amount: pieces * 100, currency: "EUR" } } : {}),
      orderId,
      customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
      lines,
      payment: { method, ...(UNTOKENED.has(method) ? {} : { token: "tok_ok" }) },
      shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
      fulfillment: {
        mode: random.chance(plan.manualShare) ? "manual" : "auto",
        stepDelayMs: plan.stepDelayMs,
      },
      hostedPayment: { deadlineMs: plan.deadlineMs, pollMs: plan.pollMs, pollMaxMs: plan.pollMaxMs },
      taxBasisPoints: 2300,
    };
    // With a key the client repeats until it has an answer; without one each try creates an order with a new id.
    const keyed = random.chance(0.7);
    this.orders.set(orderId, { input, ...(keyed ? { request: `hash-${orderId}` } : {}) });
    void this.start(orderId, keyed ? TRIES : 1);
  }

  private async start(id: string, tries: number): Promise<void> {
    const { random, world } = this;
    const order = this.orders.get(id);
    if (!order) return;
    const { input, request } = order;
    const waitMs = random.pick([0, 0, 1500]);
    await world.insist(random, tries, async ({ actors, name, inventory }) => {
      const known = random.chance(0.3) ? await inventory.known(input.lines.map(({ sku }) => sku)) : undefined;
      if (known?.status === "checked" && known.unknown.length > 0)
        world.violations.add(`${known.unknown.join(" ")} was answered unknown`);
      this.say(name, `start ${id}`);
      const options = {
        waitMs,
        mayExist: request !== undefined,
        ...(request === undefined ? {} : { request }),
      };
      const reply = await actors.start(id, input, options);
      return this.answered(name, `start ${id}`, reply, () => this.placed.add(id));
    });
  }

  /** The same start once more, or with the key of another request. */
  private async repeat(id: string): Promise<void> {
    const order = this.orders.get(id);
    if (order?.request === undefined) return;
    const { random, world } = this;
    if (random.chance(0.7)) return await this.start(id, TRIES);
    const other = { request: "another hash", waitMs: 0, mayExist: true };
    await world.insist(random, 1, async ({ actors, name }) => {
      // Only of an order that exists: otherwise this start would be the first.
      if (!this.placed.has(id)) return true;
      const reply = await actors.start(id, order.input, other);
      if (reply.status === "ok") world.violations.add(`${id} was started under another key`);
      return this.answered(name, `start ${id} with another request`, reply, () => {});
    });
  }

  private async read(id: string): Promise<void> {
    const { random, world } = this;
    await world.insist(random, 1, async ({ actors, inventory, name }) => {
      this.say(name, `read ${id}`);
      if (random.chance(0.2)) {
        const found = await inventory.get(random.pick(world.plan.skus));
        if (found.status === "found") world.replies.checkStock(`a reading at ${name}`, found.stock);
      }
      return this.answered(name, `read ${id}`, await actors.read(id), () => {});
    });
  }

  private async cancel(id: string): Promise<void> {
    const event = { type: "cancel", reason: "changed my mind" } as { type: string };
    const ok = await this.command(id, "order", event);
    if (ok) this.cancelled.add(id);
  }

  /** True when the command was applied. */
  private async command(id: string, machine: string, event: { readonly type: string }): Promise<boolean> {
    const { random, world } = this;
    const commandId = `${event.type}-${++this.asked}`;
    let applied = false;
    await world.insist(random, TRIES, async ({ actors, name }) => {
      this.say(name, `${commandId} ${id}`);
      const reply = await actors.command(id, machine, event, { commandId, waitMs: 0 });
      return this.answered(name, `${commandId} ${id}`, reply, () => {
        applied = true;
      });
    });
    return applied;
  }

  /** An input to the probe: as a command, or through the inbox. */
  private note(id: string): void {
    const count = this.notes.get(id) ?? 0;
    // An input for an order that does not exist has no effect.
    if (count >= NOTES_MAX || !this.world.log.order(id)) return;
    this.notes.set(id, count + 1);
    const by = `n${++this.asked}`;
    const event = { type: "note", by } as { type: string };
    if (this.random.chance(0.3)) {
      // Two orders get a message with the same id: ids are unique for each order only.
      const other = this.random.pick([...this.orders.keys()]);
      void this.deliver(id, "probe", event, by, 1, `${by} ${id}`);
      if (other !== id && this.world.log.order(other))
        void this.deliver(other, "probe", event, by, 1, `${by} ${other}`);
    } else if (this.random.chance(0.5)) {
      void this.command(id, "probe", event).then((ok) => ok && this.acknowledged.set(by, { by, id }));
    } else void this.deliver(id, "probe", event, by, 1);
  }

  private poison(id: string): void {
    if (!this.world.faults.strikes("poisonous input", 1)) return;
    const by = `p${++this.asked}`;
    void this.deliver(id, "probe", { type: "poison", by } as { type: string }, by, 1);
  }

  /** A customer on the page of an order; the gateway's callback about it arrives once, twice or never. */
  private visit(id: string, choice: Choice): void {
    const event = this.world.providers.books.choose(id, choice);
    if (event) void this.webhook(id, "payment", event, `msg_${id}_${choice}`);
  }

  /** Delivers a message of an outside system as often and as late as the faults decide. */
  async webhook(id: string, machine: string, event: { readonly type: string }, by: string): Promise<void> {
    const { faults } = this.world;
    if (faults.strikes("webhook lost", 0.8)) return;
    const times = faults.strikes("webhook repeated", 0.5) ? 2 : 1;
    await Promise.all(
      Array.from({ length: times }, async () => {
        if (faults.strikes("webhook out of order", 0.5))
          await this.world.cluster.pause(this.random.between(1, LATEST_WEBHOOK_MS));
        await this.deliver(id, machine, event, by, TRIES);
      }),
    );
  }

  private async deliver(
    id: string,
    machine: string,
    event: { readonly type: string },
    by: string,
    tries: number,
    key = by,
  ): Promise<void> {
    const { random, world } = this;
    await world.insist(random, tries, async ({ actors, name }) => {
      this.say(name, `deliver ${by} ${id}`);
      try {
        await actors.deliver(id, machine, event, by);
      } catch (error) {
        this.say(name, `deliver ${by} ${id}: ${String(error)}`);
        return undefined;
      }
      this.say(name, `deliver ${by} ${id}: stored`);
      if (machine === "probe" && event.type === "note") this.acknowledged.set(key, { by, id });
      return true;
    });
  }

  /** @returns undefined when the client repeats the request */
  private answered(name: string, what: string, reply: ActorReply, done: () => void): true | undefined {
    const version = "snapshot" in reply ? ` v${reply.snapshot.version}` : "";
    const reason = "reason" in reply ? ` ${reply.reason}` : "";
    this.say(name, `${what}: ${reply.status}${version}${reason}`);
    if (reply.status === "ok") done();
    // Parked: an operator has to act first.
    const isParked = reply.status === "refused" && reply.code === "actor_parked";
    return NOT_NOW.includes(reply.status) || isParked ? undefined : true;
  }

  private isWatched(id: string): boolean {
    const value = this.world.log.order(id)?.machines?.payment.value;
    return typeof value === "object" && "watching" in value;
  }

  private say(node: string, what: string): void {
    this.world.trace.say(`@${node}`, what);
  }
}
