/** Inputs of one tenure: their order, activations that are replaced, bounds. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, worked, NOW, record, byHand } from "./tenure-stage.ts";

t.test("inbox inputs keep their order while the outbox refuses them", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.outbox.failWith("disk full");
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  // Refused twice: the second time the decision is postponed.
  await cluster.clock.advance(100);
  cluster.inbox(0, "d", "diary", "note.2", "e2");
  one.outbox.failWith(undefined);
  await cluster.clock.advance(5000);
  const reply = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1", "note.2"]);
});

t.test("inbox inputs keep their order while their actor cannot be read", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.kill();
  let refuse = 2;
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && refuse-- > 0 ? { lose: "request" } : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(4050);
  cluster.inbox(0, "d", "diary", "note.2", "e2");
  await cluster.clock.advance(5000);
  const reply = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1", "note.2"]);
});

t.test("a commit that is stored after its activation was replaced still starts its effects", async (t) => {
  const { tenure, writeSets, clock, start, send, store, drop } = await byHand();
  start();
  await store();
  send("work");
  send("note.1");
  t.equal(writeSets.length, 2);
  drop();
  await clock.advance(10);
  t.equal(writeSets.length, 1, "nothing is decided on a state that is about to change");
  t.match(tenure.checkpoint(Number.POSITIVE_INFINITY).open, ["d"]);
  await store();
  await clock.advance(10);
  t.equal(writeSets.length, 2, "the note again, and the outcome of the effect");
  await store();
  await store();
  const { snapshot } = (await tenure.read("d")) as Extract<ActorReply, { status: "ok" }>;
  t.same([notes(snapshot), worked(snapshot), snapshot.version], [["note.1"], ["d:diary.job:2000"], 4]);
});

t.test("an input that changed nothing shares the outcome of the state it was decided on", async (t) => {
  const { tenure, writeSets, clock, start, send, store, drop } = await byHand();
  start();
  await store();
  send("note.1", 10);
  send("unknown", 11);
  send("note.2", 12);
  drop();
  t.equal(tenure.backlog(), 3);
  await store();
  t.equal(tenure.backlog(), 1, "the first is stored, the second was decided on the stored state");
  await clock.advance(10);
  t.equal(writeSets.length, 1);
  await store();
  t.equal(tenure.backlog(), 0);
  t.equal(tenure.checkpoint(Number.POSITIVE_INFINITY).open.length, 0);
});

t.test("a failed reading does not drop an actor that another reading has loaded", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const zero = await cluster.start("zero", diary());
  await cluster.settled();
  await cluster.done(zero.actors.start("d", {}, NOW));
  zero.kill();
  const one = await cluster.start("one", diary());
  await cluster.settled();
  let reads = 0;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "read" || subject !== record("d")) return undefined;
    return ++reads === 2 ? { lose: "answer" } : { delayMs: 50 };
  });
  const read = one.actors.read("d");
  const work = one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 });
  // Until the other reading has run into its time limit.
  const until = cluster.clock.monotonic() + 2300;
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === record("d") && cluster.clock.monotonic() < until
      ? { lose: "request" }
      : undefined,
  );
  cluster.ok(await cluster.done(read));
  cluster.ok(await cluster.done(work));
  await cluster.clock.advance(5000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the effect ran");
});

t.test(
  "an effect under way when its activation was replaced is resumed by the same node's next tenure",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    let calls = 0;
    const definition = diary(({ key }) => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(key)));
    const one = await cluster.start("one", definition);
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
    await cluster.until("called", () => calls === 1);
    // The actor's activation is replaced, and the state cannot be read again.
    let unreadable = true;
    cluster.faults.push(({ kind, subject }) =>
      unreadable && kind === "read" && subject === record("d") ? { lose: "request" } : undefined,
    );
    one.outbox.failWith("disk full");
    void one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c2", waitMs: 0 });
    await cluster.clock.advance(20);
    one.outbox.failWith(undefined);
    // Another node takes the lock and is gone again.
    cluster.server.log("KV_ORDERS").propose(
      [
        {
          subject: subjects.lock("partition.0"),
          payload: JSON.stringify({ node: "", boot: "", nonce: "n", since: "" }),
        },
      ],
      () => {},
    );
    await cluster.clock.advance(10);
    unreadable = false;
    await cluster.settled();
    await cluster.clock.advance(5000);
    t.equal(calls, 2);
    const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
    t.same(worked(snapshot), ["d:diary.job:2000"]);
  },
);

t.test(
  "an actor whose activation was replaced stays in the checkpoint's list until it is read again",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const hanging = diary(() => new Promise(() => {}));
    const one = await cluster.start("one", hanging);
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
    await cluster.clock.advance(3000);
    t.same(cluster.checkpoint(0)?.open, ["d"]);
    cluster.faults.push(({ kind, subject }) =>
      kind === "read" && subject === record("d") ? { lose: "request" } : undefined,
    );
    one.outbox.failWith("disk full");
    void one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c2", waitMs: 0 });
    await cluster.clock.advance(20);
    one.outbox.failWith(undefined);
    // Other actors go on, so that the checkpoint does too.
    for (let i = 0; i < 3; i++) {
      await cluster.done(one.actors.start(`other${i}`, {}, NOW));
      await cluster.clock.advance(1500);
    }
    t.same(cluster.checkpoint(0)?.open, ["d"]);
    one.kill();
    cluster.faults.length = 0;
    const two = await cluster.start("two", diary());
    await cluster.settled();
    await cluster.clock.advance(3000);
    const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
    t.same(worked(snapshot), ["d:diary.job:2000"], "the next owner resumed it");
  },
);

t.test("memory stays bounded although many actors have slow effects", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 20 });
  const one = await cluster.start(
    "one",
    diary(() => new Promise(() => {})),
  );
  await cluster.settled();
  for (let i = 0; i < 12; i++) {
    await cluster.done(one.actors.start(`busy${i}`, {}, NOW));
    await cluster.done(
      one.actors.command(`busy${i}`, "diary", { type: "work" }, { commandId: "c", waitMs: 0 }),
    );
  }
  for (let i = 0; i < 100; i++) await cluster.done(one.actors.start(`idle${i}`, {}, NOW));
  const actors = one.node.status().partitions[0]?.actors ?? 0;
  t.ok(actors <= 34, `${actors} actors in memory`);
});

t.test("reads that fail leave no actor in memory", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 10 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject.startsWith(record("none")) ? { lose: "request" } : undefined,
  );
  const reads = Array.from({ length: 50 }, (_, i) => one.actors.read(`none${i}`));
  const replies = await cluster.done(Promise.all(reads));
  t.ok(replies.every((reply) => reply.status === "unavailable"));
  // Some waited for others that ran into their time limit.
  await cluster.clock.advance(8000);
  t.ok((one.node.status().partitions[0]?.actors ?? 0) <= 10);
});

t.test("a parked actor does not delay the partition's progress, and its inputs are not lost", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.start("e", {}, NOW));
  cluster.inbox(0, "d", "diary", "poison", "e1");
  const after = cluster.inbox(0, "d", "diary", "note.1", "e2");
  await cluster.clock.advance(100);
  t.equal(one.node.status().partitions[0]?.parked, 1);
  t.equal(one.node.status().partitions[0]?.lag, 0, "room in the inbox");
  await cluster.done(one.actors.command("e", "diary", { type: "note.1" }, { commandId: "c", waitMs: 0 }));
  cluster.inbox(0, "e", "diary", "note.2", "e3");
  await cluster.clock.advance(3000);
  t.ok((cluster.checkpoint(0)?.through ?? 0) > after);
  one.kill();
  const two = await cluster.start("two", diary());
  await cluster.settled();
  await cluster.clock.advance(1000);
  t.equal(two.node.status().partitions[0]?.parked, 1, "the parking is found again");
});
