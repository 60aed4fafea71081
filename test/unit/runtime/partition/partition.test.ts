/** A partition taken over, served and handed over, and inputs delivered to it. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { turnstile } from "../../../../examples/turnstile/turnstile.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, worked, NOW, record } from "../tenure/tenure-stage.ts";

t.test("a takeover whose commands cannot be served leaves no subscription that answers them", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  let fail = 1;
  const one = await cluster.start("one", diary(), (bus) => ({
    ...bus,
    flush: () => (fail-- > 0 ? Promise.reject(new Unavailable("not now")) : bus.flush()),
  }));
  await cluster.settled();
  t.equal(cluster.server.listeners(subjects.command(0)).length, 1);
  cluster.ok(await cluster.done(one.actors.start("d", {}, NOW)));
});

t.test("a checkpoint that is ahead of the lock does not keep the next owner waiting", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.kill();
  cluster.server.log("KV_FLOORS").propose(
    [
      {
        subject: "$KV.FLOORS.partition.0",
        payload: JSON.stringify({ through: 10_000, epoch: cluster.epoch(0), open: [] }),
      },
    ],
    () => {},
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  t.equal((await cluster.done(two.actors.read("d"))).status, "ok");
});

t.test("the checkpoint of a new owner is never lower than the one it found", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  for (let i = 0; i < 3; i++) {
    await cluster.done(one.actors.start(`d${i}`, {}, NOW));
    await cluster.clock.advance(1500);
  }
  const { through } = cluster.checkpoint(0) ?? { through: 0 };
  t.ok(through > 0);
  one.kill();
  cluster.faults.push(({ node, kind, subject }) =>
    node === "two" && kind === "append" && subject.startsWith("orders.journal")
      ? { lose: "request" }
      : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  void two.actors.start("stuck", {}, NOW);
  await cluster.clock.advance(4000);
  t.ok((cluster.checkpoint(0)?.through ?? 0) >= through);
});

t.test("a caller on the owner itself gets an answer in time while the server stays silent", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === record("d") ? { lose: "request" } : undefined,
  );
  const reply = await cluster.done(
    one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 1000 }),
    10_000,
  );
  t.equal(reply.status, "unavailable");
  cluster.faults.length = 0;
  const again = cluster.ok(
    await cluster.done(
      one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 1000 }),
    ),
  );
  t.same(notes(again.snapshot), ["note.1"], "applied once");
});

t.test("an input delivered twice, or whose answer was lost, is delivered", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  let lose = 1;
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === subjects.inbox(0, "d") && lose-- > 0 ? { lose: "answer" } : undefined,
  );
  await cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"));
  await cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"));
  await cluster.clock.advance(1000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(snapshot), ["note.1"]);
});

t.test("an input that cannot be delivered is reported as unavailable in the end", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === subjects.inbox(0, "d") ? { lose: "request" } : undefined,
  );
  await t.rejects(
    cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"), 120_000),
    Unavailable,
  );
});

t.test("a new owner rejects a reading that is older than what it replayed", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const hanging = diary(() => new Promise(() => {}));
  const one = await cluster.start("one", hanging);
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  one.kill();
  let stale = 2;
  cluster.faults.push(({ node, kind, subject }) =>
    node === "two" && kind === "read" && subject === record("d") && stale-- > 0
      ? { staleBy: cluster.server.log("KV_ORDERS").lastSequence - 3 }
      : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the effect ran");
});

t.test("draining ends as soon as nothing is under way", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const zero = await cluster.start("zero", diary());
  await cluster.settled();
  await cluster.done(zero.actors.start("d", {}, NOW));
  zero.kill();
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") ? { delayMs: 200 } : undefined,
  );
  // The command changes nothing, and the actor has to be read first.
  void one.actors.command("d", "diary", { type: "stop" }, { commandId: "c1", waitMs: 0 });
  await cluster.clock.advance(5);
  const begun = cluster.clock.monotonic();
  await cluster.done(one.node.stop());
  t.ok(cluster.clock.monotonic() - begun < 1000, `took ${cluster.clock.monotonic() - begun} ms`);
});

t.test("a timer that fires while its commit has no answer yet is not lost", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start(
    "one",
    turnstile((key) => Promise.resolve({ receipt: key })),
  );
  await cluster.settled();
  await cluster.done(one.actors.start("g", { lockAfterMs: 50 }, NOW));
  let lose = 0;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== record("g")) return undefined;
    // The second commit arms the timer.
    return ++lose === 2 || lose === 3 ? { lose: "answer" } : undefined;
  });
  await cluster.done(
    one.actors.command("g", "turnstile", { type: "coin" }, { commandId: "c1", waitMs: 3000 }),
  );
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("g")));
  t.equal(snapshot.machines["turnstile"]?.value, "locked");
});

t.test("an outcome whose commit was dropped is decided again, and its effect is not run again", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  let runs = 0;
  const first = Promise.withResolvers<string>();
  const one = await cluster.start(
    "one",
    diary(() => (++runs === 1 ? first.promise : Promise.resolve(`run ${runs}`))),
  );
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  one.outbox.failWith("disk full");
  first.resolve("run 1");
  await cluster.clock.advance(1200);
  one.outbox.failWith(undefined);
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(worked(snapshot), ["run 1"]);
  t.equal(runs, 1, "a second run could have another outcome, which no machine would undo");
});

t.test("an actor that left memory is not read as it was before it left", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const send = (actor: string, type: string) =>
    cluster.done(one.actors.command(actor, "diary", { type }, { commandId: type, waitMs: 0 }));
  await cluster.done(one.actors.start("d", {}, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await send("d", "note.1");
  await cluster.done(one.actors.start("e", {}, NOW));
  await cluster.done(one.actors.start("f", {}, NOW));
  let stale = 1;
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && stale-- > 0
      ? { staleBy: cluster.server.log("KV_ORDERS").lastSequence - before }
      : undefined,
  );
  const reply = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1"]);
});
