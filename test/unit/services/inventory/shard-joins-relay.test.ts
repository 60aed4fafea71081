/** The shard's decisions within orders' write sets, through the relay: record, hold and stock, under two locks. */
import t from "tap";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { LockRef } from "../../../../src/runtime/commit/write-set.ts";
import type { Joined } from "../../../../src/runtime/definition.ts";
import type { AppendResult } from "../../../../src/runtime/ports.ts";
import { InventoryShard } from "../../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../../../src/services/inventory/shard-dependencies.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { relayStage } from "../../runtime/commit/relay-stage.ts";
import { countingIds } from "./fake-log.ts";
import { EUR, output, release, reserve, ship } from "./owned-shard.ts";

const FOREIGN = "another writer";
const TOO_LARGE: AppendResult = { status: "rejected", code: 10054, reason: "message is too large" };

/** A shard with 10 pieces of A, and a partition of orders, on one node. */
async function stage() {
  const world = relayStage();
  const { clock, relay, server } = world;
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    let ended = false;
    void promise.finally(() => (ended = true));
    if (!(await clock.advanceUntil(() => ended, 60_000))) throw new Error("not answered in a minute");
    return promise;
  };
  const shard = new InventoryShard(0, {
    journal: memoryNode(server, "one").journal,
    sink: relay,
    ids: countingIds("own"),
    clock,
    limits: SHARD_LIMITS,
    unverified: () => undefined,
  });
  const partition = world.lock("partition.0");
  const inventory = world.lock("inventory.0");
  await done(shard.acquire(inventory.epoch));
  const put = (onHand: number) =>
    done(
      shard.answer<"put">({
        op: "put",
        sku: "A",
        stock: { onHand, name: "A", price: EUR(100) },
        command: `put${onHand}`,
      }),
    );
  await put(10);
  world.appended.length = 0;

  /** Submits an order's write set with what joins it, as a cascade does. */
  const order = (commit: string, part: Joined | undefined, sequence: number | undefined = 0): void => {
    if (!part) throw new Error("did not join");
    const record = subjects.record(0, commit.split("-")[0] ?? "");
    const headers = { [RecordHeader.commit]: commit };
    world.submitWriteSet({
      commit,
      locks: [partition, part.lock],
      messages: [
        { subject: record, payload: commit, headers, messageId: commit },
        ...part.messages.map(({ fence: _fence, ...message }) => ({ ...message, headers })),
      ],
      preconditions: [{ subject: record, sequence }, ...part.messages.flatMap(({ fence }) => fence ?? [])],
      ...(part.delta && { deltas: [part.delta] }),
      resolved: (outcome) => {
        if (outcome.status === "stored") part.resolved(true, outcome.sequences);
        else part.resolved(false);
      },
    });
  };
  /** Places an order for some pieces of A. */
  const place = (id: string, pieces: number): void =>
    order(id, shard.joinReserve(reserve(id, ["A", pieces])));
  const stocks = () => world.under(inventorySubjects.stock("A")).map((payload) => JSON.parse(payload));
  /** Reserved pieces, as the log and as the shard has them; both must always agree. */
  const reserved = async (): Promise<number[]> => {
    const reply = await done(shard.answer<"get">({ op: "get", sku: "A" }));
    return [stocks().at(-1).reserved, output<"get">(reply)?.reserved ?? -1];
  };
  /** How many pieces a new order may take now. */
  const available = (): number => {
    const part = shard.joinReserve(reserve("probe", ["A", 1000]));
    const refusal = part?.output as { missing?: readonly { available: number }[] } | undefined;
    part?.resolved(false);
    return refusal?.missing?.[0]?.available ?? -1;
  };
  return {
    ...world,
    resolvedOrder: world.order,
    shard,
    partition,
    inventory,
    put,
    done,
    order,
    place,
    stocks,
    reserved,
    available,
  };
}
type Stage = Awaited<ReturnType<typeof stage>>;

t.test(
  "orders that reserve together: one batch with one stock message, and both locks checked",
  async (t) => {
    const world = await stage();
    world.place("a", 2);
    world.place("b", 3);
    world.place("c", 1);
    t.equal(world.available(), 4, "what is decided counts at once");
    await world.resolved(3);
    t.equal(world.appended.length, 1);
    const fences = world.appended[0]?.flatMap(({ fence }) => fence?.subject ?? []) ?? [];
    for (const { subject } of [world.partition, world.inventory])
      t.equal(fences.filter((fenced) => fenced === subject).length, 1);
    t.same(
      world.stocks().map((stock) => stock.reserved),
      [0, 6],
    );
    t.same(await world.reserved(), [6, 6]);
    t.equal(world.available(), 4);
  },
);

/** What refuses the order `a` alone, all else being in place. */
const layers: Readonly<Record<string, (world: Stage) => void>> = {
  "its record": ({ store }) => void store(subjects.record(0, "a"), FOREIGN),
  "its hold": ({ store }) =>
    void store(
      inventorySubjects.hold("a"),
      JSON.stringify({ orderId: "a", state: "released", lines: [], total: null }),
    ),
  "the server": ({ refusals }) =>
    void refusals.push((messages) =>
      messages.some(({ messageId }) => messageId === "a") ? TOO_LARGE : undefined,
    ),
};

t.test(
  "an order that is refused reserves nothing, and the stock of the others is computed again",
  async (t) => {
    for (const [what, bring] of Object.entries(layers)) {
      const world = await stage();
      bring(world);
      world.place("b", 2);
      world.place("a", 5);
      world.place("c", 1);
      await world.resolved(3);
      t.same(["b", "c"].map(world.status), ["stored", "stored"], what);
      t.equal(world.status("a"), what === "the server" ? "refused" : "fenced", what);
      t.same(await world.reserved(), [3, 3], what);
      t.ok(
        world.stocks().every((stock) => stock.reserved <= 3),
        `${what}: no stock message counts the refused order`,
      );
      t.equal(world.available(), 7, `${what}: its pieces are free again`);
      t.notOk(
        world.holds("a").some((payload) => payload.includes("reserved")),
        what,
      );
    }
  },
);

t.test("the inventory's lock moved alone: nothing that was decided from its stock is stored", async (t) => {
  const world = await stage();
  const before = world.stocks().length;
  world.store(world.inventory.subject, FOREIGN);
  world.place("a", 5);
  world.place("b", 9);
  const second = world.shard.joinReserve(reserve("c", ["A", 9]));
  t.match(second?.output, { outcome: "out_of_stock" });
  t.same(second?.messages, [], "a refusal in the first record writes nothing of its own");
  world.order("c", second);
  await world.resolved(3);
  t.same(["a", "b", "c"].map(world.status), ["lock_moved", "lock_moved", "lock_moved"]);
  t.equal(world.stocks().length, before);
  t.same([world.holds("a"), world.stored("a"), world.stored("c")], [[], [], []]);
  t.same(world.moved, [world.inventory]);
});

t.test(
  "the partition's lock moved alone: its orders reserve nothing, and the inventory's own writes are stored",
  async (t) => {
    const world = await stage();
    world.store(world.partition.subject, FOREIGN);
    world.place("a", 5);
    const own = world.shard.answer<"reserve">({ ...reserve("x", ["A", 2]), fresh: true });
    await world.resolved(1);
    t.match(output<"reserve">(await world.done(own)), { outcome: "reserved" });
    t.equal(world.status("a"), "lock_moved");
    t.same(await world.reserved(), [2, 2]);
    t.equal(world.available(), 8);
  },
);

t.test("a reservation whose answer is lost counts once, however it is found again", async (t) => {
  const after: Readonly<Record<string, (world: Stage) => void>> = {
    nothing: () => {},
    "another writer has the record": ({ store }) => void store(subjects.record(0, "a"), FOREIGN),
    "the partition has another owner": ({ store, partition }) => {
      store(partition.subject, FOREIGN);
      store(subjects.record(0, "a"), FOREIGN);
    },
  };
  for (const [what, change] of Object.entries(after)) {
    const world = await stage();
    let lost = false;
    world.faults.push(({ kind }) => {
      if (kind !== "append" || lost) return undefined;
      lost = true;
      return { lose: "answer" };
    });
    world.place("a", 4);
    await world.clock.advance(50);
    change(world);
    await world.resolved(1);
    t.equal(world.status("a"), "stored", what);
    t.same(await world.reserved(), [4, 4], what);
    t.equal(world.available(), 6, what);
    t.equal(world.holds("a").length, 1, what);
  }
});

t.test(
  "reserved and shipped, reserved and released, each by joining: the hold's own fence follows",
  async (t) => {
    for (const [how, left] of [
      ["ship", { onHand: 6, reserved: 0 }],
      ["release", { onHand: 10, reserved: 0 }],
    ] as const) {
      const world = await stage();
      world.place("a", 4);
      await world.resolved(1);
      const part = how === "ship" ? world.shard.joinShip(ship("a")) : world.shard.joinRelease(release("a"));
      t.equal(part?.messages[0]?.fence?.sequence, world.lastHold("a"), how);
      world.order("a-2", part, world.last("a"));
      await world.resolved(2);
      t.equal(world.status("a-2"), "stored", how);
      t.match(world.stocks().at(-1), left, how);
      t.same(await world.reserved(), [0, 0], how);
    }
  },
);

t.test(
  "a hold that was ended by the next owner refuses a shipment that joins, though the record fits",
  async (t) => {
    const world = await stage();
    world.place("a", 4);
    await world.resolved(1);
    const part = world.shard.joinShip(ship("a"));
    world.store(inventorySubjects.hold("a"), FOREIGN);
    world.order("a-2", part, world.last("a"));
    await world.resolved(2);
    t.equal(world.status("a-2"), "fenced");
    t.same(world.stored("a"), ["a"]);
    t.match(world.stocks().at(-1), { onHand: 10, reserved: 4 });
  },
);

t.test(
  "many orders in halves of a batch that was refused: the stock in the log is always the acknowledged one",
  async (t) => {
    const world = await stage();
    world.refusals.push(({ length }) => (length > 9 ? TOO_LARGE : undefined));
    for (let n = 0; n < 10; n++) world.place(`o${n}`, 1);
    t.equal(world.available(), 0);
    await world.resolved(10);
    t.same(await world.reserved(), [10, 10]);
    const steps = world.stocks().map((stock) => stock.reserved);
    t.same(
      steps,
      steps.toSorted((a, b) => a - b),
    );
    t.ok(steps.length > 3, "in several batches");
    t.match(world.shard.joinReserve(reserve("late", ["A", 1]))?.output, { outcome: "out_of_stock" });
  },
);

t.test("a put and reservations in one batch are one stock message", async (t) => {
  const world = await stage();
  const put = world.put(20);
  world.place("a", 3);
  await world.resolved(1);
  await put;
  t.match(world.stocks().at(-1), { onHand: 20, reserved: 3, put: "put20" });
  t.equal(world.stocks().length, 2);
  t.same(await world.reserved(), [3, 3]);
  const locks: LockRef[] = [world.partition, world.inventory];
  t.equal(world.appended.length, 1, `under ${locks.length} locks`);
});
