/** The relay under lost answers, fences and moved locks, on the server in memory. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { relayStage } from "./relay-stage.ts";

t.test("write sets that wait together are one batch, also several of one actor", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  stage.submit({ commit: "a3", actor: "a", sequence: undefined, locks });
  await stage.resolved(4);
  t.equal(stage.appended.length, 1);
  t.same(stage.stored("a"), ["a1", "a2", "a3"]);
  t.same(stage.order, ["a1", "a2", "b1", "a3"]);
  t.equal(stage.outbox.depth(), 0);
  const outcome = stage.outcomes.get("a1");
  t.equal(
    outcome?.status === "stored" && outcome.sequences.get(subjects.record(0, "a")),
    stage.last("a"),
    "the outcome holds the last sequence of the subject in the batch",
  );
});

t.test("one batch is in flight, and write sets submitted meanwhile share the next", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  await stage.clock.advance(1);
  t.equal(stage.appended.length, 1);
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  await stage.resolved(3);
  t.equal(stage.appended.length, 2);
  t.equal(stage.mostInFlight(), 1);
  t.same(stage.stored("a"), ["a1", "a2"]);
});

t.test("a batch whose answer is lost is repeated, identified, and stored once", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let lose = 3;
  stage.faults.push(({ kind }) => (kind === "append" && lose-- > 0 ? { lose: "answer" } : undefined));
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  await stage.resolved(3);
  t.same([stage.stored("a"), stage.stored("b")], [["a1", "a2"], ["b1"]]);
  t.same(["a1", "a2", "b1"].map(stage.status), ["stored", "stored", "stored"]);
});

t.test("a batch that never arrived is sent again unchanged", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let lose = 2;
  stage.faults.push(({ kind }) => (kind === "append" && lose-- > 0 ? { lose: "request" } : undefined));
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  await stage.resolved(1);
  t.same(stage.stored("a"), ["a1"]);
  t.same(stage.appended[0], stage.appended[1]);
  t.same(stage.appended[1], stage.appended[2]);
});

t.test("an attempt that is stored late resolves no write set twice", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let first = true;
  stage.faults.push(({ kind }) => {
    if (kind !== "append" || !first) return undefined;
    first = false;
    return { delayMs: 250 };
  });
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  await stage.resolved(1);
  await stage.clock.advance(1000);
  t.same(stage.stored("a"), ["a1"]);
});

t.test("a fenced write set is dropped with its dependents, and the rest is stored", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.store(subjects.record(0, "a"), "another writer");
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  await stage.clock.advance(1);
  stage.submit({ commit: "a3", actor: "a", sequence: undefined, locks });
  await stage.resolved(4);
  t.same(["a1", "a2", "a3", "b1"].map(stage.status), ["fenced", "fenced", "fenced", "stored"]);
  t.same(stage.stored("a"), ["another writer"]);
  t.same(
    stage.order.filter((commit) => commit.startsWith("a")),
    ["a1", "a2", "a3"],
  );
  t.equal(stage.outbox.depth(), 0);
});

t.test("a moved lock drops the write sets of its partition only, and is reported", async (t) => {
  const stage = relayStage();
  const zero = stage.lock("partition.0");
  const one = stage.lock("partition.1");
  stage.store(zero.subject, "taken over");
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks: [zero] });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks: [one] });
  stage.submit({ commit: "c1", actor: "c", sequence: 0, locks: [zero, one] });
  await stage.resolved(3);
  t.same(["a1", "b1", "c1"].map(stage.status), ["lock_moved", "stored", "lock_moved"]);
  t.same(stage.moved, [zero]);
});

t.test("write sets of two epochs of one lock never share a batch", async (t) => {
  const stage = relayStage();
  const old = stage.lock("partition.0");
  const now = stage.lock("partition.0");
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks: [old] });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks: [now] });
  await stage.resolved(2);
  t.same(["a1", "b1"].map(stage.status), ["lock_moved", "stored"]);
  for (const messages of stage.appended) t.equal(messages.length <= 2, true);
});

t.test(
  "a write set that the server rejects is isolated by splitting, and the others are stored",
  async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("partition.0")];
    stage.refusals.push((messages) =>
      messages.some((message) => message.payload === "bad")
        ? { status: "rejected", code: 10054, reason: "too large" }
        : undefined,
    );
    for (let i = 0; i < 9; i++) {
      const bad = i === 5;
      stage.submit({ commit: `c${i}`, actor: `x${i}`, sequence: 0, locks, ...(bad && { payload: "bad" }) });
    }
    stage.submit({ commit: "dependent", actor: "x5", sequence: undefined, locks });
    await stage.resolved(10);
    t.equal(stage.status("c5"), "refused");
    t.equal(stage.status("dependent"), "fenced");
    for (let i = 0; i < 9; i++) if (i !== 5) t.equal(stage.status(`c${i}`), "stored", `c${i}`);
  },
);

t.test("a local store that refuses drops what it refused, and nothing that it accepted before", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  await stage.clock.advance(1);
  stage.outbox.failWith("disk full");
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  await stage.resolved(3);
  t.same(["a1", "a2", "b1"].map(stage.status), ["stored", "store_unavailable", "store_unavailable"]);
  t.equal(stage.relay.state().storeRefuses, true);
  stage.outbox.failWith(undefined);
  await stage.clock.advance(600);
  stage.submit({ commit: "b2", actor: "b", sequence: 0, locks });
  await stage.resolved(4);
  t.equal(stage.status("b2"), "stored", "the relay continues");
  await stage.clock.advance(1000);
  t.equal(stage.outbox.depth(), 0, "rows that could not be deleted are deleted later");
});

t.test(
  "a refusal of the local store is reported at once, before earlier write sets of its subject",
  async (t) => {
    // A few wait until the answer has arrived; many are written while the server works.
    for (const others of [0, 20]) {
      const stage = relayStage();
      const locks = [stage.lock("partition.0")];
      stage.faults.push(({ kind }) => (kind === "append" ? { delayMs: 50 } : undefined));
      stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
      await stage.clock.advance(1);
      stage.outbox.failWith("disk full");
      stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
      for (let n = 0; n < others; n++) stage.submit({ commit: `b${n}`, actor: `b${n}`, sequence: 0, locks });
      await stage.clock.advance(10);
      t.equal(
        stage.status("a2"),
        others > 0 ? "store_unavailable" : "unresolved",
        "without waiting for the server",
      );
      await stage.resolved(2 + others);
      t.same(
        stage.order.filter((commit) => commit.startsWith("a")),
        ["a2", "a1"],
        `with ${others} others`,
      );
      t.same(["a1", "a2"].map(stage.status), ["stored", "store_unavailable"]);
      t.same(stage.stored("a"), ["a1"]);
    }
  },
);

t.test("a write set decided before an earlier one was stored is not published on top of it", async (t) => {
  for (const when of ["in flight", "in the queue"]) {
    const stage = relayStage();
    const locks = [stage.lock("partition.0")];
    if (when === "in the queue") {
      stage.submit({ commit: "other", actor: "other", sequence: 0, locks });
      await stage.clock.advance(1);
    }
    stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
    if (when === "in flight") await stage.clock.advance(1);
    // The state after a1 was abandoned meanwhile, and the actor read again: it has no record yet.
    stage.submit({ commit: "a2", actor: "a", sequence: 0, locks });
    await stage.resolved(when === "in flight" ? 2 : 3);
    t.same(stage.stored("a"), ["a1"], when);
    t.equal(stage.status("a2"), "fenced", when);
  }
});

t.test("a rejection is not explained by a reading that is too old", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  await stage.resolved(1);
  let lose = 1;
  let stale = 2;
  stage.faults.push(({ kind }) => {
    if (kind === "append" && lose-- > 0) return { lose: "answer" };
    // As of the start: neither the lock nor the first record is there.
    return kind === "read" && stale-- > 0 ? { staleBy: 1000 } : undefined;
  });
  stage.submit({ commit: "a2", actor: "a", sequence: stage.last("a"), locks });
  await stage.resolved(2);
  t.equal(stage.status("a2"), "stored");
  t.same(stage.moved, []);
});

t.test("a write set whose subject really went back is fenced, not repeated forever", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  stage.submit({ commit: "a1", actor: "a", sequence: 77, locks });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
  await stage.resolved(2);
  t.same(["a1", "b1"].map(stage.status), ["fenced", "stored"]);
});

t.test("an attempt that is stored after a rejection split its batch is still identified", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let attempts = 0;
  stage.faults.push(({ kind }) => (kind === "append" && attempts === 1 ? { delayMs: 150 } : undefined));
  stage.refusals.push(() =>
    ++attempts === 2 ? { status: "rejected", code: 10077, reason: "no room" } : undefined,
  );
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
  stage.submit({ commit: "a2", actor: "a", sequence: undefined, locks });
  // The second half of the batch waits while the first is tried alone; the whole batch is stored meanwhile.
  stage.faults.push(({ kind }) => (kind === "append" && attempts === 3 ? { delayMs: 60 } : undefined));
  await stage.resolved(2);
  t.same(stage.stored("a"), ["a1", "a2"]);
  t.same(["a1", "a2"].map(stage.status), ["stored", "stored"]);
});

t.test("an aggregator receives its deltas once, however often their batch was sent", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("inventory.0")];
  const told: unknown[] = [];
  const aggregator = {
    compose: (changes: readonly unknown[]) => [
      { subject: inventorySubjects.stock("X"), payload: String(changes.length) },
    ],
    committed: (changes: readonly unknown[]) => void told.push(...changes),
  };
  let lose = 1;
  stage.faults.push(({ kind }) => (kind === "append" && lose-- > 0 ? { lose: "answer" } : undefined));
  stage.submit({ commit: "a1", actor: "a", sequence: 0, locks, delta: { aggregator, delta: 1 } });
  stage.submit({ commit: "b1", actor: "b", sequence: 0, locks, delta: { aggregator, delta: 2 } });
  await stage.resolved(2);
  t.same(told, [1, 2]);
});

for (const [what, lost] of [
  ["a batch that is answered", 0],
  ["a batch that is read back", 1],
] as const)
  t.test(`the aggregator of ${what} has its deltas before any caller is answered`, async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("inventory.0")];
    const happened: unknown[] = [];
    const aggregator = {
      compose: () => [],
      committed: (deltas: readonly unknown[]) => void happened.push(...deltas),
    };
    let left = lost;
    stage.faults.push(({ kind }) => (kind === "append" && left-- > 0 ? { lose: "answer" } : undefined));
    for (const [n, actor] of ["a", "b"].entries()) {
      const resolved = (): void => void happened.push(`resolved ${actor}`);
      const delta = { aggregator, delta: n };
      stage.submit({ commit: `${actor}1`, actor, sequence: 0, locks, delta, resolved });
    }
    await stage.resolved(2);
    t.same(happened, [0, 1, "resolved a", "resolved b"]);
  });
