/** Acquiring, losing and handing over the shard. */
import t from "tap";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type { InventoryRequest } from "../../../../src/services/inventory/protocol.ts";
import { InventoryShard } from "../../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS, type ShardLimits } from "../../../../src/services/inventory/shard-dependencies.ts";
import { FakeLog, FakeRelay, countingIds, eagerClock, turns } from "./fake-log.ts";
import { EUR, type OwnedShard, output, ownedShard, release, reserve } from "./owned-shard.ts";

const get = { op: "get", sku: "A" } as const;

t.test("a shard that is not owned decides nothing", async (t) => {
  const log = new FakeLog();
  const shard = new InventoryShard(0, {
    journal: log.journal,
    sink: new FakeRelay(log),
    ids: countingIds("c"),
    clock: eagerClock(),
    limits: SHARD_LIMITS,
    unverified: () => undefined,
  });
  t.equal(shard.open, false);
  t.strictSame(await shard.answer(get), { status: "not_owner" });
  t.equal(shard.joinReserve(reserve("o1", ["A", 1])), undefined);
  await shard.drain();
  shard.revoke();
});

t.test("while the lock of the shard is unverified, nothing is answered from memory", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  await owned.settle(owned.shard.answer(reserve("o1", ["A", 3])));
  owned.unverify("isolated");
  const put = {
    op: "put",
    sku: "A",
    command: "p",
    stock: { onHand: 10, name: "A", price: EUR(100) },
  } as const;
  const requests: InventoryRequest[] = [
    get,
    put,
    reserve("o1", ["A", 3]),
    { op: "release", orderId: "o1" },
    { op: "known", skus: ["B"] },
    { op: "list", limit: 10 },
  ];
  for (const request of requests) {
    t.strictSame(
      await owned.shard.answer(request),
      { status: "unavailable", reason: "isolated" },
      request.op,
    );
  }
  owned.unverify(undefined);
  t.match(output<"get">(await owned.shard.answer<"get">(get)), { onHand: 10, reserved: 3, available: 7 });
});

t.test("the next owner has what was acknowledged, and nothing else", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  await owned.settle(owned.shard.answer(reserve("o1", ["A", 3])));
  void owned.shard.answer(reserve("o2", ["A", 5]));
  await turns();
  await owned.takeOver();
  t.match(output<"get">(await owned.shard.answer<"get">(get)), { onHand: 10, reserved: 3, available: 7 });
  t.match(owned.shard.joinReserve(reserve("o3", ["A", 7]))?.output, { outcome: "reserved" });
  owned.relay.flush();
  t.equal(
    owned.log.last(inventorySubjects.hold("o2")),
    undefined,
    "what the old owner had decided is refused",
  );
});

t.test("callers that wait when the shard is lost are answered at once", async (t) => {
  const owned = await ownedShard();
  const asked = [release("o1"), release("o1"), release("o2")].map((request) => owned.shard.answer(request));
  await turns();
  owned.shard.revoke();
  t.strictSame(
    await Promise.all(asked),
    asked.map(() => ({ status: "not_owner" })),
  );
  owned.relay.flush();
  t.equal(owned.shard.open, false);
});

t.test("a put that waits when the shard is lost is not decided", async (t) => {
  const owned = await ownedShard();
  const put = (onHand: number) =>
    owned.shard.answer({
      op: "put",
      sku: "A",
      stock: { onHand, name: "A", price: EUR(100) },
      command: `put ${onHand}`,
    });
  const asked = [put(5), put(7)];
  await turns();
  owned.shard.revoke();
  t.strictSame(
    await Promise.all(asked),
    asked.map(() => ({ status: "not_owner" })),
  );
  await turns();
  t.equal(owned.relay.waiting.length, 1, "the first one was submitted before");
});

t.test("a hand-over that ends late leaves the tenure that was acquired since", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  const joined = owned.shard.joinReserve(reserve("o1", ["A", 1]));
  t.ok(joined, "keeps the hand-over waiting");
  const end = owned.shard.drain();
  await owned.takeOver();
  await end;
  t.equal(owned.shard.open, true);
});

t.test("draining takes nothing new and ends when everything under way is settled", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  const asked = owned.shard.answer<"reserve">(reserve("o1", ["A", 1]));
  const joined = owned.shard.joinReserve(reserve("o2", ["A", 1]));
  await turns();
  let drained = false;
  const end = owned.shard.drain().then(() => (drained = true));
  t.strictSame(await owned.shard.answer(release("o3")), { status: "not_owner" });
  t.equal(owned.shard.joinReserve(reserve("o3", ["A", 1])), undefined);
  owned.relay.flush();
  t.match(output<"reserve">(await asked), { outcome: "reserved" });
  await turns();
  t.equal(drained, false, "a joined decision is still under way");
  joined?.resolved(true, new Map());
  await end;
  t.equal(drained, true);
});

t.test("a stale read is detected and repeated before anything is decided", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  owned.log.readsBefore = owned.log.messages.length + 1;
  await owned.settle(owned.shard.answer(reserve("o1", ["A", 9])));
  let tries = 0;
  const { journal } = owned.log;
  const read = journal.readLastPerSubject.bind(journal);
  journal.readLastPerSubject = (filter) => {
    if (++tries === 5) owned.log.readsBefore = 0;
    return read(filter);
  };
  await owned.takeOver();
  t.ok(tries >= 5);
  t.match(owned.shard.joinReserve(reserve("o2", ["A", 2]))?.output, { outcome: "out_of_stock" });
});

t.test(
  "an old reading that lacks a SKU is repeated: the server proves only entries that were read",
  async (t) => {
    const owned = await ownedShard();
    const beforeTheFirst = owned.log.messages.length + 1;
    await owned.stock("A", 10);
    await owned.settle(owned.shard.answer(reserve("o1", ["A", 9])));
    const { journal } = owned.log;
    const read = journal.readLastPerSubject.bind(journal);
    // Both readings, the stock alone, and the catalogue alone, of a server that lists no SKU, or knows no value.
    for (const reads of ["stock.", "catalogue.", "."]) {
      for (const old of ["listsBefore", "readsBefore"] as const) {
        let repeats = 0;
        journal.readLastPerSubject = (filter, through) => {
          owned.log[old] = filter.includes(reads) && ++repeats < 4 ? beforeTheFirst : 0;
          return read(filter, through);
        };
        await owned.takeOver();
        owned.log[old] = 0;
        t.ok(repeats >= 4, `${old} ${reads}: the reading was repeated`);
        const found = output<"get">(await owned.shard.answer<"get">({ op: "get", sku: "A" }));
        t.match(found, { onHand: 10, reserved: 9 }, `${old} ${reads}`);
        t.match(owned.shard.joinReserve(reserve("o2", ["A", 2]))?.output, { outcome: "out_of_stock" });
      }
    }
  },
);

t.test("a shard that can only be read old, or whose lock has moved on, is not taken", async (t) => {
  const owned = await ownedShard();
  await owned.stock("A", 10);
  owned.log.readsBefore = owned.log.messages.length + 1;
  await owned.settle(owned.shard.answer(reserve("o1", ["A", 9])));
  await t.rejects(owned.takeOver(), { name: "Unavailable" });
  t.equal(owned.shard.open, false);
  owned.log.readsBefore = 0;
  await t.rejects(owned.shard.acquire(1), { name: "Unavailable" });
  t.equal(owned.shard.open, false);
});

t.test("a shard that is lost while it loads does not open", async (t) => {
  const owned = await ownedShard();
  const loading = owned.takeOver();
  owned.shard.revoke();
  await t.rejects(loading, /lost while it was being loaded/);
  t.equal(owned.shard.open, false);
});

t.test("an entry that breaks the stock's invariants is not loaded", async (t) => {
  const owned = await ownedShard();
  const payload = JSON.stringify({ sku: "A", onHand: 1, reserved: 0, received: 2, shipped: 0, put: "" });
  owned.log.store({ subject: inventorySubjects.stock("A"), payload });
  await t.rejects(owned.takeOver(), /impossible stock/);
});

/** The answer, after any number of readings and writes. */
async function finished<T>({ relay }: OwnedShard, asked: Promise<T>): Promise<T> {
  const state = { over: false };
  const mark = () => void (state.over = true);
  asked.then(mark, mark);
  for (let turn = 0; turn < 60 && !state.over; turn++) {
    await turns(1);
    relay.flush();
  }
  if (!state.over) throw new Error("there is no answer");
  return await asked;
}

/** The first three readings of holds see the log as it was before a sequence. @returns readings and writes since */
function oldReadings({ log, relay }: OwnedShard, before: number): { count: number; submitted: number } {
  const { journal } = log;
  const read = journal.readLastTogether.bind(journal);
  const submit = relay.submit.bind(relay);
  const seen = { count: 0, submitted: 0 };
  journal.readLastTogether = (subjects, through) => {
    log.readsBefore = ++seen.count <= 3 ? before : 0;
    const found = read(subjects, through);
    log.readsBefore = 0;
    return found;
  };
  relay.submit = (writeSet) => {
    seen.submitted++;
    submit(writeSet);
  };
  return seen;
}

/** Order o1 has a hold that was released. `whileReserved`: the log was before its release. */
async function releasedHold(limits: Partial<ShardLimits> = {}) {
  const owned = await ownedShard(limits);
  const { log, shard } = owned;
  await owned.stock("A", 10);
  await finished(owned, shard.answer(reserve("o1", ["A", 3])));
  const whileReserved = log.messages.length + 1;
  await finished(owned, shard.answer(release("o1")));
  return { owned, whileReserved };
}

t.test("a hold that an earlier owner has ended is not ended again after an old reading", async (t) => {
  const { owned, whileReserved } = await releasedHold();
  // Ended again, the stock of the new owner would go below zero.
  await owned.takeOver();
  const seen = oldReadings(owned, whileReserved);
  const answer = await finished(owned, owned.shard.answer<"release">(release("o1")));
  t.same(output<"release">(answer), { outcome: "released" });
  t.same(seen, { count: 4, submitted: 0 }, "it was read until a replica was far enough");
});

t.test("a hold that has ended is not answered as reserved after an old reading", async (t) => {
  const { owned, whileReserved } = await releasedHold();
  await owned.takeOver();
  oldReadings(owned, whileReserved);
  const answer = await finished(owned, owned.shard.answer<"reserve">(reserve("o1", ["A", 3])));
  t.match(output<"reserve">(answer), { outcome: "closed" });
});

t.test("a hold that this owner has ended and forgotten is not read as it was before", async (t) => {
  const { owned, whileReserved } = await releasedHold({ recentHolds: 2 });
  for (const id of ["o2", "o3", "o4"]) await finished(owned, owned.shard.answer(reserve(id, ["A", 1])));
  const seen = oldReadings(owned, whileReserved);
  const answer = await finished(owned, owned.shard.answer<"release">(release("o1")));
  t.same(output<"release">(answer), { outcome: "released" });
  t.same(seen, { count: 4, submitted: 0 });
});

t.test("while every replica lags, a hold is unavailable", async (t) => {
  const owned = await ownedShard();
  await owned.takeOver();
  owned.log.readsBefore = 1;
  t.match(await finished(owned, owned.shard.answer(release("o1"))), { status: "unavailable" });
});
