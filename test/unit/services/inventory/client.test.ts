/** Requests to the inventory from a node that owns it, and from one that does not. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { systemClock } from "../../../../src/adapters/local/system-clock.ts";
import { type EffectContext, EffectError } from "../../../../src/runtime/definition.ts";
import type { Bus, BusAnswer } from "../../../../src/runtime/ports.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../../../src/services/inventory/client.ts";
import { inventoryEffects } from "../../../../src/services/inventory/inventory-effects.ts";
import { InventoryService } from "../../../../src/services/inventory/service.ts";
import { InventoryShard } from "../../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../../../src/services/inventory/shard-dependencies.ts";
import { countingIds, eagerClock, turns } from "./fake-log.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { EUR, ownedShard, type OwnedShard } from "./owned-shard.ts";

/** One process' view of a bus without delays; `lose` drops answers after the work was done. */
class FakeBus implements Bus {
  readonly served = new Map<string, (payload: string) => Promise<string>>();
  requests = 0;
  lose = 0;
  readonly payloads: string[] = [];
  up = true;

  async request(subject: string, payload: string): Promise<BusAnswer> {
    this.requests++;
    this.payloads.push(payload);
    const handler = this.served.get(subject);
    if (!handler) return { status: "no_responders" };
    const answer = await handler(payload);
    if (this.lose > 0 && this.lose--) return { status: "unanswered", reason: "lost" };
    return { status: "answered", payload: answer };
  }
  async serve(subject: string, handler: (payload: string) => Promise<string>) {
    this.served.set(subject, handler);
    return { stop: async () => void this.served.delete(subject) };
  }
  flush = () => Promise.resolve();
  connected = () => this.up;
  onConnectionChange(): void {}
}

type Stage = {
  readonly bus: FakeBus;
  readonly owner: OwnedShard;
  readonly service: InventoryService;
  /** On the owner's node. */
  readonly near: InventoryClient;
  /** On another one. */
  readonly far: InventoryClient;
  /** From now on nothing is stored; before, all waiting writes are. */
  readonly stop: () => void;
};

/** @param deadlineMs short in tests of the deadline */
async function stage(t: { teardown(run: () => void): void }, deadlineMs = 10_000): Promise<Stage> {
  const bus = new FakeBus();
  const owner = await ownedShard();
  const service = new InventoryService(0, owner.shard, bus);
  await service.acquire(await owner.takeOver());
  const clock = systemClock;
  const limits = { ...CLIENT_LIMITS, deadlineMs, backoffMs: 5, maxBackoffMs: 20 };
  const elsewhere = new InventoryShard(0, {
    journal: owner.log.journal,
    sink: owner.relay,
    ids: countingIds("far"),
    clock,
    limits: SHARD_LIMITS,
    unverified: () => undefined,
  });
  const client = (shard: InventoryShard, name: string) =>
    new InventoryClient({
      shard,
      number: 0,
      bus,
      clock,
      ids: countingIds(name),
      idempotencySecret: "secret",
      limits,
    });
  let stopped = false;
  const timer = setInterval(() => stopped || owner.relay.flush(), 1);
  const stop = () => {
    stopped = true;
  };
  t.teardown(() => clearInterval(timer));
  return { bus, owner, service, near: client(owner.shard, "near"), far: client(elsewhere, "far"), stop };
}

const shirt = { name: "Shirt", price: EUR(100) };
const order = (orderId: string, quantity: number) => ({ orderId, lines: [{ sku: "A", quantity }] });

t.test(
  "a client on the owner's node does not use the bus; a client on another node gets the same answers",
  async (t) => {
    const { bus, near, far } = await stage(t);
    t.match(await near.put("A", { onHand: 5, ...shirt }), { status: "stored", stock: { onHand: 5 } });
    t.equal(bus.requests, 0);
    t.match(await far.reserve(order("o1", 2)), { status: "ok", output: { outcome: "reserved" } });
    t.match(await far.get("A"), { status: "found", stock: { onHand: 5, reserved: 2, available: 3 } });
    t.strictSame(await far.get("A"), await near.get("A"));
    t.strictSame(await far.get("B"), { status: "not_found" });
    t.strictSame(await far.list({ limit: 10 }), await near.list({ limit: 10 }));
    t.match(await far.put("A", { onHand: 1, ...shirt }), { status: "below_reserved", reserved: 2 });
    t.match(await far.ship({ orderId: "o1" }), { output: { outcome: "shipped" } });
    t.match(await far.release({ orderId: "o1" }), { output: { outcome: "shipped" } });
  },
);

t.test("a request whose answer is lost is repeated and done once", async (t) => {
  const { bus, far, near } = await stage(t);
  bus.lose = 1;
  t.match(await far.put("A", { onHand: 5, ...shirt }), { stock: { onHand: 5 } });
  bus.lose = 2;
  t.match(await far.reserve(order("o1", 2), { fresh: true }), { output: { outcome: "reserved" } });
  bus.lose = 1;
  t.match(await far.ship({ orderId: "o1" }), { output: { outcome: "shipped" } });
  t.match(await near.get("A"), { stock: { onHand: 3, reserved: 0 } });
});

t.test("only the first try of a reservation says that the order is new", async (t) => {
  const { bus, far } = await stage(t);
  await far.put("A", { onHand: 5, ...shirt });
  bus.lose = 2;
  const before = bus.payloads.length;
  t.match(await far.reserve(order("o1", 2), { fresh: true }), { output: { outcome: "reserved" } });
  t.same(
    bus.payloads.slice(before).map((payload) => (JSON.parse(payload) as { fresh?: boolean }).fresh),
    [true, undefined, undefined],
  );
});

t.test("without an owner a client tries until its deadline", async (t) => {
  const { bus, service, far } = await stage(t, 150);
  await service.drain();
  t.equal(bus.served.size, 0);
  const asked = bus.requests;
  t.match(await far.get("A"), { status: "unavailable" });
  const tries = bus.requests - asked;
  t.ok(tries > 3 && tries < 40, `${tries} tries`);
});

t.test("a client finds the owner that comes while it tries", async (t) => {
  const { service, owner, far, bus } = await stage(t);
  await service.drain();
  const asked = bus.requests;
  const late = far.put("A", { onHand: 1, ...shirt });
  await waitUntil("the client has tried without success", () => bus.requests > asked + 1);
  await service.acquire(await owner.takeOver());
  t.match(await late, { status: "stored" });
});

t.test("a node that has lost the server answers nothing from memory", async (t) => {
  const { owner, near } = await stage(t, 150);
  await near.put("A", { onHand: 5, ...shirt });
  owner.unverify("this node is not connected to NATS");
  t.match(await near.get("A"), { status: "unavailable", reason: /not connected/ });
});

t.test("a call on the owner's own node ends at its deadline when nothing gets stored", async (t) => {
  const { near, stop } = await stage(t, 150);
  stop();
  t.match(await near.put("A", { onHand: 5, ...shirt }), {
    status: "unavailable",
    reason: /not stored in time/,
  });
});

t.test("an aborted call ends", async (t) => {
  const { near, stop } = await stage(t);
  stop();
  const controller = new AbortController();
  const call = near.release({ orderId: "o1" }, { signal: controller.signal });
  controller.abort();
  t.match(await call, { status: "unavailable" });
});

t.test("a known SKU is requested once, an unknown one every time", async (t) => {
  const { bus, far } = await stage(t);
  await far.put("A", { onHand: 0, ...shirt });
  const before = bus.requests;
  t.strictSame(await far.known(["A", "B"]), { status: "checked", unknown: ["B"] });
  t.strictSame(await far.known(["A"]), { status: "checked", unknown: [] });
  t.equal(bus.requests - before, 1);
  t.strictSame(await far.known(["B"]), { status: "checked", unknown: ["B"] }, "asked again");
  await far.put("B", { onHand: 0, ...shirt });
  t.strictSame(await far.known(["A", "B"]), { status: "checked", unknown: [] });
});

t.test("a payload that is no request is refused without effect", async (t) => {
  const { bus } = await stage(t);
  const hostile = [
    "",
    "[]",
    '{"op":"steal"}',
    '{"op":"get"}',
    '{"op":"release","orderId":"a.b"}',
    '{"op":"release","orderId":"*"}',
    '{"op":"reserve","orderId":"o1","lines":[]}',
    '{"op":"reserve","orderId":"o1","lines":[{"sku":"A","quantity":"1"}]}',
    '{"op":"list","limit":100000}',
  ];
  for (const payload of hostile)
    t.match(
      await bus.request(inventorySubjects.requests(0), payload),
      { payload: /invalid_request/ },
      payload,
    );
});

t.test("the shard is served by its owner only, and no longer once it is lost", async (t) => {
  const { bus, service, owner } = await stage(t);
  t.ok(bus.served.has(inventorySubjects.requests(0)));
  service.revoke();
  await turns();
  t.equal(bus.served.size, 0);
  t.equal(owner.shard.open, false);
  const acquiring = service.acquire(await owner.takeOver());
  service.revoke();
  await t.rejects(acquiring);
  await turns();
  t.equal(bus.served.size, 0);
});

const context = (input: unknown): EffectContext => ({
  actor: "o1",
  key: "k",
  input,
  attempt: 1,
  resumed: false,
  signal: new AbortController().signal,
});

/** The error of a failed run. */
async function failure(run: Promise<unknown>): Promise<unknown> {
  const error = await run.catch((error: unknown) => error);
  return error instanceof EffectError ? [error.kind, error.code] : error;
}

t.test("effects join where the shard is, and are run where it is not", async (t) => {
  const { near, far, owner } = await stage(t);
  await near.put("A", { onHand: 5, ...shirt });
  const here = inventoryEffects(near, owner.shard);
  const joined = here.reserveInventory.join?.decide(context(order("o1", 2)));
  t.match(joined?.output, { outcome: "reserved" });
  joined?.resolved(false);
  const there = inventoryEffects(
    far,
    new InventoryShard(0, {
      journal: owner.log.journal,
      sink: owner.relay,
      ids: countingIds("x"),
      clock: eagerClock(),
      limits: SHARD_LIMITS,
      unverified: () => undefined,
    }),
  );
  t.equal(there.reserveInventory.join?.decide(context(order("o1", 2))), undefined);
  t.match(await there.reserveInventory.run(context(order("o1", 2))), { outcome: "reserved" });
  t.match(await there.releaseInventory.run(context({ orderId: "o1" })), { outcome: "released" });
  t.match(await there.shipInventory.run(context({ orderId: "o1" })), { outcome: "released" });
});

t.test("a refusal of the inventory is final, and its unavailability is retryable", async (t) => {
  const { near, far, service, owner } = await stage(t, 150);
  const effects = inventoryEffects(far, owner.shard);
  t.strictSame(await failure(effects.shipInventory.run(context({ orderId: "o1" }))), ["refused", "no_hold"]);
  t.strictSame(await failure(effects.shipInventory.run(context({}))), ["refused", "invalid_input"]);
  t.equal(effects.shipInventory.join?.decide(context(null)), undefined);
  await near.put("A", { onHand: 1, ...shirt });
  await service.drain();
  t.strictSame(await failure(effects.reserveInventory.run(context(order("o1", 1)))), [
    "retryable",
    "inventory_unavailable",
  ]);
});
