/** The relay with write sets of the real shape: an order's record and its hold, under two locks. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { FOREIGN, dependent, hold, orderStage, record, type OrderStage } from "./order-stage.ts";
import { commitsIn, fencesIn, holdOnly } from "./relay-stage.ts";

t.test("orders that wait together share a batch, and each outcome holds both of its subjects", async (t) => {
  const world = orderStage();
  world.order("a1", { events: 1 });
  world.order("b1");
  world.note("a2", dependent);
  world.submitWriteSet(
    holdOnly({ commit: "c1", actor: "c", sequence: 0, hold: { sequence: 0 }, locks: [world.inventory] }),
  );
  world.order("a3", { ...dependent, hold: dependent });
  await world.resolved(5);
  t.equal(world.appended.length, 1);
  t.same(world.resolvedOrder, ["a1", "b1", "a2", "c1", "a3"]);
  t.same(world.stored("a"), ["a1", "a2", "a3"]);
  t.same(world.holds("a"), ["a1", "a3"]);
  t.same(world.holds("c"), ["c1"]);
  for (const commit of ["a1", "a3"]) {
    const outcome = world.outcomes.get(commit);
    t.equal(outcome?.status, "stored");
    if (outcome?.status !== "stored") continue;
    t.equal(outcome.sequences.get(record("a")), world.last("a"), `${commit}: record`);
    t.equal(outcome.sequences.get(hold("a")), world.lastHold("a"), `${commit}: hold`);
    t.equal(outcome.lastSequence, world.server.log("KV_ORDERS").lastSequence);
  }
});

t.test(
  "an order in the next batch is checked against what the last batch stored, record and hold",
  async (t) => {
    const world = orderStage();
    world.order("a1");
    await world.clock.advance(1);
    world.order("a2", { ...dependent, hold: dependent });
    await world.resolved(2);
    t.same(world.statuses("a1", "a2"), ["stored", "stored"]);
    t.equal(world.appended.length, 2, "one attempt each");
    const [first] = world.appended;
    const base = world.both[1]?.epoch ?? 0;
    t.equal(first?.length, 4);
    t.same(fencesIn(world.appended[1] ?? []).slice(0, 2), [
      [record("a"), base + 1],
      [hold("a"), base + 2],
    ]);
  },
);

/** Changes of the log under one layer each: only this layer can refuse the order then. */
const layers: Readonly<
  Record<string, { readonly change: (world: OrderStage) => void; readonly why: string }>
> = {
  "the order's record": { change: ({ store }) => void store(record("a"), FOREIGN), why: "fenced" },
  "the order's hold": { change: ({ store }) => void store(hold("a"), FOREIGN), why: "fenced" },
  "the partition's lock": {
    change: ({ store, partition }) => void store(partition.subject),
    why: "lock_moved",
  },
  "the inventory's lock": {
    change: ({ store, inventory }) => void store(inventory.subject),
    why: "lock_moved",
  },
};

t.test("each fence refuses alone, with all others in place, and leaves nothing of the order", async (t) => {
  for (const [what, { change, why }] of Object.entries(layers)) {
    for (const events of [0, 1]) {
      const world = orderStage();
      change(world);
      world.order("a1", { events });
      await world.resolved(1);
      const title = `${what}, ${events} events`;
      t.equal(world.status("a1"), why, title);
      t.notOk([...world.stored("a"), ...world.holds("a")].includes("a1"), title);
      t.same(world.under(subjects.event(0, "said")), [], title);
      t.equal(world.outbox.depth(), 0, title);
    }
  }
});

t.test(
  "an order that is refused in a batch of others is dropped with its dependents, and the others are stored",
  async (t) => {
    for (const [what, { change, why }] of Object.entries(layers)) {
      const world = orderStage();
      change(world);
      world.note("b1");
      world.order("a1");
      world.note("a2", dependent);
      world.note("c1");
      await world.clock.advance(1);
      world.note("a3", dependent);
      world.note("b2", dependent);
      await world.resolved(6);
      const a2 = why === "lock_moved" && what.startsWith("the partition") ? "lock_moved" : "fenced";
      t.same(world.statuses("a1", "a2", "a3"), [why, a2, "fenced"], what);
      const partitionMoved = what === "the partition's lock";
      const others = partitionMoved ? ["lock_moved", "lock_moved", "fenced"] : ["stored", "stored", "stored"];
      t.same(world.statuses("b1", "c1", "b2"), others, what);
      const ofA = world.resolvedOrder.filter((commit) => commit.startsWith("a"));
      t.same(ofA, ["a1", "a2", "a3"], `${what}: in order`);
      t.equal(new Set(world.resolvedOrder).size, 6, `${what}: each once`);
    }
  },
);

t.test(
  "the inventory's lock moved: orders without a hold are stored, with theirs the partition's lock",
  async (t) => {
    const world = orderStage();
    world.store(world.inventory.subject, FOREIGN);
    world.order("a1");
    world.note("b1");
    world.order("c1");
    world.note("d1", { locks: [world.inventory] });
    await world.resolved(4);
    t.same(world.statuses("a1", "b1", "c1", "d1"), ["lock_moved", "stored", "lock_moved", "lock_moved"]);
    t.same(world.moved, [world.inventory], "the lock is reported once, and the partition's is not");
  },
);

t.test("both locks moved: each is reported once, and everything under them is dropped", async (t) => {
  const world = orderStage();
  for (const lock of world.both) world.store(lock.subject, FOREIGN);
  world.order("a1");
  world.note("b1");
  world.order("c1");
  await world.resolved(3);
  t.same(world.statuses("a1", "b1", "c1"), ["lock_moved", "lock_moved", "lock_moved"]);
  t.same(world.moved, world.both);
});

t.test(
  "an order whose lost attempt was stored is identified by the subject that still carries its commit",
  async (t) => {
    for (const [what, { change }] of Object.entries(layers)) {
      const world = orderStage();
      world.loseAnswer();
      world.order("a1");
      await world.clock.advance(50);
      t.same(
        [world.stored("a"), world.holds("a")],
        [["a1"], ["a1"]],
        "the attempt is stored, and has no answer",
      );
      change(world);
      await world.resolved(1);
      t.equal(world.status("a1"), "stored", what);
      const outcome = world.outcomes.get("a1");
      const sequences = outcome?.status === "stored" ? outcome.sequences : new Map<string, number>();
      t.equal(
        sequences.has(record("a")),
        what !== "the order's record",
        `${what}: its record is still the last`,
      );
      t.equal(sequences.has(hold("a")), what !== "the order's hold", `${what}: its hold is still the last`);
    }
  },
);

t.test(
  "after a lost attempt that was stored, dependents are dropped where another writer came between",
  async (t) => {
    for (const [what, { change }] of Object.entries(layers)) {
      const world = orderStage();
      world.loseAnswer();
      world.order("a1");
      await world.clock.advance(50);
      world.note("a2", dependent);
      world.note("b1");
      change(world);
      await world.resolved(3);
      const overwritten = what.startsWith("the order's");
      const moved = what === "the partition's lock";
      const a2 = overwritten ? "fenced" : moved ? "lock_moved" : "stored";
      t.same(world.statuses("a1", "a2", "b1"), ["stored", a2, moved ? "lock_moved" : "stored"], what);
      const last = { stored: "a2", fenced: "a1", lock_moved: "a1" }[a2];
      t.equal(world.stored("a").at(-1), what === "the order's record" ? FOREIGN : last, what);
    }
  },
);

const sum = (changes: readonly unknown[]): number =>
  changes.reduce<number>((total, change) => total + Number(change), 0);

t.test(
  "the stock of a batch that is put together again is computed again, from what is acknowledged",
  async (t) => {
    for (const [what, { change }] of Object.entries(layers)) {
      if (what === "the partition's lock") continue;
      const world = orderStage();
      let acknowledged = 100;
      const acknowledgements: unknown[] = [];
      const aggregator = {
        compose: (changes: readonly unknown[]) => [
          { subject: inventorySubjects.stock("X"), payload: String(acknowledged - sum(changes)) },
        ],
        committed: (changes: readonly unknown[]) => {
          acknowledged -= sum(changes);
          acknowledgements.push(...changes);
        },
      };
      const taking = (delta: number) => ({ delta: { aggregator, delta } });
      const other = { subject: world.inventory.subject, epoch: world.inventory.epoch };
      world.order("b1", taking(1));
      world.order("a1", taking(10));
      world.order("c1", taking(2));
      change(world);
      await world.resolved(3);
      const stock = world.under(inventorySubjects.stock("X"));
      if (what === "the inventory's lock") {
        t.same(stock, [], `${what}: no stock is written from the projection of a former owner`);
        t.same(acknowledgements, [], what);
        t.same(world.moved, [other], what);
      } else {
        t.same(stock, ["97"], `${what}: without the refused order`);
        t.same(acknowledgements, [1, 2], what);
        t.same(world.statuses("b1", "a1", "c1"), ["stored", "fenced", "stored"], what);
      }
    }
  },
);

t.test(
  "a write set of an earlier ownership of the inventory goes alone, and takes no other with it",
  async (t) => {
    const world = orderStage();
    const now = world.lock("inventory.0");
    world.order("a1");
    world.order("b1", { locks: [world.partition, now] });
    world.note("c1");
    await world.resolved(3);
    t.same(world.statuses("a1", "b1", "c1"), ["lock_moved", "stored", "stored"]);
    t.same(commitsIn(world.appended[0] ?? []), ["a1"]);
    t.same(world.moved, [world.inventory]);
  },
);
